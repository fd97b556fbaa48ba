r"""One update of networks under training: a sweep over samples gathers the gradient, a move follows the optimizer.

Plain gradient steps move the memory inside of the sweep, which is why they are as fast as they are: the noise state is
read once and written once. What remembers, momentum and Adam, needs the gradient of every noise direction by itself,
and passes over the noise state again to move it; with private noise its sweeps are plain operations, never compiled.

Axes: n = sample, p = patch, s = run, i = class, r = neuron, d = dim, column = run x class x neuron.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from probes.learners.compiled import passes_of
from probes.learners.networks import Networks, blocks
from probes.learners.objectives import Objective
from probes.learners.optimizers import Moments, Optimizer, batch_of
from probes.learners.passes import Block, Passes, Share
from probes.learners.samples import Inputs

__all__ = ["Descent", "Manner"]

# A pull this small moves no weight. A softmax tail below 1e-38 is a denormal number, which slows every product a
# hundredfold: a well-trained network would take minutes where a new one takes seconds.
NEGLIGIBLE = 1e-15


@dataclass(frozen=True)
class Manner:
    """How networks are trained.

    Attributes:
        optimizer: The update rule.
        learning_rate: What its updates are multiplied by.
        split: Whether what the teacher adds is told apart.
        compiled: Whether passes over the noise state are compiled, where they can be.

    Example:
        >>> Manner(Optimizer(), 1.0).split
        False
    """

    optimizer: Optimizer
    learning_rate: float
    split: bool = False
    compiled: bool = False


class Descent:
    """Networks under training, with the work space that every step uses again.

    Args:
        networks: The networks; they move in place.
        inputs: The training set.
        manner: How they are trained.
        moments: What the optimizer remembers of the updates before; it moves in place.

    Example:
        >>> from probes.learners.activations import SmoothedReLU
        >>> from probes.learners.networks import initialise
        >>> from probes.learners.objectives import CrossEntropy
        >>> inputs = Inputs(torch.eye(4)[:, None], torch.zeros(4, 1), torch.tensor([0, 0, 1, 1]))
        >>> networks = initialise(inputs, SmoothedReLU(), classes=2, neurons=3, init_scale=0.1, seeds=[0, 1])
        >>> descent = Descent(networks, inputs, Manner(Optimizer(batch_size=2), 1.0), {})
        >>> list(descent.sweep(CrossEntropy(), 0, learn=True))
        ['loss', 'train_error']
        >>> descent.move(0)
    """

    def __init__(self, networks: Networks, inputs: Inputs, manner: Manner, moments: Moments) -> None:
        self.networks, self.moments = networks, moments
        self._inputs, self._manner = inputs, manner
        weights, memory = networks.weights, networks.memory
        remembers = bool(manner.optimizer.slots)
        self._gradient = _Gradient(
            torch.zeros_like(weights),
            torch.zeros_like(weights) if manner.split else None,
            torch.zeros_like(memory) if remembers and memory is not None else None,
        )
        self._has_teacher = False
        self._samples, self._rate = inputs.samples, 0.0
        batch_size = manner.optimizer.batch_size
        self._sweep = None if batch_size else _Sweep(networks, inputs, manner, self._gradient)

    def sweep(self, objective: Objective, step: int, *, learn: bool) -> Mapping[str, Tensor]:
        """Return what the objective reports, name to ``(run,)``; while learning, gather the coming update.

        Args:
            objective: What pulls on the outputs.
            step: Number of completed updates.
            learn: Whether an update is coming.
        """
        self._gradient.clear()
        if self._sweep is not None:
            return self._swept(self._sweep, objective, learn=learn)

        found = [self._batch(run, objective, step, learn=learn) for run in range(self.networks.runs)]
        return {name: torch.cat([scalars[name] for scalars in found]) for name in found[0]}

    def move(self, step: int) -> None:
        """Move what the last sweep, at this step, did not move already.

        Args:
            step: Number of completed updates.
        """
        optimizer, gradient = self._manner.optimizer, self._gradient
        if not optimizer.slots:
            self.networks.weights.add_(gradient.weights, alpha=self._rate)
            return

        count, rate = step + 1, self._manner.learning_rate
        update = optimizer.update(gradient.weights / self._samples, self._slots("weights"), count)
        self.networks.weights.add_(update, alpha=rate)
        if self.networks.memory is None or gradient.memory is None:
            return
        norms = rate * self._inputs.noise[:, :, None, None, None]
        slots = self._slots("memory")
        for rows in blocks(self._inputs, self.networks.weights[0].numel()):
            update = optimizer.update(gradient.memory[rows], [slot[rows] for slot in slots], count)
            self.networks.memory[rows].addcmul_(update, norms[rows])

    def moves(self) -> Mapping[str, Tensor]:
        """Return what the coming move adds, by what it comes from, ``(run, class, neuron, dim)`` each."""
        gradients, taught = {"cross_entropy": self._gradient.weights}, self._gradient.taught
        if taught is not None and self._has_teacher:
            gradients = {"cross_entropy": self._gradient.weights - taught, "distillation": taught}

        return {name: (self._rate * part).permute(1, 2, 3, 0) for name, part in gradients.items()}

    def select(self, runs: Tensor) -> "Descent":
        """Return the descent of these runs alone, between a sweep and its move."""
        moments = {name: values.index_select(-3, runs) for name, values in self.moments.items()}
        kept = Descent(self.networks.select(runs.tolist()), self._inputs, self._manner, moments)
        kept._gradient.take(self._gradient, runs)
        kept._has_teacher, kept._samples, kept._rate = self._has_teacher, self._samples, self._rate

        return kept

    def _slots(self, part: str) -> list[Tensor]:
        return [self.moments[f"{part}.{slot}"] for slot in self._manner.optimizer.slots]

    def _swept(self, sweep: "_Sweep", objective: Objective, *, learn: bool) -> Mapping[str, Tensor]:
        outputs = sweep(objective, learn=learn)
        self._has_teacher, self._samples, self._rate = sweep.has_teacher, sweep.inputs.samples, sweep.rate

        return objective.scalars(outputs, sweep.inputs.labels)

    def _batch(self, run: int, objective: Objective, step: int, *, learn: bool) -> Mapping[str, Tensor]:
        """Sweep over a run's batch: with a copy of its rows of what the sweep moves, which are put back."""
        networks, own = self.networks, slice(run, run + 1)
        size = self._manner.optimizer.batch_size
        samples = batch_of(networks.seeds[run], step, samples=self._inputs.samples, size=size)
        samples = samples.to(networks.weights.device)
        memory = None if networks.memory is None else networks.memory[:, :, own]
        part = replace(
            networks,
            weights=networks.weights[:, own],
            memory=None if memory is None else memory[samples],
            seeds=networks.seeds[own],
        )
        gradient = self._gradient.of(own, samples)
        sweep = _Sweep(part, self._inputs[samples], self._manner, gradient)
        scalars = self._swept(sweep, objective.select(samples.new_tensor([run])).at(samples), learn=learn)
        if self._gradient.memory is not None and gradient.memory is not None:
            self._gradient.memory[:, :, own].index_copy_(0, samples, gradient.memory)
        elif memory is not None and part.memory is not None:
            memory.index_copy_(0, samples, part.memory)

        return scalars


@dataclass(frozen=True)
class _Gradient:
    """What sweeps gather, uphill.

    Attributes:
        weights: Of the weights, summed over samples, ``(dim, run, class, neuron)``.
        taught: The teacher's part of it; None where it is not told apart.
        memory: Of the noise directions, mean over samples, ``(sample, patch, run, class, neuron)``; None where the
            memory moves at once.
    """

    weights: Tensor
    taught: Tensor | None
    memory: Tensor | None

    def clear(self) -> None:
        """Set all of it to zero."""
        for values in self.parts():
            values.zero_()

    def of(self, runs: slice, samples: Tensor) -> "_Gradient":
        """Return that of some runs: weights as a view, memory of these samples as new zeros."""
        taught = None if self.taught is None else self.taught[:, runs]
        memory = None if self.memory is None else self.memory.new_zeros(len(samples), *self.memory[0, :, runs].shape)

        return _Gradient(self.weights[:, runs], taught, memory)

    def take(self, other: "_Gradient", runs: Tensor) -> None:
        """Take over what was gathered of these runs."""
        for own, values in zip(self.parts(), other.parts(), strict=True):
            own.copy_(values.index_select(-3, runs))

    def parts(self) -> list[Tensor]:
        """Return what there is of it."""
        return [values for values in (self.weights, self.taught, self.memory) if values is not None]


class _Sweep:
    """A sweep over all samples of a set, block by block."""

    def __init__(self, networks: Networks, inputs: Inputs, manner: Manner, gradient: _Gradient) -> None:
        self.inputs, self._networks, self._gradient = inputs, networks, gradient
        # The c/K in front of an average's outputs and the K/c in its learning rate cancel here.
        self.rate = manner.learning_rate / inputs.samples
        self.has_teacher = False
        compiled = manner.compiled and gradient.memory is None
        self._passes: Passes = passes_of(networks, inputs, self.rate, compiled=compiled)
        self._norms = inputs.noise.unsqueeze(-1) / inputs.samples
        self._weights = _columns(gradient.weights)
        self._taught = None if gradient.taught is None else _columns(gradient.taught)

    def __call__(self, objective: Objective, *, learn: bool) -> Tensor:
        """Return the outputs ``(sample, run, class)``; while learning, gather the gradient."""
        return torch.cat([self._block(block, objective, learn=learn) for block in self._passes.blocks])

    def _block(self, block: Block, objective: Objective, *, learn: bool) -> Tensor:
        """Return the outputs of one block of samples; while learning, pull on its units."""
        networks = self._networks
        units = self._passes.units(block).unflatten(-1, networks.weights.shape[1:])
        outputs: Tensor = units.sum(-1) * (networks.activation.threshold * networks.scale / networks.members)
        taught = None if self._taught is None else objective.taught(outputs, block.rows)
        self.has_teacher = taught is not None
        if not learn:
            return outputs

        share = None
        if self._taught is not None and taught is not None:
            share = Share(self._by_unit(taught), self._taught)
        pull = objective.pull(outputs, self.inputs.labels[block.rows], block.rows)
        self._passes.pull(self._moved(block), self._by_unit(pull), self._weights, share)

        return outputs

    def _moved(self, block: Block) -> Block:
        """Return the block as a pull moves it: the memory itself, or the gradient along each noise direction."""
        memory = self._gradient.memory
        if memory is None:
            return block
        return replace(block, memory=memory[block.rows].flatten(2), noise=self._norms[block.rows])

    def _by_unit(self, pull: Tensor) -> Tensor:
        """Return a pull ``(sample, run, class)`` for every unit, ``(sample, run x class x neuron)``."""
        pull = torch.nn.functional.hardshrink(pull, NEGLIGIBLE)

        return pull.unsqueeze(-1).expand(-1, -1, -1, self._networks.weights.shape[-1]).flatten(1)


def _columns(part: Tensor) -> Tensor:
    """Return a view ``(dim, column)``."""
    return part.view(len(part), -1)
