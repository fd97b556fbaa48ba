"""A batch that a model is looked at with during training, known to the run, in one forward pass for all who look."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import torch

from probes.errors import UsageError
from probes.log.layout import checked_name
from probes.modules import named_modules
from probes.quantities.batch_checks import check_labels, check_samples
from probes.quantities.evaluating import evaluating, unwrapped
from probes.quantities.function import Function, copied_buffers, differentiating, trained
from probes.quantities.state import State

__all__ = ["ProbeBatch", "described", "labels_of"]

Inputs = torch.Tensor | Mapping[str, torch.Tensor] | Sequence[torch.Tensor]
_Asked = tuple[str, str]  # a module, ``""`` for the model, and "input" or "output"
_DEFAULT = "probe"  # the name of a batch that has none of its own


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
        TypeError: the inputs are no tensors, or some that have no values or lie not densely in memory.

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
        name: str = _DEFAULT,
        hooks: bool = False,
    ) -> None:
        self.name, self._hooks = checked_name(name), hooks
        self._kind, self._tensors = _taken_apart(inputs, name)
        self.labels = None if labels is None else torch.as_tensor(labels).detach().clone()
        self.ids = None if ids is None else tuple(one if isinstance(one, str) else int(one) for one in ids)
        self.samples = check_samples(name, self._tensors, self.labels, self.ids)
        self._largest = -1 if self.labels is None or not _are_classes(self.labels) else int(self.labels.max())
        self.sha256 = _hash(self._tensors, self.labels)
        self._asked: dict[_Asked, None] = {}  # in order
        self._look: State | None = None  # whose outputs these are:
        self._seen: dict[_Asked, Any] = {}

    @property
    def inputs(self) -> Inputs:
        """As the model takes them, on the device of the latest look."""
        arguments, named = self._arguments(self._tensors)
        return named or (arguments[0] if self._kind == "tensor" else arguments)

    @property
    def suffix(self) -> str:
        """What the series of this batch end with, so that those of several batches differ: its name, if it has one."""
        return "" if self.name == _DEFAULT else f".{self.name}"

    @property
    def sample_labels(self) -> dict[str, tuple[str, ...]]:
        """What the entries of an axis ``sample`` are called: the ids, if there are some."""
        return {} if self.ids is None else {"sample": tuple(map(str, self.ids))}

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
        return self._checked(self._noted(look, ("", "output"))).detach()

    def activations(self, look: State | torch.nn.Module, module: str) -> torch.Tensor:
        """The output of a module of the model, ``(sample, ...)``; arguments and errors as of `outputs`."""
        return self._tensor(look, module, "output")

    def inputs_of(self, look: State | torch.nn.Module, module: str) -> torch.Tensor:
        """The first input of a module of the model, ``(sample, ...)``; arguments and errors as of `outputs`."""
        return self._tensor(look, module, "input")

    @contextmanager
    def function(self, look: State | torch.nn.Module) -> Iterator[Function]:
        """The model as a function of its trained parameters, to be differentiated; errors as of `outputs`.

        Derivatives are those of evaluation mode. They leave no gradient on the model, which is as it was afterwards.

        Example:
            >>> model = torch.nn.Linear(2, 1, bias=False)
            >>> with ProbeBatch(torch.tensor([[1.0, 2.0]])).function(model) as function:
            ...     torch.func.grad(lambda parameters: function(parameters).sum())(function.parameters)
            {'weight': tensor([[1., 2.]])}
            >>> model.weight.grad is None
            True
        """
        inner = _modules(look.model if isinstance(look, State) else look)[""]
        with evaluating(inner, hooks=self._hooks), differentiating(inner):
            self._move(inner)

            def called(parameters: Mapping[str, torch.Tensor], samples: Mapping[str, torch.Tensor]) -> torch.Tensor:
                state = {**copied_buffers(inner), **parameters}
                return self._checked(torch.func.functional_call(inner, state, *self._arguments(samples)))

            yield Function(called, trained(inner), dict(self._tensors), self.labels)

    def forget(self) -> None:
        """Let go of what the latest look has seen."""
        self._look, self._seen = None, {}

    def _tensor(self, look: State | torch.nn.Module, module: str, part: str) -> torch.Tensor:
        value = self._noted(look, (module, part))
        if not isinstance(value, torch.Tensor):
            got = "none" if value is None else type(value).__name__
            raise UsageError(f"expected a tensor as {part} of `{module}`, got {got}")
        return value.detach()

    def _noted(self, look: State | torch.nn.Module, asked: _Asked) -> Any:
        if not isinstance(look, State):
            return self._evaluated(look, [asked])[asked]
        if look is not self._look:
            self._look, self._seen = look, {}
        if asked not in self._seen:
            self._asked[asked] = None
            there = _modules(look.model)  # what was asked of other models, or of a module that is gone, is not due
            due = [one for one in self._asked if one not in self._seen and one[0] in there]
            self._seen |= self._evaluated(look.model, due if asked in due else [asked])
        return self._seen[asked]

    def _evaluated(self, model: torch.nn.Module | None, asked: Sequence[_Asked]) -> dict[_Asked, Any]:
        """What these modules, ``""`` for the model, take or return in one pass; None where one is not run."""
        modules = _modules(model)
        for name, _ in asked:
            if name not in modules:
                known = ", ".join(filter(None, modules))
                raise UsageError(f"expected a module of the model, one of {known}; got `{name}`")

        inner, whole = modules[""], ("", "output")
        seen: dict[_Asked, Any] = dict.fromkeys(asked)
        with evaluating(inner, hooks=self._hooks):
            for one in asked:
                if one != whole:
                    _note(modules, seen, one)
            self._move(inner)
            arguments, named = self._arguments(self._tensors)
            output = inner(*arguments, **named)
        return seen | ({whole: output} if whole in seen else {})

    def _arguments(
        self, tensors: Mapping[str, torch.Tensor]
    ) -> tuple[tuple[torch.Tensor, ...], dict[str, torch.Tensor]]:
        """Those of the model, in order and by name."""
        return ((), dict(tensors)) if self._kind == "mapping" else (tuple(tensors.values()), {})

    def _checked(self, output: Any) -> torch.Tensor:
        """What the model says, out of its output."""
        output = getattr(output, "logits", output)
        if not isinstance(output, torch.Tensor):
            raise UsageError(
                f"expected a tensor, or `logits`, as output of the model for batch `{self.name}`, got "
                f"{type(output).__name__}"
            )
        check_labels(self.name, self._largest, output)
        return output

    def _move(self, model: torch.nn.Module) -> None:
        """Have the samples on the model's device."""
        device = next((one.device for one in (*model.parameters(), *model.buffers())), None)
        if device is not None and any(one.device != device for one in self._tensors.values()):
            self._tensors = {name: one.to(device) for name, one in self._tensors.items()}
            self.labels = None if self.labels is None else self.labels.to(device)


def _note(modules: Mapping[str, torch.nn.Module], seen: dict[_Asked, Any], asked: _Asked) -> None:
    """Have a module note what it takes, or returns, at its first call, before others change that in place."""

    def note(value: Any) -> None:
        if seen[asked] is None:
            seen[asked] = value.clone() if isinstance(value, torch.Tensor) else value

    name, part = asked
    if part == "input":
        modules[name].register_forward_pre_hook(lambda _, inputs: note(inputs[0] if inputs else None))
    else:
        modules[name].register_forward_hook(lambda _, inputs, output: note(output))


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


def labels_of(batch: ProbeBatch) -> torch.Tensor:
    """The labels of a batch, on the device of the latest look; classes as int64.

    Raises:
        ValueError: it has none.

    Example:
        >>> labels_of(ProbeBatch(torch.ones(1, 2), labels=torch.tensor([3])))
        tensor([3])
    """
    if batch.labels is None:
        raise ValueError(f"expected `labels` of batch `{batch.name}`, got none; give `ProbeBatch` those of its samples")
    return batch.labels.long() if _are_classes(batch.labels) else batch.labels


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
