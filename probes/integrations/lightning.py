"""Recording in a Lightning ``Trainer``, whether it is imported from ``lightning.pytorch`` or ``pytorch_lightning``."""

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import torch

from probes.integrations.lifetime import Guarded
from probes.integrations.metrics import matching
from probes.recording import Recorder

__all__ = ["callback"]

_NAMES = ("lightning.pytorch", "pytorch_lightning")


def callback(recorder: Recorder, *, metrics: Sequence[str] = ()) -> Any:
    """A Lightning callback that attaches a recorder when training starts and closes it when `fit` ends.

    Taps name parameters as the LightningModule does, such as ``model.conv1.weight``; every optimizer of the trainer
    counts. The recorder's state is part of Lightning's checkpoints, so ``trainer.fit(..., ckpt_path=...)`` goes on with
    the log where the checkpoint was saved. A run whose training raises is "failed", an interrupted one "interrupted".
    A second `fit` with the callback is a run of its own, called ``<name>-2``; what cannot be recorded is a warning.

    Args:
        recorder: A recorder that is not attached yet.
        metrics: Names or globs of what is recorded with it, of ``trainer.callback_metrics`` and the ``loss``: those of
            a training batch at the step whose weights gave them. Each one makes the host wait for a GPU.

    Raises:
        ImportError: neither ``lightning`` nor ``pytorch_lightning`` is installed.

    Example::

        recorder = probes.Recorder("runs/seed-0", {"model.0.weight": directions})
        trainer = Trainer(callbacks=[probes.integrations.lightning.callback(recorder, metrics=["loss", "val_*"])])
        trainer.fit(module, data)
    """
    names = [name for name in _NAMES if name in sys.modules] or [_installed()]
    return _kind(*names)(recorder, metrics)


class _Lifetime:
    """What a recorder does at which moment of a `fit`."""

    def __init__(self, recorder: Recorder, metrics: Sequence[str]) -> None:
        self._guarded, self._metrics = Guarded(recorder), tuple(metrics)
        self._seen: dict[str, Any] = {}  # the last value by name, which Lightning shows again and again
        self._of_batches: set[str] = set()  # names of those that a batch gives; at the end of an epoch they are old
        self._state: dict[str, Any] = {}  # that a checkpoint holds, for the `fit` that goes on from it
        self._step = 0  # at which the batch began

    @property
    def recorder(self) -> Recorder:
        """That of the training that is going on, or was the last."""
        return self._guarded.recorder

    @property
    def _attached(self) -> bool:
        return self._guarded.attached

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.recorder, self._metrics)

    @property
    def state_key(self) -> str:
        """Under which name a checkpoint holds the state: several recorders have several."""
        return f"probes.Recorder({self.recorder.path.resolve().name})"

    def setup(self, trainer: Any, module: Any, stage: str) -> None:
        self._state = {}

    def state_dict(self) -> dict[str, Any]:
        return self.recorder.state_dict() if self._attached else self._state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._state = dict(state)  # `test` loads checkpoints, too, after which no recording goes on

    def on_train_start(self, trainer: Any, module: Any) -> None:
        optimizers = [one for one in trainer.optimizers if type(one).__name__ != "_MockOptimizer"]
        self._guarded.begin(module, optimizers or None, self._state)

    def on_before_optimizer_step(self, trainer: Any, module: Any, optimizer: Any) -> None:
        self._guarded.before_update()

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        self._step = self.recorder.updates

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = {"loss": outputs["loss"]} if isinstance(outputs, Mapping) and "loss" in outputs else {}
        self._of_batches |= self._log(self._step, {**loss, **trainer.callback_metrics}).keys()

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        shown = trainer.callback_metrics.items()
        self._log(self.recorder.updates, {name: value for name, value in shown if name not in self._of_batches})

    on_validation_end = on_train_epoch_end

    def on_fit_end(self, trainer: Any, module: Any) -> None:
        self._guarded.close()

    def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
        self._guarded.failed(exception)

    def _log(self, step: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Record those metrics that are asked for and new; before `on_train_start` there is only the sanity check."""
        found = matching(self._metrics, metrics) if self._attached else {}
        new = {name: value for name, value in found.items() if not _same(value, self._seen.get(name))}
        self._seen.update(new)
        if new:
            self.recorder.log(step, **new)
        return new


def _same(value: Any, other: Any) -> bool:
    """Whether two numbers are one in memory: Lightning makes views of its own, and a number may repeat itself."""
    tensors = isinstance(value, torch.Tensor) and isinstance(other, torch.Tensor)
    return bool(value.data_ptr() == other.data_ptr()) if tensors else value is other


def _restored(recorder: Recorder, metrics: Sequence[str]) -> Any:
    return callback(recorder, metrics=metrics)


@cache
def _kind(*names: str) -> type[Any]:
    """The class for the Trainers of all these packages, whose `Callback` are not the same."""
    return type("RecorderCallback", (_Lifetime, *(import_module(name).Callback for name in names)), {})


def _installed() -> str:
    for name in _NAMES:
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in {name, name.partition(".")[0]}:
                raise
        else:
            return name
    raise ImportError('expected Lightning to be installed, got none; run `pip install "feature-probes[lightning]"`')
