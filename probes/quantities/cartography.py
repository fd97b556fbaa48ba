"""Easy, hard and ambiguous samples: how sure of each a model has been so far, and how unsteadily."""

from collections.abc import Mapping

import torch

from probes.quantities.contract.batch_checks import class_count
from probes.quantities.contract.probe_batch import ProbeBatch, labels_of
from probes.quantities.contract.quantity import Quantity
from probes.quantities.contract.state import State
from probes.schedules import Schedule

__all__ = ["cartography"]

_MEASURES = ("confidence", "variability", "correctness")


def cartography(batch: ProbeBatch, *, schedule: Schedule | None = None) -> Quantity:
    r"""A dataset map so far, a series ``cartography`` with axes ``(measure, sample)``, each value from 0 to 1.

    Over the looks at steps up to t, with :math:`p_n` the probability that the model gives the sample's class:

    * ``confidence``: the mean of :math:`p_n`;
    * ``variability``: its standard deviation, of these looks and not of more that might be, at most 1/2;
    * ``correctness``: the share of looks at which the model puts the sample into its class.

    Checkpoints carry the sums. Source: S. Swayamdipta et al., "Dataset cartography: mapping and diagnosing datasets
    with training dynamics", 2020, Section 2, https://arxiv.org/abs/2009.10795, who look once an epoch: choose the
    schedule so, and mind that step 0 is a look, too.

    It costs one forward pass of the batch, which all quantities share that look at it at the same step.

    Args:
        batch: Samples and their classes.
        schedule: At which steps; default, at those of the recorder.

    Raises:
        ValueError: the batch's labels are no classes.
        UsageError: (when measured) a label is no class of the model.

    Example:
        >>> batch = ProbeBatch(torch.tensor([[0.0, 0.0], [9.0, 0.0]]), labels=torch.tensor([0, 1]))
        >>> cartography(batch)(State(0, {}, torch.nn.Identity())).round(decimals=2)
        tensor([[0.5000, 0.0000],
                [0.0000, 0.0000],
                [1.0000, 0.0000]])
    """
    class_count(batch.name, batch.labels)

    return Quantity(
        f"cartography{batch.suffix}",
        ("measure", "sample"),
        _Cartography(batch),
        labels={"measure": _MEASURES, **batch.sample_labels},
        quantity="cartography",
        schedule=schedule,
        probe_batches=(batch,),
    )


class _Cartography:
    """Remembers the number of looks, and of each sample the mean, the squares around it and the looks it was right."""

    def __init__(self, batch: ProbeBatch) -> None:
        self._batch, self._looks = batch, 0
        self._sums = torch.zeros(3, batch.samples, dtype=torch.float64)

    def __call__(self, state: State) -> torch.Tensor:
        outputs, labels = self._batch.outputs(state).double(), labels_of(self._batch)
        given = outputs.softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
        mean, squares, right = self._sums.to(given.device)
        self._looks += 1
        moved = mean + (given - mean) / self._looks  # B. P. Welford, 1962: no difference of large sums
        squares = squares + (given - mean) * (given - moved)
        right = right + (outputs.argmax(1) == labels)
        self._sums = torch.stack([moved, squares, right])

        return torch.stack([moved, (squares / self._looks).sqrt(), right / self._looks]).float()

    def state_dict(self) -> dict[str, int | torch.Tensor]:
        return {"looks": self._looks, "sums": self._sums}

    def load_state_dict(self, state: Mapping[str, int | torch.Tensor]) -> None:
        self._looks, self._sums = int(state["looks"]), torch.as_tensor(state["sums"])
