"""Studies: a recipe becomes runs, runs are trained and recorded, and what only network and data can tell is measured.

The one place, beside the command line, where learners, recorder and log meet. A kind of study is a class with the
attributes of `experiment.Experiment`, chosen by `data.kind` of a recipe; a new one is its own file (or folder) and a
line in `kinds.EXPERIMENTS`. Its recipes are then files under ``learners/presets``, read and written as TOML, changed by
dotted keys, swept, recorded at several seeds, estimated and resumed as all others are: nothing else asks for the kind.

A kind of study says which runs there are and trains those that it is given; what is finished, which teachers diverged,
checkpoints, signals, manifests and logs are the business of the `Group` of runs that it is handed:

>>> import torch
>>> from dataclasses import dataclass, field
>>> from pathlib import Path
>>> from probes.directions import Directions
>>> from probes.log.outputs import Outputs, write_outputs
>>> from probes.quantities import Tap
>>> from probes.studies.experiment import RunSize
>>> from probes.studies.group import Group
>>> @dataclass(frozen=True)
... class Blobs:
...     kind: str = "blobs"                                 # `data.kind` of its recipes
...     spread: float = 1.0
>>> @dataclass(frozen=True)
... class BlobRecipe:
...     name: str = "blobs"
...     seed: int = 0
...     data: Blobs = Blobs()                               # or a union of several such sections
...     steps: int = 2
>>> class BlobStudy:
...     recipe_type, has_own_class = BlobRecipe, False
...     def __init__(self, recipe):
...         self.recipe = recipe
...         self.phases = (Phase("single", (PlannedRun("single-00", "single", seeds={"init": 7}),), recipe.steps),)
...         self.work = float(recipe.steps)
...     def train(self, group):
...         weights = group.checkpoint.state["weights"] if group.checkpoint else torch.zeros(len(group.runs), 4, 3)
...         with group.recorded({"first.weight": Tap(Directions(torch.eye(3)), ("neuron",))}):
...             for step in range(group.first, group.phase.steps + 1):
...                 group.step(step, {"first.weight": weights}, {"loss": weights.square().mean((1, 2))})
...                 weights = weights + self.recipe.data.spread
...                 group.between(step + 1, lambda places: {"weights": weights[places]})
...             with group.storing():
...                 for run in group.survivors():
...                     write_outputs(group.paths[run], Outputs("test", group.phase.steps, torch.zeros(2, 3).numpy()))
...     def evaluate(self, log): ...
...     def size(self, phase, *, own_class):
...         return RunSize(values=12, weights=48, outputs=24)
...     def seconds(self):
...         return (0.1,)
>>> study = BlobStudy(BlobRecipe())
>>> study.train(Group(Path("runs"), study.phases[0], study.phases[0].runs))  # `record_study` does so, phase by phase
>>> from probes.log import open_log
>>> open_log("runs/single-00")["first.weight"][:, 0, 0].tolist()
[0.0, 1.0, 2.0]
"""

from probes.studies.evaluate import evaluate_run
from probes.studies.phases import Phase, PlannedRun
from probes.studies.record import Watcher, record_study

__all__ = ["Phase", "PlannedRun", "Watcher", "evaluate_run", "record_study"]
