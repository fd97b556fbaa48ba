"""Recording in the ``Trainer`` of Hugging Face Transformers."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from probes.integrations.lifetime import Guarded
from probes.integrations.metrics import matching
from probes.recording import Recorder

__all__ = ["callback"]


def callback(recorder: Recorder, *, metrics: Sequence[str] = ()) -> Any:
    """A Transformers callback that attaches a recorder when training begins and closes it when training ends.

    Taps name parameters as the model does that the ``Trainer`` was given. The recorder's state is part of the
    Trainer's checkpoints, so ``trainer.train(resume_from_checkpoint=...)`` goes on with the log where the checkpoint
    was saved. The Trainer tells its callbacks of no exception: to have a run that broke off called "failed", write
    ``with recorder: trainer.train()``.

    Args:
        recorder: A recorder that is not attached yet.
        metrics: Names or globs of what is recorded with it of all that the Trainer logs, at the step when it does.

    Raises:
        ImportError: ``transformers`` 4.43 or later is not installed.

    Example::

        recorder = probes.Recorder("runs/seed-0", {"bert.*.query.weight": directions})
        trainer = Trainer(model, ..., callbacks=[probes.integrations.huggingface.callback(recorder, metrics=["*loss"])])
        trainer.train()
    """
    try:
        framework = import_module("transformers.trainer_callback")
        bases = (_Lifetime, framework.TrainerCallback, framework.ExportableState)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ImportError("expected transformers 4.43 or later, got none; run `pip install transformers`") from error

    # The Trainer keeps the states of callbacks by the names of their classes, and may make an instance of its own.
    return type(_name(recorder), bases, {"_guarded": Guarded(recorder), "_metrics": tuple(metrics)})()


class _Lifetime:
    """What a recorder does at which moment of a training."""

    _guarded: Guarded  # of the class: the Trainer may make an instance of its own
    _metrics: tuple[str, ...]

    @property
    def recorder(self) -> Recorder:
        """That of the training that is going on, or was the last."""
        return self._guarded.recorder

    @property
    def _attached(self) -> bool:
        return self._guarded.attached

    def state(self) -> dict[str, Any]:
        recorded = self.recorder.state_dict() if self._attached else {}
        return {"args": {}, "attributes": {"recorded": recorded}}

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **kwargs: Any
    ) -> None:
        # The Trainer takes it that a checkpoint it goes on from knows all callbacks, and fails where it does not.
        kept = state.stateful_callbacks.setdefault(type(self).__name__, self.state())["attributes"]["recorded"]
        self._guarded.begin(model, optimizer, kept)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._guarded.before_update()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if self._attached:
            self.recorder.log(**matching(self._metrics, logs or {}))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._guarded.close()


def _name(recorder: Recorder) -> str:
    return f"Recorder({recorder.path.resolve().name})"
