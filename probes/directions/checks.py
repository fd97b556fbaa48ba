"""What makes a set of directions: vectors, and names, labels, facts and a component axis that fit them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["checked_component", "checked_facts", "checked_labels", "checked_names", "checked_vectors"]

_NAMES = {2: ("feature",), 3: ("feature_class", "view")}


def checked_vectors(vectors: torch.Tensor | NDArray[np.floating]) -> torch.Tensor:
    """A copy of the vectors on the CPU, float32 at least, axes ``(..., dim)``.

    Raises:
        TypeError: they are not floating point.
        ValueError: there are none, or one of them is zero or not finite.

    Example:
        >>> checked_vectors(torch.ones(1, 3, dtype=torch.float16)).dtype
        torch.float32
    """
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


def checked_names(names: Sequence[str] | None, shape: tuple[int, ...]) -> tuple[str, ...]:
    """A name for every axis but the last; the customary ones of two or three axes where none are given.

    Raises:
        ValueError: they do not fit the shape.

    Example:
        >>> checked_names(None, (4, 6))
        ('feature',)
    """
    if names is None and len(shape) not in _NAMES:
        raise ValueError(f"expected `names` for `vectors` of shape {shape}, which have no customary names")

    checked = tuple(_NAMES[len(shape)] if names is None else names)
    if len(checked) != len(shape) - 1 or len({*checked, "dim"}) != len(shape):
        raise ValueError(f"expected {len(shape) - 1} different `names` for `vectors` of shape {shape}, got {checked}")
    return checked


def checked_labels(labels: Mapping[str, Sequence[str]], lengths: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """What the entries of some axes are called.

    Raises:
        ValueError: an axis has another length, or there is no such axis.

    Example:
        >>> checked_labels({"view": ["left", "right"]}, {"view": 2})
        {'view': ('left', 'right')}
    """
    for name, texts in labels.items():
        if lengths.get(name) != len(texts):
            raise ValueError(f"expected `labels` for axes of lengths {dict(lengths)}, got {len(texts)} for `{name}`")
    return {name: tuple(texts) for name, texts in labels.items()}


def checked_component(component: str, names: tuple[str, ...]) -> str:
    """The axis that spans one feature, or none.

    Raises:
        ValueError: it is no axis, or the only one.

    Example:
        >>> checked_component("phase", ("frequency", "phase"))
        'phase'
    """
    if component and (component not in names or len(names) == 1):
        raise ValueError(f"expected as `component` one axis beside others, got {component!r} of {names}")
    return component


def checked_facts(facts: Mapping[str, str | float]) -> dict[str, str | float]:
    """Facts that can be stored: text and finite numbers.

    Raises:
        TypeError: one is neither text nor a number.
        ValueError: a number is not finite.

    Example:
        >>> checked_facts({"estimator": "class_means"})
        {'estimator': 'class_means'}
    """
    for name, fact in facts.items():
        if isinstance(fact, bool) or not isinstance(fact, str | int | float):
            raise TypeError(f"expected `facts` of text and numbers, got {type(fact).__name__} for `{name}`")
        if not isinstance(fact, str) and not math.isfinite(fact):
            raise ValueError(f"expected finite numbers in `facts`, got {fact} for `{name}`")
    return dict(facts)
