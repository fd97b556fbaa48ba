"""What a probe batch must be: as many samples, labels and ids, finite inputs, labels that are classes of the model."""

from collections.abc import Mapping, Sequence

import torch

from probes.errors import UsageError

__all__ = ["check_labels", "check_samples", "class_count"]

_MOST_IDS = 10**5  # of a batch, as run.json lists them


def check_samples(
    name: str, tensors: Mapping[str, torch.Tensor], labels: torch.Tensor | None, ids: Sequence[int | str] | None
) -> int:
    """Return how many samples there are.

    Raises:
        ValueError: the inputs, labels and ids are not of as many, an input is not finite, or a label is below 0.
        TypeError: inputs or labels have no values, or not densely in memory.

    Example:
        >>> check_samples("probe", {"": torch.ones(3, 2)}, torch.tensor([0, 1, 1]), None)
        3
    """
    lengths = {key or "inputs": len(one) if one.ndim else 0 for key, one in tensors.items()}
    lengths |= {} if labels is None else {"labels": len(labels) if labels.ndim else 0}
    lengths |= {} if ids is None else {"ids": len(ids)}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        got = ", ".join(f"{length} {key}" for key, length in lengths.items()) or "none"
        raise ValueError(f"expected as many samples, at least one, in all of batch `{name}`, got {got}")
    if ids is not None and len(ids) > _MOST_IDS:
        raise ValueError(f"expected at most {_MOST_IDS} ids of batch `{name}`, got {len(ids)}; leave them out")
    if ids is not None and len(set(ids)) < len(ids):
        twice = next(one for one in ids if list(ids).count(one) > 1)
        raise ValueError(f"expected ids of batch `{name}` that differ, got {twice!r} twice")
    for key, one in tensors.items():
        _check_dense(name, f"input `{key}`" if key else "`inputs`", one)
        _check_finite(name, one)
    if labels is not None:
        _check_dense(name, "`labels`", labels)
    if labels is not None and not labels.is_floating_point() and bool((labels < 0).any()):
        raise ValueError(f"expected classes from 0 as `labels` of batch `{name}`, got {int(labels.min())}")
    return next(iter(lengths.values()))


def class_count(name: str, labels: torch.Tensor | None, *, least: int = 1) -> int:
    """Return the number of classes of a batch, of each of which it has at least so many samples.

    Raises:
        ValueError: there are no labels, they are no classes, or of a class there are fewer samples.

    Example:
        >>> class_count("probe", torch.tensor([0, 1, 1]))
        2
    """
    if labels is None or labels.ndim != 1 or labels.is_floating_point():
        got = "none" if labels is None else f"{labels.dtype} of shape {tuple(labels.shape)}"
        raise ValueError(
            f"expected classes, whole numbers `(sample,)`, as `labels` of batch `{name}`, got {got}; give `ProbeBatch` "
            "the class of each sample"
        )
    counts = torch.bincount(labels.long()).tolist()
    if min(counts) < least:
        rarest = counts.index(min(counts))
        raise ValueError(
            f"expected at least {least} samples of each class in batch `{name}`, got {counts[rarest]} of class "
            f"{rarest}; choose a batch with more"
        )
    return len(counts)


def check_labels(name: str, largest: int, output: torch.Tensor) -> None:
    """Refuse a largest label that is no class of an output ``(sample, class)``; of one of other axes nothing is known.

    Raises:
        UsageError: it is.

    Example:
        >>> check_labels("probe", 2, torch.zeros(1, 3))
    """
    _, *rest = output.shape
    if len(rest) == 1 and largest >= rest[0]:
        raise UsageError(
            f"expected `labels` of batch `{name}` below the {rest[0]} classes of the model's output, got "
            f"{largest}; give the labels that the model is trained with"
        )


def _check_dense(name: str, what: str, one: torch.Tensor) -> None:
    if one.is_meta or one.is_quantized or one.layout is not torch.strided:
        kind = "the device `meta`" if one.is_meta else str(one.dtype if one.is_quantized else one.layout)
        raise TypeError(f"expected {what} of batch `{name}` dense and with values, got a tensor of {kind}")


def _check_finite(name: str, inputs: torch.Tensor) -> None:
    if not inputs.is_floating_point():
        return
    wrong = ~inputs.isfinite().flatten(1).all(dim=1) if inputs.ndim > 1 else ~inputs.isfinite()
    if bool(wrong.any()):
        raise ValueError(
            f"expected finite `inputs` of batch `{name}`, got NaN or infinity in sample {int(wrong.nonzero()[0])}"
        )
