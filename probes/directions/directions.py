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

from probes.directions.checks import (
    checked_component,
    checked_facts,
    checked_labels,
    checked_names,
    checked_vectors,
)
from probes.directions.files import read_vectors, write_vectors
from probes.directions.known_features import embedding_of, first_weight, waves
from probes.directions.null import null_vectors, random_features
from probes.errors import UsageError
from probes.log.stored_directions import StoredDirections

__all__ = ["Directions"]


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
    def fourier(cls, p: int, *, dim: int | None = None, start: int = 0) -> Self:
        r"""The waves :math:`\cos(2\pi f x / p), \sin(2\pi f x / p)` over residues x, ``(frequency, phase, dim)``.

        Frequencies are 1 to (p - 1) // 2: those whose cosine and sine span a plane; ``phase`` is the component axis.
        Each has norm :math:`\sqrt{p / 2}`, and all are orthogonal. Nanda et al. 2023, https://arxiv.org/abs/2301.05217

        Args:
            p: Number of residues, 3 or more.
            dim: Number of inputs; default p. All others are 0.
            start: Which of them is residue 0.

        Raises:
            ValueError: p is below 3, or its residues do not fit into ``dim``.

        Example:
            >>> Directions.fourier(37, dim=74)  # of the first of two one-hot inputs
            Directions(frequency=18, phase=2, dim=74, component='phase')
        """
        vectors, frequencies = waves(p, dim=p if dim is None else dim, start=start)
        labels = {"frequency": frequencies, "phase": ("cosine", "sine")}
        return cls(vectors, ("frequency", "phase"), labels=labels, component="phase")

    @classmethod
    def of_teacher(cls, teacher: torch.nn.Module | torch.Tensor) -> Self:
        """The weights of each unit of a teacher's first layer, ``(teacher_unit, dim)``, as they are, not normalised.

        Args:
            teacher: A network, whose first parameter of two axes or more is taken; or that weight.

        Raises:
            UsageError: the network has none, or makes it of other parameters.

        Example:
            >>> Directions.of_teacher(torch.nn.Sequential(torch.nn.Linear(100, 8), torch.nn.Tanh()))
            Directions(teacher_unit=8, dim=100)
        """
        name, weight = first_weight(teacher)
        return cls(weight.flatten(1), ("teacher_unit",), facts={"estimator": f"of_teacher({name})"})

    @classmethod
    def of_embedding(cls, module: torch.nn.Module) -> Self:
        """The row of each token in the first embedding of a module, ``(token, dim)``; a row of zeros is left out.

        Raises:
            UsageError: the module has no embedding.

        Example:
            >>> Directions.of_embedding(torch.nn.Embedding(10, 4, padding_idx=0)).labels["token"][:2]
            ('1', '2')
        """
        name, weight = embedding_of(module)
        tokens = weight.any(dim=1).nonzero().flatten()
        labels = {"token": list(map(str, tokens.tolist()))}
        return cls(weight[tokens], ("token",), labels=labels, facts={"estimator": f"of_embedding({name})"})

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
        try:
            vectors, kept = read_vectors(Path(path))
            return cls(vectors, names or kept.pop("names", None), **kept)
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
        kept = {"names": self.names, "labels": dict(self.labels), "facts": dict(self.facts)}
        write_vectors(Path(path), self.vectors, kept | ({"component": self.component} if self.component else {}))

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
