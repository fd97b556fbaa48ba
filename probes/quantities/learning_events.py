"""When each sample of a probe batch was learned first, and how often it was forgotten since."""

from collections.abc import Mapping

import torch

from probes.quantities.contract.batch_checks import class_count
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["first_learned", "forgetting_events"]

_NEVER = -1


def first_learned(batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""The quantity :math:`\min \{t : \arg\max_j f^{(t)}_j(x_n) = y_n\}`, a series ``first_learned``, ``(sample)``.

    The first of the steps it is measured at, so far, at which the model puts the sample into its class, in updates;
    -1 as long as there is none. Checkpoints carry it. Source: M. Toneva et al., "An empirical study of example
    forgetting during deep neural network learning", 2019, Section 3, https://arxiv.org/abs/1812.05159.

    It costs one forward pass of the batch, which all quantities share that look at it at the same step.

    Args:
        batch: Samples and their classes.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch's labels are no classes.
        UsageError: (when measured) a label is no class of the model.

    Example:
        >>> model, learned = torch.nn.Identity(), first_learned(ProbeBatch(torch.eye(2), labels=torch.tensor([0, 0])))
        >>> learned(State(7, {}, model))
        tensor([ 7, -1])
    """
    return _series("first_learned", _FirstLearned(batch), batch, schedule, unit="step")


def forgetting_events(batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""The quantity :math:`\#\{t : a_n^{(t-)} = 1, a_n^{(t)} = 0\}`, a series ``forgetting_events``, ``(sample)``.

    :math:`a_n` is whether the model puts sample n into its class, t- the step it was measured at before t: how often,
    so far, a sample that was right has turned wrong. Between two of these steps it may have been learned and forgotten
    unseen, so that a denser schedule counts more. One that was never learned has 0, and -1 in `first_learned`.
    Checkpoints carry it. Source: M. Toneva et al., 2019, Section 3, https://arxiv.org/abs/1812.05159.

    It costs one forward pass of the batch, which all quantities share that look at it at the same step.

    Args:
        batch: Samples and their classes.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch's labels are no classes.
        UsageError: (when measured) a label is no class of the model.

    Example:
        >>> model, forgotten = torch.nn.Linear(1, 2), forgetting_events(ProbeBatch(torch.ones(1, 1), torch.tensor([0])))
        >>> counts = []
        >>> for step, bias in enumerate([1.0, -1.0, 1.0, -1.0]):
        ...     _ = torch.nn.init.zeros_(model.weight), model.bias.data.copy_(torch.tensor([bias, 0.0]))
        ...     counts.append(int(forgotten(State(step, {}, model))))
        >>> counts
        [0, 1, 1, 2]
    """
    return _series("forgetting_events", _Forgetting(batch), batch, schedule, unit="1")


class _FirstLearned:
    """Remembers the steps."""

    def __init__(self, batch: ProbeBatch) -> None:
        self._batch = batch
        self._steps = torch.full((batch.samples,), _NEVER)

    def __call__(self, state: State) -> torch.Tensor:
        right = _right(self._batch, state)
        self._steps = self._steps.to(right.device)
        self._steps = torch.where(right & (self._steps == _NEVER), state.step, self._steps)
        return self._steps

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {"steps": self._steps}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        self._steps = state["steps"]


class _Forgetting:
    """Remembers what was right at the look before, and the counts."""

    def __init__(self, batch: ProbeBatch) -> None:
        self._batch = batch
        self._right = torch.zeros(batch.samples, dtype=torch.bool)
        self._counts = torch.zeros(batch.samples, dtype=torch.int64)

    def __call__(self, state: State) -> torch.Tensor:
        right = _right(self._batch, state)
        forgotten = self._right.to(right.device) & ~right
        self._counts, self._right = self._counts.to(right.device) + forgotten, right
        return self._counts

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {"right": self._right, "counts": self._counts}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        self._right, self._counts = state["right"], state["counts"]


def _right(batch: ProbeBatch, state: State) -> torch.Tensor:
    """Whether the model puts each sample into its class, ``(sample,)``."""
    return batch.outputs(state).argmax(1) == labels_of(batch)


def _series(
    name: str, measure: _FirstLearned | _Forgetting, batch: ProbeBatch, schedule: Schedule | None, *, unit: str
) -> Quantity:
    class_count(batch.name, batch.labels)

    return Quantity(
        f"{name}{batch.suffix}",
        ("sample",),
        measure,
        dtype="<i8",
        unit=unit,
        labels=batch.sample_labels,
        quantity=name,
        schedule=schedule,
        probe_batches=(batch,),
    )
