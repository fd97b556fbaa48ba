"""A batch that a model is looked at with during training, known to the run, in one forward pass for all who look."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

import torch

from probes.errors import UsageError
from probes.log.layout import checked_name
from probes.modules import named_modules
from probes.quantities.batch_checks import check_labels, check_samples
from probes.quantities.evaluating import evaluating, unwrapped
from probes.quantities.state import State

__all__ = ["ProbeBatch", "described"]

Inputs = torch.Tensor | Mapping[str, torch.Tensor] | Sequence[torch.Tensor]


class ProbeBatch:
    """Samples that stay the same, and what a model says of them.

    The model is evaluated as in evaluation mode, without gradients and in full precision, and is left as it was, to the
    bit: training mode, buffers and their counters, attributes, and all random numbers; hooks of your own are not
    called. All quantities that look at the same batch at the same step share one forward pass; the first look, which
    finds out which modules are asked for, may take one for each.

    A batch on another device than the model is copied there once, at the first look.

    Attributes:
        inputs: As the model takes them, axes ``(sample, ...)``.
        labels: Class or target of each sample, if known.
        ids: What tells a sample from all others, if known.
        name: What run.json calls the batch.
        sha256: Hash of inputs and labels.

    Args:
        inputs: One tensor, several in order, or several by the names of the model's arguments; copied.
        labels: Whole numbers ``(sample,)``, classes from 0, or real targets ``(sample, ...)``; copied.
        ids: Whole numbers or texts, one for each sample.
        name: Of the batches of a run each has another.
        hooks: Whether hooks of your own are called, too.

    Raises:
        ValueError: an input is NaN or infinite, a label below 0, or there are not as many samples, labels and ids.
        TypeError: the inputs are no tensors.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
        >>> _ = torch.nn.init.eye_(model[0].weight), torch.nn.init.zeros_(model[0].bias)
        >>> batch = ProbeBatch(torch.tensor([[1.0, 2.0]]), labels=torch.tensor([1]), ids=["cat-7"])
        >>> batch.outputs(model), batch.activations(model, "0"), model.training
        (tensor([[1., 2.]]), tensor([[1., 2.]]), True)
    """

    def __init__(
        self,
        inputs: Inputs,
        labels: torch.Tensor | None = None,
        ids: Sequence[int | str] | None = None,
        *,
        name: str = "probe",
        hooks: bool = False,
    ) -> None:
        self.name, self._hooks = checked_name(name), hooks
        self._kind, self._tensors = _taken_apart(inputs, name)
        self.labels = None if labels is None else torch.as_tensor(labels).detach().clone()
        self.ids = None if ids is None else tuple(one if isinstance(one, str) else int(one) for one in ids)
        self.samples = check_samples(name, self._tensors, self.labels, self.ids)
        self._largest = -1 if self.labels is None or not _are_classes(self.labels) else int(self.labels.max())
        self.sha256 = _hash(self._tensors, self.labels)
        self._asked: dict[str, None] = {}  # modules, in order
        self._look: State | None = None  # whose outputs these are:
        self._seen: dict[str, Any] = {}

    @property
    def inputs(self) -> Inputs:
        """As the model takes them, on the device of the latest look."""
        kinds: Mapping[str, Callable[[], Inputs]] = {
            "tensor": lambda: self._tensors[""],
            "sequence": lambda: tuple(self._tensors.values()),
            "mapping": lambda: dict(self._tensors),
        }
        return kinds[self._kind]()

    @property
    def description(self) -> dict[str, Any]:
        """What run.json says of the batch."""
        shapes = {name or "inputs": list(one.shape) for name, one in self._tensors.items()}
        labels = {} if self.labels is None else {"labels": list(self.labels.shape)}
        ids = {} if self.ids is None else {"ids": list(self.ids)}
        return {"sha256": self.sha256, "samples": self.samples, "shapes": shapes | labels, **ids}

    def outputs(self, look: State | torch.nn.Module) -> torch.Tensor:
        """What the model says, ``(sample, ...)``: its output, or the ``logits`` of that.

        Args:
            look: The state that a quantity is given, whose forward pass is shared; or a model.

        Raises:
            UsageError: there is no model, its output is no tensor, or a label is no class of it.
        """
        output = self._output(look, "")
        output = getattr(output, "logits", output)
        if not isinstance(output, torch.Tensor):
            raise UsageError(
                f"expected a tensor, or `logits`, as output of the model for batch `{self.name}`, got "
                f"{type(output).__name__}"
            )
        check_labels(self.name, self._largest, output)
        return output.detach()

    def activations(self, look: State | torch.nn.Module, module: str) -> torch.Tensor:
        """The output of a module of the model, ``(sample, ...)``; arguments and errors as of `outputs`."""
        output = self._output(look, module)
        if not isinstance(output, torch.Tensor):
            got = "none" if output is None else type(output).__name__
            raise UsageError(f"expected a tensor as output of `{module}`, got {got}")
        return output.detach()

    def forget(self) -> None:
        """Let go of what the latest look has seen."""
        self._look, self._seen = None, {}

    def _output(self, look: State | torch.nn.Module, name: str) -> Any:
        if not isinstance(look, State):
            return self._evaluated(look, [name])[name]
        if look is not self._look:
            self._look, self._seen = look, {}
        if name not in self._seen:
            self._asked[name] = None
            self._seen |= self._evaluated(look.model, [one for one in self._asked if one not in self._seen])
        return self._seen[name]

    def _evaluated(self, model: torch.nn.Module | None, names: Sequence[str]) -> dict[str, Any]:
        """What the modules of these names, ``""`` for the model, return in one pass; None where one is not run."""
        modules = _modules(model)
        for name in names:
            if name not in modules:
                known = ", ".join(filter(None, modules))
                raise UsageError(f"expected a module of the model, one of {known}; got `{name}`")

        inner = modules[""]
        seen: dict[str, Any] = dict.fromkeys(names)
        with evaluating(inner, hooks=self._hooks):
            for name in filter(None, names):
                modules[name].register_forward_hook(partial(_note, seen, name))
            self._move(inner)
            output = self._called(inner)
        return seen | ({"": output} if "" in names else {})

    def _called(self, model: torch.nn.Module) -> Any:
        inputs = self.inputs
        if isinstance(inputs, torch.Tensor):
            return model(inputs)
        return model(**inputs) if isinstance(inputs, Mapping) else model(*inputs)

    def _move(self, model: torch.nn.Module) -> None:
        """Have the samples on the model's device."""
        device = next((one.device for one in (*model.parameters(), *model.buffers())), None)
        if device is not None and any(one.device != device for one in self._tensors.values()):
            self._tensors = {name: one.to(device) for name, one in self._tensors.items()}
            self.labels = None if self.labels is None else self.labels.to(device)


def _note(seen: dict[str, Any], name: str, _module: object, _inputs: object, output: object) -> None:
    if seen[name] is None:
        seen[name] = output


def _modules(model: torch.nn.Module | None) -> dict[str, torch.nn.Module]:
    """Those of a model by name, without the wrappers around it and the names that these put in front."""
    if model is None:
        raise UsageError("expected a model to look at a batch with, got stacked parameters, which have none")
    return dict(named_modules(unwrapped(model)))


def _taken_apart(inputs: Inputs, name: str) -> tuple[str, dict[str, torch.Tensor]]:
    """The kind of the inputs, and their tensors by name."""
    if isinstance(inputs, torch.Tensor):
        kind, tensors = "tensor", {"": inputs}
    elif isinstance(inputs, Mapping):
        kind, tensors = "mapping", dict(inputs)
    else:
        kind, tensors = "sequence", {str(number): one for number, one in enumerate(inputs)}
    for one in tensors.values():
        if not isinstance(one, torch.Tensor):
            raise TypeError(f"expected tensors as `inputs` of batch `{name}`, got {type(one).__name__}")
    return kind, {key: one.detach().clone() for key, one in tensors.items()}


def _are_classes(labels: torch.Tensor) -> bool:
    return labels.ndim == 1 and not labels.is_floating_point()


def described(batches: Iterable[ProbeBatch]) -> dict[str, dict[str, Any]]:
    """What run.json says of some batches, by name.

    Raises:
        UsageError: two that differ have the same name.

    Example:
        >>> list(described([ProbeBatch(torch.ones(1, 2), name="held out")]))
        ['held out']
    """
    found: dict[str, dict[str, Any]] = {}
    for batch in batches:
        if found.setdefault(batch.name, batch.description) != batch.description:
            raise UsageError(
                f"expected a name for each probe batch, got two of `{batch.name}`; give one another `name`"
            )
    return found


def _hash(tensors: Mapping[str, torch.Tensor], labels: torch.Tensor | None) -> str:
    """Over names, dtypes, shapes and bytes, in order."""
    content = sha256()
    for name, one in (*tensors.items(), *([] if labels is None else [("labels", labels)])):
        content.update(repr((name, str(one.dtype), tuple(one.shape))).encode())
        content.update(one.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()
