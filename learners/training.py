r"""Full-batch gradient descent on patch networks, all runs together, with closed-form gradients.

For every patch, with :math:`u = \langle w_{i,r}, x_p \rangle` and the pull :math:`a_i` of the objective,

.. math:: w_{i,r} \mathrel{+}= \frac{\eta}{N} \sum_{n,p} a_i(X_n)\, \widetilde{ReLU}'(u)\, x_p .

Private noise turns the part of :math:`x_p` off the features into :math:`\langle w, \xi \rangle \mathrel{+}=
\frac{\eta}{N}\|\xi\|^2 a\, \widetilde{ReLU}'(u)`: one number per patch and neuron, read once and written once a step.
That is the floor. A sample's pull waits for all its units, so a step makes two passes: `probes.learners.passes` makes
them by plain operations (twelve trips through the cache in place of two), `probes.learners.compiled` by two loops in
C++. With patches in finite dimension the floor is two matrix products, and either form is near it.

Axes: n = sample, p = patch, s = run, i = class, r = neuron, d = dim.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from probes.learners.compiled import passes_of, worth_compiling
from probes.learners.networks import Networks
from probes.learners.objectives import Objective
from probes.learners.passes import Block
from probes.learners.samples import Inputs

__all__ = ["State", "train"]


# A pull this small moves no weight. A softmax tail below 1e-38 is a denormal number, which slows every product a
# hundredfold: a well-trained network would take minutes where a new one takes seconds.
NEGLIGIBLE = 1e-15


@dataclass(frozen=True)
class State:
    """What a training loop shows after initialisation and after every update.

    Attributes:
        step: Number of completed updates; 0 = initialisation.
        runs: Indices, in the order training began with, of the runs still in training: a run whose loss is no longer
            finite has left.
        networks: The networks at this step. They change in place as training goes on: copy what is kept.
        scalars: Name to ``(run,)``: loss, train_error and what else the objective reports, on the training set.
        moves: What the coming update adds to the weights, ``(run, class, neuron, dim)``, by what it comes from:
            ``cross_entropy``, and ``distillation`` where there is a teacher. Asked for by ``moves=True``.

    Example:
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
OnUpdate = Callable[[int, tuple[int, ...], Networks], object]


def train(
    networks: Networks,
    inputs: Inputs,
    objective: Objective,
    *,
    steps: int,
    learning_rate: float,
    first: int = 0,
    moves: bool = False,
    compiled: bool | None = None,
    on_step: OnStep | None = None,
    on_update: OnUpdate | None = None,
) -> tuple[Networks, tuple[int, ...]]:
    r"""Train by full-batch gradient descent and return the networks that stayed finite, and which runs they are.

    Each member of a jointly trained average moves as fast as a single network would: the learning rate is multiplied
    by K/c, which cancels the c/K in front of its outputs.

    Args:
        networks: Networks at their start, or as `on_update` showed them; left as they are.
        inputs: Training inputs, those the networks were initialised for.
        objective: What pulls on the outputs.
        steps: Number of updates T.
        learning_rate: :math:`\eta`.
        first: Number of updates that the networks have seen already.
        moves: Whether `on_step` is told what each term of the objective adds to the weights.
        compiled: Whether the passes over the noise state are compiled, where a C++ compiler is found; None as
            `worth_compiling` says.
        on_step: Called at step ``first`` and after every update with the `State`.
        on_update: Called with the step that comes next, the runs and the networks, once they are wholly there:
            copied, they are what training goes on from.

    Returns:
        The trained networks, and the index of each among the runs that training began with.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> from probes.learners.objectives import CrossEntropy
        >>> inputs = Inputs(torch.eye(4)[:, None], torch.zeros(4, 1), torch.tensor([0, 0, 1, 1]))
        >>> start = initialise(inputs, SmoothedReLU(q=3), classes=2, neurons=4, init_scale=0.1, seeds=[0, 1, 2])
        >>> trained, runs = train(start, inputs, CrossEntropy(), steps=500, learning_rate=1.0)
        >>> trained.outputs(inputs).argmax(-1).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]
    """
    runs = tuple(range(networks.runs))
    compiled = worth_compiling(networks, inputs, steps) if compiled is None else compiled
    descent = _Descent(networks.select(runs), inputs, learning_rate, split=moves, compiled=compiled)
    for step in range(first, steps + 1):
        outputs = descent.sweep(objective, learn=step < steps)
        scalars = objective.scalars(outputs, inputs.labels)

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
        descent.move()
        if on_update is not None:
            on_update(step + 1, runs, descent.networks)

    return descent.networks, runs


class _Descent:
    """Networks under training, with the work space that every step uses again."""

    def __init__(
        self, networks: Networks, inputs: Inputs, learning_rate: float, *, split: bool, compiled: bool
    ) -> None:
        self.networks = networks
        self.inputs = inputs
        # The c/K in front of an average's outputs and the K/c in its learning rate cancel here.
        self.rate = learning_rate / inputs.samples
        self.columns = networks.weights.flatten(1)
        self.gradient = torch.zeros_like(self.columns)
        self.taught = torch.zeros_like(self.columns) if split else None  # the teacher's part of it
        self.has_teacher = False
        self.compiled = compiled
        self.passes = passes_of(networks, inputs, self.rate, compiled=compiled)

    def sweep(self, objective: Objective, *, learn: bool) -> Tensor:
        """Return the outputs ``(sample, run, class)``; while learning, move the memory and gather the gradient."""
        self.gradient.zero_()
        if self.taught is not None:
            self.taught.zero_()

        return torch.cat([self._block(block, objective, learn=learn) for block in self.passes.blocks])

    def move(self) -> None:
        """Move the weights by what the last sweep gathered."""
        self.columns.add_(self.gradient, alpha=self.rate)

    def moves(self) -> Mapping[str, Tensor]:
        """Return what the coming move adds, by what it comes from, ``(run, class, neuron, dim)`` each."""
        gradients = {"cross_entropy": self.gradient}
        if self.taught is not None and self.has_teacher:
            gradients = {"cross_entropy": self.gradient - self.taught, "distillation": self.taught}

        shape = self.networks.weights.shape
        return {name: (self.rate * part).view(shape).permute(1, 2, 3, 0) for name, part in gradients.items()}

    def select(self, runs: Tensor) -> "_Descent":
        """Return the descent of these runs alone, between a sweep and its move."""
        rate, split = self.rate * self.inputs.samples, self.taught is not None
        networks = self.networks.select(runs.tolist())
        kept = _Descent(networks, self.inputs, rate, split=split, compiled=self.compiled)
        kept.gradient.copy_(self._of_runs(self.gradient, runs))
        if kept.taught is not None and self.taught is not None:
            kept.taught.copy_(self._of_runs(self.taught, runs))
            kept.has_teacher = self.has_teacher

        return kept

    def _of_runs(self, columns: Tensor, runs: Tensor) -> Tensor:
        return columns.view_as(self.networks.weights).index_select(1, runs).flatten(1)

    def _block(self, block: Block, objective: Objective, *, learn: bool) -> Tensor:
        """Return the outputs of one block of samples; while learning, pull on its units."""
        networks = self.networks
        units = self.passes.units(block).unflatten(-1, networks.weights.shape[1:])
        outputs: Tensor = units.sum(-1) * (networks.activation.threshold * networks.scale / networks.members)
        if not learn:
            return outputs

        taught = None if self.taught is None else objective.taught(outputs, block.rows)
        if self.taught is not None and taught is not None:
            self.has_teacher = True
            self.passes.pull(block, self._by_unit(taught), self.taught, memorise=False)
        pull = objective.pull(outputs, self.inputs.labels[block.rows], block.rows)
        self.passes.pull(block, self._by_unit(pull), self.gradient, memorise=True)

        return outputs

    def _by_unit(self, pull: Tensor) -> Tensor:
        """Return a pull ``(sample, run, class)`` for every unit, ``(sample, run x class x neuron)``."""
        pull = torch.nn.functional.hardshrink(pull, NEGLIGIBLE)

        return pull.unsqueeze(-1).expand(-1, -1, -1, self.networks.weights.shape[-1]).flatten(1)
