r"""Gradient descent on patch networks, all runs together, with closed-form gradients.

For every patch, with :math:`u = \langle w_{i,r}, x_p \rangle` and the pull :math:`a_i` of the objective,

.. math:: w_{i,r} \mathrel{+}= \frac{\eta}{N} \sum_{n,p} a_i(X_n)\, \widetilde{ReLU}'(u)\, x_p .

Private noise turns the part of :math:`x_p` off the features into :math:`\langle w, \xi \rangle \mathrel{+}=
\frac{\eta}{N}\|\xi\|^2 a\, \widetilde{ReLU}'(u)`: one number per patch and neuron, read once and written once a step.
That is the floor. A sample's pull waits for all its units, so a step makes two passes: `probes.learners.passes` makes
them by plain operations (twelve trips through the cache in place of two), `probes.learners.compiled` by two loops in
C++. With patches in finite dimension the floor is two matrix products; `probes.learners.fused` makes a loop of all that
lies between them, and either form is near it.

So much for the theory's learner, full-batch gradient descent. `probes.learners.optimizers` has others: batches, whose
order is each run's own; momentum and Adam, which make further passes.

Axes: n = sample, p = patch, s = run, i = class, r = neuron, d = dim.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from probes.learners.compiled import worth_compiling
from probes.learners.descent import Descent, Manner
from probes.learners.networks import Networks
from probes.learners.objectives import Objective
from probes.learners.optimizers import Moments, Optimizer, moments_of
from probes.learners.samples import Inputs

__all__ = ["State", "train"]


@dataclass(frozen=True)
class State:
    """What a training loop shows after initialisation and after every update.

    Attributes:
        step: Number of completed updates; 0 = initialisation.
        runs: Indices, in the order training began with, of the runs still in training: a run whose loss is no longer
            finite has left.
        networks: The networks at this step. They change in place as training goes on: copy what is kept.
        scalars: Name to ``(run,)``: loss, train_error and what else the objective reports, on the samples of the
            coming update: the training set, or each run's batch.
        moves: What the coming update adds to the weights, ``(run, class, neuron, dim)``, by what it comes from:
            ``cross_entropy``, and ``distillation`` where there is a teacher. Asked for by ``moves=True``.

    Example:
        >>> import torch
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> from probes.learners.objectives import CrossEntropy
        >>> inputs = Inputs(torch.eye(4)[:, None], torch.zeros(4, 1), torch.tensor([0, 0, 1, 1]))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0, 1])
        >>> states: list[State] = []
        >>> _ = train(networks, inputs, CrossEntropy(), steps=2, learning_rate=1.0, on_step=states.append)
        >>> [state.step for state in states], states[-1].weights.shape
        ([0, 1, 2], torch.Size([2, 2, 3, 4]))
    """

    step: int
    runs: tuple[int, ...]
    networks: Networks
    scalars: Mapping[str, Tensor]
    moves: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def weights(self) -> Tensor:
        """The weights, ``(run, class, neuron, dim)``, a view."""
        return self.networks.by_neuron


OnStep = Callable[[State], object]
OnUpdate = Callable[[int, tuple[int, ...], Networks, Moments], object]


def train(
    networks: Networks,
    inputs: Inputs,
    objective: Objective,
    *,
    steps: int,
    learning_rate: float,
    optimizer: Optimizer = Optimizer(),  # noqa: B008 - frozen
    first: int = 0,
    moments: Moments | None = None,
    moves: bool = False,
    compiled: bool | None = None,
    on_step: OnStep | None = None,
    on_update: OnUpdate | None = None,
) -> tuple[Networks, tuple[int, ...]]:
    r"""Train by gradient descent and return the networks that stayed finite, and which runs they are.

    Each member of a jointly trained average moves as fast as a single network would: the learning rate is multiplied
    by K/c, which cancels the c/K in front of its outputs.

    Args:
        networks: Networks at their start, or as `on_update` showed them; left as they are.
        inputs: Training inputs, those the networks were initialised for.
        objective: What pulls on the outputs.
        steps: Number of updates T.
        learning_rate: :math:`\eta`.
        optimizer: The update rule and its batches; as it stands, full-batch gradient descent.
        first: Number of updates that the networks have seen already.
        moments: What the optimizer remembers of them, as `on_update` showed it; left as it is.
        moves: Whether `on_step` is told what each term of the objective adds to the weights.
        compiled: Whether the passes over the noise state are compiled, where a C++ compiler is found; None as
            `worth_compiling` says.
        on_step: Called at step ``first`` and after every update with the `State`.
        on_update: Called with the step that comes next, the runs, the networks and the optimizer's moments, once they
            are wholly there: copied, they are what training goes on from.

    Returns:
        The trained networks, and the index of each among the runs that training began with.

    Raises:
        ValueError: If moves are asked for of an optimizer whose updates are no sum over terms, or moments are missing.

    Example:
        >>> import torch
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> from probes.learners.objectives import CrossEntropy
        >>> inputs = Inputs(torch.eye(4)[:, None], torch.zeros(4, 1), torch.tensor([0, 0, 1, 1]))
        >>> start = initialise(inputs, SmoothedReLU(q=3), classes=2, neurons=8, init_scale=0.1, seeds=[0, 1, 2])
        >>> trained, runs = train(start, inputs, CrossEntropy(), steps=500, learning_rate=1.0)
        >>> trained.outputs(inputs).argmax(-1).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]
    """
    runs = tuple(range(networks.runs))
    _check(optimizer, moments, first=first, moves=moves)
    if compiled is None:
        compiled = worth_compiling(networks, inputs, optimizer.epochs(steps, inputs.samples))
    manner = Manner(optimizer, learning_rate, split=moves, compiled=compiled)
    kept = {name: values.clone() for name, values in (moments or moments_of(optimizer, networks)).items()}
    descent = Descent(networks.select(runs), inputs, manner, kept)
    for step in range(first, steps + 1):
        scalars = descent.sweep(objective, step, learn=step < steps)

        finite = scalars["loss"].isfinite()
        if not finite.all():
            keep = finite.nonzero().flatten()
            runs = tuple(runs[index] for index in keep.tolist())
            if not runs:
                return descent.networks.select(()), ()
            descent, objective = descent.select(keep), objective.select(keep)
            scalars = {name: values[keep] for name, values in scalars.items()}
        if on_step is not None:
            on_step(State(step, runs, descent.networks, scalars, descent.moves() if moves else {}))
        if step < steps:
            descent.move(step)
        if on_update is not None:
            on_update(step + 1, runs, descent.networks, descent.moments)

    return descent.networks, runs


def _check(optimizer: Optimizer, moments: Moments | None, *, first: int, moves: bool) -> None:
    if moves and optimizer.slots:
        raise ValueError(
            f"expected an optimizer without memory for `moves`, got {optimizer}: what momentum and adam add is no sum "
            "over the terms of the objective"
        )
    if optimizer.slots and first > 0 and not moments:
        raise ValueError(f"expected `moments` to go on with {optimizer} from step {first}, got none")
