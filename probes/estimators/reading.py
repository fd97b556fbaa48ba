"""Data as estimators read them: once, in order, a piece at a time, hashed on the way and split into two random halves.

Axes: n = sample, p = patch, d = dim; row = (sample, patch) with the patches of a sample side by side.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.directions.generators import generator
from probes.estimators.patches import Patches

__all__ = ["Data", "Layout", "Reading", "Rows", "hash_of"]

Values = Tensor | NDArray[Any]
Data = Values | Iterable[Any]
Layout = Callable[[Tensor], Tensor]  # a batch to (sample, dim) or (sample, patch, dim)

_VALUES_AT_ONCE = 2**18  # of the inputs; as patches of float64 they take some twenty times the bytes
_FEWEST_SAMPLES = 16


@dataclass(frozen=True)
class Rows:
    """Some vectors of the data.

    Attributes:
        values: ``(row, dim)``, float64.
        labels: Class of each, ``(row,)``, int64; 0 where there are no labels.
        half: 0 or 1, ``(row,)``: which half of the samples its sample is in.

    Example:
        >>> rows = Rows(torch.eye(4), torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1]))
        >>> rows.of_half(1).labels
        tensor([0, 1])
    """

    values: Tensor
    labels: Tensor
    half: Tensor

    def __getitem__(self, which: Tensor) -> "Rows":
        """The rows of an index or mask."""
        return Rows(self.values[which], self.labels[which], self.half[which])

    def of_half(self, half: int) -> "Rows":
        """The rows of one half."""
        return self[self.half == half]


class Reading:
    """Reads inputs, and labels where the estimator needs them, once.

    Args:
        inputs: An array or tensor, ``(sample, dim)`` or ``(sample, patch, dim)``, on any device; or an iterable of
            batches of that form, such as a DataLoader. A batch ``(inputs, labels, ...)`` counts as its inputs where no
            labels are needed.
        labels: Class of every sample, ``(sample,)``, integers from 0; only beside an array, batches bring their own.
        labelled: Whether labels are needed.
        layout: What makes a batch ``(sample, dim)`` or ``(sample, patch, dim)``, if it is not: `Patches`,
            ``torch.nn.Flatten()``, or any function, such as a network's first layers. It runs without gradients.
        seed: Which sample falls into which half.

    Example:
        >>> reading = Reading([torch.ones(2, 3), torch.ones(4, 3)])
        >>> [tuple(rows.values.shape) for rows in reading]
        [(2, 3), (4, 3)]
        >>> reading.samples
        6
    """

    samples: int  # read so far

    def __init__(
        self,
        inputs: Data,
        labels: Values | None = None,
        *,
        labelled: bool = False,
        layout: Layout | None = None,
        seed: int = 0,
    ) -> None:
        self._inputs, self._labels, self._labelled, self._layout = inputs, labels, labelled, layout
        self._coin = generator("halves", seed)
        self._hashes = (hashlib.sha256(), hashlib.sha256())  # of inputs and labels
        self._dim = 0
        self.samples = 0

    def __iter__(self) -> Iterator[Rows]:
        """The rows, a piece at a time.

        Raises:
            TypeError: data of another kind: no batches, no numbers, labels that are no integers.
            ValueError: data that do not fit: shapes, negative labels, NaN or infinite values, no sample at all.
        """
        for inputs, labels in self._batches():
            _check_batch(inputs, labels)
            count = max(_FEWEST_SAMPLES, _VALUES_AT_ONCE // max(1, math.prod(inputs.shape[1:])))
            for start in range(0, len(inputs), count):
                piece = slice(start, start + count)
                yield self._rows(_tensor(inputs[piece]), None if labels is None else _tensor(labels[piece]))
        if self.samples == 0:
            raise ValueError("expected data with at least one sample, got none")

    @property
    def facts(self) -> dict[str, str | float]:
        """The hash of what was read, in the order it was read, and the number of samples."""
        inputs, labels = (one.hexdigest() for one in self._hashes)
        both = hashlib.sha256(f"{inputs} {labels}".encode()).hexdigest()
        return {"data_sha256": both if self._labelled else inputs, "samples": self.samples}

    def _batches(self) -> Iterator[tuple[Values, Values | None]]:
        if isinstance(self._inputs, Tensor | np.ndarray):
            if self._labelled and self._labels is None:
                raise TypeError("expected `labels` beside an array of inputs, or batches (inputs, labels), got neither")
            yield self._inputs, self._labels if self._labelled else None
            return

        if self._labels is not None:
            raise TypeError("expected batches (inputs, labels), got `labels` apart from them")
        for batch in self._inputs:
            parts = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
            if self._labelled and len(parts) < 2:
                raise TypeError(f"expected batches (inputs, labels), got one of {type(batch).__name__}")
            yield parts[0], parts[1] if self._labelled else None

    def _rows(self, inputs: Tensor, labels: Tensor | None) -> Rows:
        """The rows of a few samples, which count as read from now on."""
        labels = torch.zeros(len(inputs)) if labels is None else labels
        labels = labels.detach().cpu().to(torch.int64)
        if self.samples == 0:
            self._hashes[0].update(_form(inputs).encode())
        for one, array in zip(self._hashes, (inputs, labels), strict=True):
            one.update(_bytes(array))

        values = self._laid_out(inputs)
        half = torch.randint(2, (len(inputs),), generator=self._coin)
        self._check(values)
        self.samples += len(inputs)

        labels, half = (each.to(values.device).repeat_interleave(values.shape[1]) for each in (labels, half))
        return Rows(values.flatten(0, 1), labels, half)

    def _laid_out(self, inputs: Tensor) -> Tensor:
        """A batch as ``(sample, patch, dim)``, float64."""
        with torch.no_grad():
            values = inputs if self._layout is None else self._layout(inputs)
        if values.ndim not in {2, 3} or len(values) != len(inputs):
            raise ValueError(
                f"expected inputs (sample, dim) or (sample, patch, dim), got shape {tuple(values.shape)}; name a "
                f"layout: Patches(kernel_size) for a convolution, torch.nn.Flatten() for a linear layer"
            )
        # Not every device can compute in float64.
        values = values.detach().cpu() if values.device.type == "mps" else values.detach()
        return values.to(torch.float64).reshape(len(values), -1, values.shape[-1])

    def _check(self, values: Tensor) -> None:
        self._dim = self._dim or values.shape[-1]
        if values.shape[-1] != self._dim:
            raise ValueError(f"expected dim {self._dim} as in the first batch, got {values.shape[-1]}")
        finite = torch.isfinite(values.sum((1, 2)))  # a sum is not, where one of its terms is not
        if not bool(finite.all()):
            sample = self.samples + int((~finite).nonzero()[0])
            raise ValueError(f"expected finite data, got NaN or an infinite value in sample {sample}")


def settings(layout: Layout | None) -> str:
    """How facts name a layout.

    Example:
        >>> settings(Patches(3)), settings(torch.nn.Flatten())
        ('Patches(kernel_size=3, stride=1, padding=0, dilation=1, padding_mode=zeros)', 'Flatten')
    """
    if isinstance(layout, Patches):
        return f"Patches({', '.join(f'{name}={value}' for name, value in vars(layout).items())})"
    return "none" if layout is None else str(getattr(layout, "__name__", type(layout).__name__))


def hash_of(values: Tensor) -> str:
    """The hash of one array: its type, the shape of an entry, and its bytes.

    Example:
        >>> hash_of(torch.eye(2)) == hash_of(torch.eye(2).double())
        False
    """
    return hashlib.sha256(_form(values).encode() + _bytes(values)).hexdigest()


def _form(values: Tensor) -> str:
    return json.dumps([str(values.dtype), list(values.shape[1:])])


def _bytes(values: Tensor) -> bytes:
    # numpy has no bfloat16, but its bytes are bytes.
    return values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _tensor(values: Values) -> Tensor:
    # A copy, because an array may be a file that is mapped for reading.
    return values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))


def _check_batch(inputs: object, labels: object | None) -> None:
    for values in (inputs, labels):
        if not isinstance(values, Tensor | np.ndarray | None):
            raise TypeError(f"expected batches of tensors or arrays, got {type(values).__name__}")
        if values is not None and "complex" in str(values.dtype):
            raise TypeError(f"expected real numbers, got {values.dtype}")
    if not isinstance(inputs, Tensor | np.ndarray) or inputs.ndim == 0:
        raise ValueError("expected inputs with an axis of samples, got a single number")
    if isinstance(labels, Tensor | np.ndarray):
        _check_labels(labels, len(inputs))


def _check_labels(labels: Values, samples: int) -> None:
    if "int" not in str(labels.dtype):
        raise TypeError(f"expected `labels` of integers, got {labels.dtype}")
    if tuple(labels.shape) != (samples,):
        raise ValueError(f"expected `labels` of shape ({samples},), got {tuple(labels.shape)}")
    if samples and int(labels.min()) < 0:
        raise ValueError(f"expected `labels` from 0 on, got {int(labels.min())}")
