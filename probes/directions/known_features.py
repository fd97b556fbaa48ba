"""Features that are known beforehand: waves over a cycle of residues, a teacher's weights, an embedding's tokens.

Axes: frequency, phase (cosine, sine), dim.
"""

import torch

from probes.errors import UsageError
from probes.models.modules import named_modules, named_parameters

__all__ = ["embedding_of", "first_weight", "waves"]

_MADE = ("weight_orig", "weight_g", "weight_v")  # what a pruned or normalised weight is made of


def waves(p: int, *, dim: int, start: int) -> tuple[torch.Tensor, list[str]]:
    r"""The waves over p residues that have a cosine and a sine, ``(frequency, phase, dim)``, and the frequencies.

    Raises:
        ValueError: there are none for this p, or they do not fit into ``dim``.

    Example:
        >>> vectors, frequencies = waves(5, dim=7, start=0)
        >>> vectors.shape, frequencies, bool((vectors[..., 5:] == 0).all())
        (torch.Size([2, 2, 7]), ['1', '2'], True)
    """
    if p < 3:
        raise ValueError(f"expected at least 3 residues as `p`, which have a wave, got {p}")
    if not 0 <= start <= dim - p:
        raise ValueError(f"expected room for {p} inputs in a `dim` of {dim}, got `start` {start}")

    frequencies = torch.arange(1, (p + 1) // 2)
    angles = 2 * torch.pi * torch.outer(frequencies, torch.arange(p)) / p
    vectors = torch.nn.functional.pad(torch.stack([angles.cos(), angles.sin()], dim=1), (start, dim - p - start))
    return vectors, [str(frequency) for frequency in frequencies.tolist()]


def first_weight(source: torch.nn.Module | torch.Tensor) -> tuple[str, torch.Tensor]:
    """The first weight of a network, and its name: its first parameter of two axes or more; a tensor as it is.

    Raises:
        UsageError: it has none, or one that is made of other parameters.

    Example:
        >>> name, weight = first_weight(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 3)))
        >>> name, weight.shape
        ('1.weight', torch.Size([3, 6]))
    """
    named = [("tensor", source)] if isinstance(source, torch.Tensor) else list(named_parameters(source))
    found = next(((name, weight) for name, weight in named if weight.ndim > 1), None)
    if found is None:
        shown = ", ".join(f"{name} {tuple(weight.shape)}" for name, weight in named) or "no parameter"
        raise UsageError(f"expected a weight of two axes or more in {type(source).__name__}, got {shown}")
    if "parametrizations." in found[0] or found[0].rpartition(".")[2] in _MADE:
        raise UsageError(
            f"expected a first weight of {type(source).__name__} that is a parameter, got `{found[0]}`, of which it is "
            "made; give the weight itself, a tensor"
        )
    return found[0], found[1].detach()


def embedding_of(module: torch.nn.Module) -> tuple[str, torch.Tensor]:
    """The weight ``(token, dim)`` of the first embedding in a module, and its name.

    Raises:
        UsageError: there is none.

    Example:
        >>> name, weight = embedding_of(torch.nn.Sequential(torch.nn.Embedding(10, 4), torch.nn.Linear(4, 2)))
        >>> name, weight.shape
        ('0.weight', torch.Size([10, 4]))
    """
    for name, each in named_modules(module):
        if isinstance(each, torch.nn.Embedding | torch.nn.EmbeddingBag):
            return f"{name}.weight".removeprefix("."), each.weight.detach()
    raise UsageError(
        f"expected a module with an Embedding, got {type(module).__name__} without; name its rows yourself"
    )
