"""The taps of a program: what `--tap` states, made for a model once that is there.

Directions that are estimated are those of the parameter: a convolution's are of patches as it cuts them.
"""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import partial
from typing import Any

from torch.nn import Module

from probes.directions import Directions
from probes.errors import UsageError
from probes.launch.estimated_directions import Estimate, estimate_for
from probes.launch.selection import chosen
from probes.launch.tap_text import TapText
from probes.models import Parameters
from probes.quantities import Tap

__all__ = ["Taps"]

_SHOWN = 5  # names of parameters
_Seen = list[tuple[str, list[str]]]  # class of a model, names of its parameters


class Taps:
    """Makes the taps of models; a file is read once, and an estimate that two parameters share made once.

    Args:
        texts: Parameter's name or glob -> what is tapped.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> from pathlib import Path
        >>> np.save("axes.npy", np.eye(4, dtype="f4"))
        >>> taps = Taps({"*.weight": TapText(Path("axes.npy"))})
        >>> taps.of(torch.nn.Sequential(torch.nn.Linear(4, 3)))["0.weight"].axes
        ('neuron', 'feature')
    """

    def __init__(self, texts: Mapping[str, TapText]) -> None:
        self._texts = texts
        self._made: dict[tuple[str, Estimate | None], Directions] = {}
        self.unused = set(texts)  # keys that have chosen nothing yet

    def fits(self, model: Module) -> bool:
        """Whether a tap chooses a parameter of the model; where there are no taps, every model fits."""
        try:
            parameters = Parameters(model)
        except UsageError:  # they cannot be read; `of` says why
            return False
        return not self._texts or any(chosen(key, parameters) for key in self._texts)

    def of(self, model: Module) -> dict[str, Tap]:
        """The taps of a model by the parameter's name.

        Raises:
            UsageError: no tap chooses a parameter of it, two choose one, or a file does not hold what it should.
        """
        parameters = Parameters(model)
        keys = [key for key in self._texts if chosen(key, parameters)]
        if self._texts and not keys:
            parameters.matching(next(iter(self._texts)))
        self.unused.difference_update(keys)

        return {name: tap for key in keys for name, tap in self._taps(key, model, parameters).items()}

    def refusal(self, models: Iterable[Module]) -> str:
        """Why a tap suits none of some models, a line; empty where each tap suits one, or there are no taps.

        The models are looked at one after another as long as a tap suits none.
        """
        seen: _Seen = []
        faults: dict[str, str] = {}
        missing = list(self._texts)
        models = iter(models if missing else ())
        while missing and (model := next(models, None)) is not None:
            missing = [key for key in missing if not self._suits(key, model, faults)]
            seen.append((type(model).__name__, _names(model)))

        if not missing:
            return ""
        return faults.get(missing[0]) or self._no_match(missing[0], seen)

    def _suits(self, key: str, model: Module, faults: dict[str, str]) -> bool:
        """Whether a key chooses parameters of a model and its tap fits them; else the first fault is noted."""
        try:
            parameters = Parameters(model)
            taps = self._taps(key, model, parameters)
            for name, tap in taps.items():
                tap.project(parameters[name], name)
        except UsageError as error:
            faults.setdefault(key, str(error))
            return False
        return bool(taps)

    def _no_match(self, key: str, seen: _Seen) -> str:
        """The line for a key that chooses nothing, with the names that are most like it."""
        expected = f"expected a parameter for `{self._texts[key].typed}`, got"
        ranked = [(kind, sorted(names, key=partial(_unlike, key))) for kind, names in seen if names]
        if not ranked:
            return f"{expected} tensors that no nn.Module holds"

        kind, names = min(ranked, key=lambda each: _unlike(key, each[1][0]))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f"{expected} none in {kind}, which has {', '.join(names[:_SHOWN])}{more}"

    def _taps(self, key: str, model: Module, parameters: Parameters) -> dict[str, Tap]:
        text = self._texts[key]
        taps = {}
        for name in self._chosen(key, parameters):
            try:
                directions = self._directions(key, name, model, parameters)
                taps[name] = Tap(directions, text.dims, split=text.split, transposed=text.transposed)
            except (TypeError, ValueError) as error:
                raise UsageError(f"no tap could be made of `{text.typed}`: {error}") from error
        return taps

    def _chosen(self, key: str, parameters: Parameters) -> list[str]:
        """What a key chooses, and no other key."""
        names = chosen(key, parameters)
        for other in self._texts:
            both = [name for name in chosen(other, parameters) if name in names] if other != key else []
            if both:
                typed = [self._texts[each].typed for each in self._texts if each in {key, other}]
                raise UsageError(
                    f"expected one tap for `{both[0]}`, got `{typed[0]}` and `{typed[1]}`; make one narrower"
                )
        return names

    def _directions(self, key: str, name: str, model: Module, parameters: Parameters) -> Directions:
        text = self._texts[key]
        estimate = estimate_for(text, name, model, parameters) if text.estimator else None
        if (key, estimate) not in self._made:
            directions = Directions.read(text.file, text.names or None) if estimate is None else estimate(text)
            self._made[key, estimate] = _named(directions, text)
        return self._made[key, estimate]


def _named(directions: Directions, text: TapText) -> Directions:
    """The directions with the names that are stated of their axes."""
    names = text.names or directions.names
    if names == directions.names and not text.component:
        return directions

    if len(names) != len(directions.names):
        raise UsageError(f"expected in `{text.typed}` {len(directions.names)} names, got {', '.join(names)}")
    labels = {
        new: directions.labels[old]
        for new, old in zip(names, directions.names, strict=True)
        if old in directions.labels
    }
    further: dict[str, Any] = {"component": text.component} if text.component else {}
    return Directions(directions.vectors, names, labels=labels, facts=directions.facts, **further)


def _names(model: Module) -> list[str]:
    try:
        return list(Parameters(model))
    except UsageError:
        return []


def _unlike(key: str, name: str) -> float:
    return -SequenceMatcher(None, name, key).ratio()
