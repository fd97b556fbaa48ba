"""Named directions in a parameter's input space: the features whose correlations with the weights are recorded."""

import html
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from probes.errors import UsageError
from probes.store.directions import StoredDirections

__all__ = ["Directions"]

_NAMES = {2: ("feature",), 3: ("feature_class", "view")}


class Directions:
    """A set of directions with a name for every axis but the last, which is ``dim``; copied, and never changed.

    Args:
        vectors: Directions, axes ``(feature_class, view, dim)``, ``(feature, dim)`` or any others, floating point.
            They are used as they are: a correlation is the raw inner product, so their norms matter.
        names: Name of every axis but the last. Default ``("feature",)`` for two axes, ``("feature_class", "view")``
            for three.
        labels: Optionally, for an axis of ``names``, what its entries are called.

    Raises:
        TypeError: ``vectors`` are not floating point.
        ValueError: ``vectors`` have a zero or non-finite direction or none at all; ``names`` or ``labels`` do not fit.

    Example:
        >>> directions = Directions(torch.eye(6).reshape(3, 2, 6), names=("feature_class", "view"))
        >>> directions
        Directions(feature_class=3, view=2, dim=6)
    """

    vectors: torch.Tensor  # axes (*names, dim), on the CPU, float32 or float64
    shape: tuple[int, ...]  # length of every axis, dim last
    dim: int  # length of one direction
    names: tuple[str, ...]  # of every axis but the last
    labels: Mapping[str, tuple[str, ...]]  # name -> what its entries are called

    def __init__(
        self,
        vectors: torch.Tensor | NDArray[np.floating],
        names: Sequence[str] | None = None,
        *,
        labels: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.vectors = _checked_vectors(vectors)
        self.shape = tuple(self.vectors.shape)
        self.dim = self.shape[-1]
        self.names = _checked_names(names, self.shape)
        self.labels = _checked_labels(labels or {}, dict(zip(self.names, self.shape, strict=False)))
        self._placed: dict[tuple[torch.device, torch.dtype], torch.Tensor] = {}

    @classmethod
    def read(cls, path: str | Path, names: Sequence[str] | None = None) -> Self:
        """The directions in a ``.npy`` file, or in a ``.safetensors`` file that holds one tensor.

        Raises:
            UsageError: the file cannot be read, is of another kind, or does not hold a set of directions.

        Example:
            >>> np.save("directions.npy", np.eye(4, dtype="f4"))
            >>> Directions.read("directions.npy")
            Directions(feature=4, dim=4)
        """
        read = {".npy": _read_npy, ".safetensors": _read_safetensors}.get(Path(path).suffix)
        if read is None:
            raise UsageError(f"expected directions in a .npy or .safetensors file, got `{path}`")

        try:
            return cls(read(path), names)
        except (EOFError, OSError, SafetensorError, TypeError, ValueError) as error:
            raise UsageError(f"no directions could be read from `{path}`: {error}") from error

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of every axis, ``dim`` last."""
        return (*self.names, "dim")

    @property
    def sha256(self) -> str:
        """Hash of the stored form, as it stands in the manifest of every run that uses these directions."""
        return self.stored().sha256

    @cached_property
    def is_identity(self) -> bool:
        """Whether feature f is the f-th unit vector, so that a weight is its own correlations."""
        flat = self.flat()
        return bool(flat.shape[0] == self.dim and torch.equal(flat, torch.eye(self.dim, dtype=flat.dtype)))

    def flat(self) -> torch.Tensor:
        """The directions ``(feature, dim)`` with their named axes joined, the last varying fastest.

        Example:
            >>> Directions(torch.eye(6).reshape(3, 2, 6)).flat().shape
            torch.Size([6, 6])
        """
        return self.vectors.flatten(end_dim=-2)

    def columns(self, like: torch.Tensor) -> torch.Tensor:
        """The flat directions as columns, ``(dim, feature)``, on the device and with the dtype of a weight.

        They are placed there once and kept for the next call.

        Example:
            >>> Directions(torch.eye(6)[:2]).columns(like=torch.ones(3, 6, dtype=torch.float64)).dtype
            torch.float64
        """
        place = (like.device, like.dtype)
        if place not in self._placed:
            self._placed[place] = self.flat().T.to(like).contiguous()
        return self._placed[place]

    def stored(self) -> StoredDirections:
        """What a run keeps of the directions: their names, labels and values."""
        return StoredDirections(names=self.names, vectors=self.vectors.numpy(), labels=self.labels)

    def random_orthogonal(self, seed: int) -> Self:
        """The null set: as many random orthogonal directions with the same names, labels, norms and dtype.

        Args:
            seed: Seed of the rotation, which is uniform; the global random state is not touched.

        Raises:
            ValueError: there are more directions than dims, so they cannot be orthogonal.

        Example:
            >>> null = Directions(torch.eye(6)[:2]).random_orthogonal(seed=0).flat()
            >>> torch.allclose(null @ null.T, torch.eye(2), atol=1e-6)
            True
        """
        flat = self.flat().double()
        if len(flat) > self.dim:
            raise ValueError(f"expected at most {self.dim} directions of dim {self.dim}, got {len(flat)}")

        generator = torch.Generator().manual_seed(seed)
        basis, triangle = torch.linalg.qr(torch.randn(self.dim, len(flat), generator=generator, dtype=flat.dtype))
        # The signs of the diagonal make the rotation uniform (F. Mezzadri 2007, https://arxiv.org/abs/math-ph/0609050).
        null = (basis * triangle.diagonal().sign()).T * flat.norm(dim=1, keepdim=True)

        return type(self)(null.reshape(self.shape).to(self.vectors), self.names, labels=self.labels)

    def __repr__(self) -> str:
        lengths = ", ".join(f"{name}={length}" for name, length in zip(self.dims, self.shape, strict=True))
        return f"Directions({lengths})"

    def _repr_html_(self) -> str:
        flat = self.flat().double()
        norms = flat.norm(dim=1)
        cosines = (flat / norms[:, None]) @ (flat / norms[:, None]).T
        overlap = float((cosines - torch.eye(len(flat), dtype=cosines.dtype)).abs().max())
        rows = {
            "axes": repr(self),
            "norms": f"{norms.min():.4g} to {norms.max():.4g}",
            "largest |cosine| between two": f"{overlap:.4g}",
            "sha256": self.sha256[:16],
        }
        cells = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows.items())
        return f"<table>{cells}</table>"


def _checked_vectors(vectors: torch.Tensor | NDArray[np.floating]) -> torch.Tensor:
    tensor = vectors.detach().cpu() if isinstance(vectors, torch.Tensor) else torch.from_numpy(np.array(vectors))
    if not tensor.is_floating_point():
        raise TypeError(f"expected `vectors` of floating point, got {tensor.dtype}")
    if tensor.ndim < 2 or tensor.numel() == 0:
        raise ValueError(f"expected `vectors` of shape (feature, dim) or more axes, got {tuple(tensor.shape)}")

    lengths = tensor.double().norm(dim=-1)
    if not bool(torch.isfinite(lengths).all()):
        raise ValueError(f"expected finite `vectors`, got direction {_where(~torch.isfinite(lengths))} with NaN or inf")
    if not bool(lengths.all()):
        raise ValueError(f"expected non-zero `vectors`, got direction {_where(lengths == 0)} of all zeros")

    return tensor.to(torch.promote_types(tensor.dtype, torch.float32), copy=True).contiguous()


def _where(bad: torch.Tensor) -> tuple[int, ...]:
    return tuple(bad.nonzero()[0].tolist())


def _checked_names(names: Sequence[str] | None, shape: tuple[int, ...]) -> tuple[str, ...]:
    if names is None and len(shape) not in _NAMES:
        raise ValueError(f"expected `names` for `vectors` of shape {shape}, which have no customary names")

    checked = tuple(_NAMES[len(shape)] if names is None else names)
    if len(checked) != len(shape) - 1 or len({*checked, "dim"}) != len(shape):
        raise ValueError(f"expected {len(shape) - 1} different `names` for `vectors` of shape {shape}, got {checked}")
    return checked


def _checked_labels(labels: Mapping[str, Sequence[str]], lengths: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    for name, texts in labels.items():
        if lengths.get(name) != len(texts):
            raise ValueError(f"expected `labels` for axes of lengths {dict(lengths)}, got {len(texts)} for `{name}`")
    return {name: tuple(texts) for name, texts in labels.items()}


def _read_npy(path: str | Path) -> torch.Tensor:
    return torch.from_numpy(np.load(path, allow_pickle=False))


def _read_safetensors(path: str | Path) -> torch.Tensor:
    tensors = load_file(path)
    if len(tensors) != 1:
        raise ValueError(f"expected one tensor, got {len(tensors)} ({', '.join(sorted(tensors))})")
    return next(iter(tensors.values()))
