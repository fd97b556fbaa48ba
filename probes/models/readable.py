"""Which tensors can be recorded: real numbers that lie densely in memory."""

import torch

from probes.errors import UsageError

__all__ = ["check_readable", "is_readable"]


def is_readable(tensor: torch.Tensor) -> bool:
    """Whether the values of a parameter can be recorded.

    Example:
        >>> is_readable(torch.ones(2)), is_readable(torch.ones(2, device="meta"))
        (True, False)
    """
    return not _why_not(tensor)


def check_readable(name: str, tensor: torch.Tensor) -> None:
    """Refuse a parameter whose values cannot be recorded.

    Raises:
        UsageError: its values are complex, quantised or sparse, or it has none yet.

    Example:
        >>> check_readable("weight", torch.ones(2))
    """
    if why := _why_not(tensor):
        raise UsageError(f"expected for `{name}` real numbers that can be read, got {why}")


def _why_not(tensor: torch.Tensor) -> str:
    if torch.nn.parameter.is_lazy(tensor):
        return "a lazy parameter without values yet; attach after a first forward pass"
    if tensor.is_meta:
        return "one on the device `meta`, without values; attach once the model has some"
    if tensor.is_quantized:
        return "quantised ones; record the parameters that they are made of"
    if tensor.layout is not torch.strided:
        return f"a tensor of layout {tensor.layout}; record it dense"
    if tensor.is_complex():
        return "complex ones; record real and imaginary part with a `Quantity` each"
    return "" if tensor.is_floating_point() else f"values of {tensor.dtype}"
