"""Named directions in a parameter's input space: the features whose correlations with the weights are recorded."""

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from probes.direction_checks import (
    checked_component,
    checked_facts,
    checked_labels,
    checked_names,
    checked_vectors,
)
from probes.errors import UsageError
from probes.log.stored_directions import StoredDirections
from probes.null import null_vectors, random_features

__all__ = ["Directions"]

_BESIDE = ("labels", "facts", "component")  # what `write` keeps beside vectors and names


class Directions:
    """A set of directions with a name for every axis but the last, which is ``dim``; copied, and never changed.

    Args:
        vectors: Directions, axes ``(feature_class, view, dim)``, ``(feature, dim)`` or any others, floating point.
            They are used as they are: a correlation is the raw inner product, so their norms matter.
        names: Name of every axis but the last. Default ``("feature",)`` for two axes, ``("feature_class", "view")``
            for three.
        labels: Optionally, for an axis of ``names``, what its entries are called.
        facts: Where they come from, if they were estimated: estimator, hash of the data, stability, ...; kept with
            every run that uses them.
        component: The axis of ``names``, if any, that spans one feature, as cosine and sine of a frequency do; another
            axis tells the features apart.

    Raises:
        TypeError: ``vectors`` are not floating point, or a fact is neither text nor a number.
        ValueError: ``vectors`` have a zero or non-finite direction or none at all; ``names``, ``labels`` or
            ``component`` do not fit; a fact is not finite.

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
    facts: Mapping[str, str | float]  # where they come from; empty for planted ones
    component: str  # the axis that spans one feature; empty if each direction is one

    def __init__(
        self,
        vectors: torch.Tensor | NDArray[np.floating],
        names: Sequence[str] | None = None,
        *,
        labels: Mapping[str, Sequence[str]] | None = None,
        facts: Mapping[str, str | float] | None = None,
        component: str = "",
    ) -> None:
        self.vectors = checked_vectors(vectors)
        self.shape = tuple(self.vectors.shape)
        self.dim = self.shape[-1]
        self.names = checked_names(names, self.shape)
        self.labels = checked_labels(labels or {}, dict(zip(self.names, self.shape, strict=False)))
        self.facts = checked_facts(facts or {})
        self.component = checked_component(component, self.names)
        self._placed: dict[tuple[torch.device, torch.dtype], torch.Tensor] = {}

    @classmethod
    def read(cls, path: str | Path, names: Sequence[str] | None = None) -> Self:
        """The directions in a ``.npy`` file, or in a ``.safetensors`` file that holds one tensor.

        Names, labels, facts and component are as `write` kept them; of a file that keeps none the facts are its own.

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
        if Path(path).exists() and not Path(path).is_file():  # a pipe would wait for ever
            raise UsageError(f"no directions could be read from `{path}`: expected a file")

        try:
            vectors, kept = read(path)
            kept = kept or {"facts": _facts_of_a_file(Path(path))}
            names, more = names or kept.get("names"), {key: kept[key] for key in _BESIDE if key in kept}
            return cls(vectors, names, **more)
        except (AttributeError, EOFError, OSError, RecursionError, SafetensorError, TypeError, ValueError) as error:
            raise UsageError(f"no directions could be read from `{path}`: {error}") from error

    def write(self, path: str | Path) -> None:
        """Keep the directions in a ``.safetensors`` file, with all that is known of them, for `read`.

        Raises:
            UsageError: the file is of another kind, or cannot be written.

        Example:
            >>> Directions(torch.eye(4), ("token",), facts={"estimator": "by hand"}).write("directions.safetensors")
            >>> Directions.read("directions.safetensors").facts
            {'estimator': 'by hand'}
        """
        if Path(path).suffix != ".safetensors":
            raise UsageError(f"expected a .safetensors file to write directions to, got `{path}`")

        kept = {"names": self.names, "labels": dict(self.labels), "facts": dict(self.facts)}
        kept |= {"component": self.component} if self.component else {}
        try:
            save_file({"vectors": self.vectors}, path, {"directions": json.dumps(kept)})
        except (OSError, SafetensorError) as error:
            raise UsageError(f"no directions could be written to `{path}`: {error}") from error

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
        """What a run keeps of the directions: their names, labels, values, facts and component."""
        return StoredDirections(self.names, self.vectors.numpy(), self.labels, self.facts, self.component)

    def cosines(self, other: Self | None = None) -> torch.Tensor:
        """The cosines between flat directions, ``(feature, feature of other)``, float64.

        Args:
            other: Other directions of the same dim; default these, which gives their Gram matrix.

        Raises:
            ValueError: the dims differ.

        Example:
            >>> Directions(torch.tensor([[3.0, 4.0], [2.0, 0.0]])).cosines()
            tensor([[1.0000, 0.6000],
                    [0.6000, 1.0000]], dtype=torch.float64)
        """
        other = self if other is None else other
        if other.dim != self.dim:
            raise ValueError(f"expected directions of dim {self.dim}, got {other!r}")
        rows, columns = (torch.nn.functional.normalize(each.flat().double(), eps=0) for each in (self, other))
        return rows @ columns.T

    def null(self, seed: int = 0) -> Self:
        """The null set: random directions with the same names, labels, component, norms and dtype.

        They are orthogonal to each other and to the directions' span, so that nothing of a direction is in them;
        where the dim has no room for that, orthogonal to each other; where it has none for that either, drawn
        independently. The facts say which. Each choice is uniform among those that fit.

        Args:
            seed: Seed of the draw; the global random state is not touched.

        Example:
            >>> null = Directions(torch.eye(6)[:2]).null(seed=0)
            >>> null.facts["orthogonal_to"]
            'the directions and each other'
            >>> torch.allclose(null.flat() @ null.flat().T, torch.eye(2), atol=1e-6)
            True
        """
        flat = self.flat().double()
        draw, orthogonal_to = null_vectors(flat, seed=seed)
        null = (draw * flat.norm(dim=1, keepdim=True)).reshape(self.shape).to(self.vectors)
        facts = self._null_facts(seed, orthogonal_to)

        return type(self)(null, self.names, labels=self.labels, facts=facts, component=self.component)

    def random(self, count: int = 16, seed: int = 0) -> Self:
        """Random features of unit directions, axes ``(random, dim)``, or ``(random, component, dim)`` if there is one.

        Where the dim has room for at least eight, they are orthogonal to the directions' span, though fewer for it;
        else to each other, else drawn independently. The directions of one feature are always orthonormal.

        Args:
            count: How many features at most.
            seed: Seed of the draw; the global random state is not touched.

        Example:
            >>> Directions(torch.eye(64)[:6].reshape(3, 2, 64), ("frequency", "phase"), component="phase").random()
            Directions(random=16, phase=2, dim=64, component='phase')
        """
        names = ("random", *filter(None, [self.component]))
        size = self.shape[self.names.index(self.component)] if self.component else 1
        draw, orthogonal_to = random_features(self.flat().double(), count=count, size=size, seed=seed)
        vectors = (draw if self.component else draw[:, 0]).to(self.vectors)
        labels = {name: entries for name, entries in self.labels.items() if name == self.component}
        facts = self._null_facts(seed, orthogonal_to)

        return type(self)(vectors, names, labels=labels, facts=facts, component=self.component)

    def __repr__(self) -> str:
        lengths = ", ".join(f"{name}={length}" for name, length in zip(self.dims, self.shape, strict=True))
        return f"Directions({lengths}{f', component={self.component!r}' if self.component else ''})"

    def _null_facts(self, seed: int, orthogonal_to: str) -> dict[str, str | float]:
        return {"estimator": f"null(seed={seed})", "null_of": self.sha256, "orthogonal_to": orthogonal_to}

    def _repr_html_(self) -> str:
        norms = self.flat().double().norm(dim=1)
        overlap = float((self.cosines() - torch.eye(len(norms), dtype=norms.dtype)).abs().max())
        rows = {
            "axes": repr(self),
            "norms": f"{norms.min():.4g} to {norms.max():.4g}",
            "largest |cosine| between two": f"{overlap:.4g}",
            "sha256": self.sha256[:16],
            **{html.escape(name): f"{x:.4g}" if isinstance(x, float) else str(x) for name, x in self.facts.items()},
        }
        cells = "".join(f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows.items())
        return f"<table>{cells}</table>"


def _facts_of_a_file(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {"estimator": f"read({path.name})", "data_sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _read_npy(path: str | Path) -> tuple[torch.Tensor, dict[str, Any]]:
    return torch.from_numpy(np.load(path, allow_pickle=False)), {}


def _read_safetensors(path: str | Path) -> tuple[torch.Tensor, dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        names = sorted(file.keys())
        if len(names) != 1:
            raise ValueError(f"expected one tensor, got {len(names)} ({', '.join(names)})")
        return file.get_tensor(names[0]), json.loads((file.metadata() or {}).get("directions", "{}"))
