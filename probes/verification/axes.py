"""The axes of a file of rows: whether they are named, scaled and labelled as run.json says."""

from collections.abc import Iterator, Sequence

import h5py
import numpy as np

from probes.log.hdf5.validation import check_dataset
from probes.log.layout import STEP, axis_names, stored_name
from probes.log.manifest import Manifest

__all__ = ["axes_faults"]


def axes_faults(file: h5py.File, manifest: Manifest) -> Iterator[str]:
    """A line for every axis or unit that is not that of run.json; a ValueError or KeyError if a scale cannot be read.

    Example:
        >>> with h5py.File("seg-000000.h5", "w") as file:
        ...     list(axes_faults(file, Manifest("seed-0", ())))
        []
    """
    names = axis_names(manifest.series)
    checked: set[str] = set()
    for one in manifest.series:
        dataset = file[stored_name(one.name)]
        axes = [names.get((one.name, dim), dim) for dim in (STEP, *one.dims)]
        found = [(dim.label, [scale.name for scale in dim.values()]) for dim in dataset.dims]
        if found != [(axis, [f"/{stored_name(axis)}"]) for axis in axes]:
            yield f"expected axes {', '.join(axes)} of `{dataset.name}`, got others"
        if dataset.attrs.get("units") != one.unit:
            yield f"expected unit {one.unit!r} of `{dataset.name}`, got another"
        if dataset.attrs.get("precision", "") != one.precision:
            yield f"expected precision {one.precision!r} of `{dataset.name}`, got another"
        for axis, dim, length in zip(axes[1:], one.dims, one.shape, strict=True):
            if axis not in checked and not _is_labelled(file[stored_name(axis)], one.labels.get(dim, ()), length):
                yield f"expected the labels that run.json has along `{axis}`, got others"
            checked.add(axis)


def own_steps(manifest: Manifest) -> list[str]:
    """The axes of steps of the series that have schedules of their own.

    Example:
        >>> own_steps(Manifest("seed-0", ()))
        []
    """
    return [name for (_, dim), name in axis_names(manifest.series).items() if dim == STEP]


def _is_labelled(scale: h5py.Dataset, labels: Sequence[str], length: int) -> bool:
    """Whether a scale holds the labels or, where there are none, 0, 1, 2, ..."""
    if not labels:
        return bool(np.array_equal(check_dataset(scale, "<i8", (length,))[:], np.arange(length)))

    plan = scale.id.get_create_plist()
    if scale.is_virtual or plan.get_external_count() or plan.get_nfilters():
        raise ValueError(f"data of other files, or filters, in `{scale.name}`")
    if scale.shape != (length,) or h5py.check_string_dtype(scale.dtype) is None:
        return False
    return list(scale.asstr()[:]) == list(labels)
