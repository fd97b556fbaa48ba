"""What one `--tap` of the command line states, taken apart; the tap itself is made once torch is there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from probes.errors import UsageError
from probes.launch.array_headers import check_directions
from probes.launch.estimator_options import ESTIMATORS, Setting, parse_estimate
from probes.launch.sample_headers import check_samples, check_weights

__all__ = ["TapText", "parse_tap"]

_DIMS = {1: ("neuron",), 2: ("projection", "neuron"), 3: ("projection", "head", "neuron")}  # of the lengths of `split`
_FORMS = ":transposed, :split=LENGTHS, :dims=NAMES, :names=NAMES or :component=NAME"
_LAYOUT = ("transposed", "split", "dims", "names", "component")
_CUSTOMARY = {2: ("feature",), 3: ("feature_class", "view")}  # as in `probes.directions`, which loads torch


@dataclass(frozen=True)
class TapText:
    """Where the directions of a tap come from, and how the parameter is laid out.

    Attributes:
        file: Of directions, or of what they are estimated from.
        typed: The whole option, for error messages.
        estimator: Name of one of `probes.estimators`; empty where the file holds the directions.
        settings: Of the estimator.
        transposed: As of a `Tap`; so are ``split`` and ``dims``.
        names: Of the directions' axes; empty for the customary ones or those in the file.
        component: The axis of ``names`` that spans one feature.

    Example:
        >>> TapText(Path("patches.npy")).dims
        ('neuron',)
    """

    file: Path
    typed: str = "--tap"
    estimator: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    transposed: bool = False
    split: tuple[int, ...] = ()
    dims: tuple[str, ...] = ("neuron",)
    names: tuple[str, ...] = ()
    component: str = ""

    def absolute(self) -> Self:
        """The same with files that are found from any directory."""
        again = self.settings.get("again")
        settings = self.settings if again is None else {**self.settings, "again": str(Path(str(again)).absolute())}
        return replace(self, file=self.file.absolute(), settings=settings)

    def check(self) -> None:
        """Find out what can be known to be wrong without torch.

        Raises:
            UsageError: the file is missing, or does not hold what is needed.
        """
        if not self.estimator:
            self._check_names(check_directions(self.file))
        elif ESTIMATORS[self.estimator].samples:
            check_samples(self.file, labelled=ESTIMATORS[self.estimator].labelled)
        else:
            for path in filter(None, (self.file, self.settings.get("again"))):
                check_weights(Path(str(path)))

    def _check_names(self, shape: tuple[int, ...]) -> None:
        customary = _CUSTOMARY.get(len(shape)) if self.file.suffix == ".npy" else None  # others keep their own
        names = self.names or customary
        if (self.names and len(self.names) != len(shape) - 1) or (names is None and self.file.suffix == ".npy"):
            got = f"{len(self.names)} ({', '.join(self.names)})" if self.names else "none"
            raise UsageError(
                f"expected in `{self.typed}` {len(shape) - 1} names for the axes before the last of shape {shape}, as "
                f":names={','.join(f'axis{number}' for number in range(1, len(shape)))}, got {got}"
            )
        if self.component and names and self.component not in names:
            raise UsageError(f"expected :component of `{self.typed}` among {', '.join(names)}, got `{self.component}`")
        twice = set(self.dims) & set(names or ())
        if twice:
            raise UsageError(
                f"expected in `{self.typed}` other names for the parameter's axes than for the directions', got "
                f"{', '.join(sorted(twice))} for both"
            )


def parse_tap(text: str) -> tuple[str, TapText]:
    """The parameter's name or glob, and what is tapped of it.

    Raises:
        UsageError: it is of no form of an option ``--tap``.

    Example:
        >>> key, tap = parse_tap("attn.in_proj_weight=V.npy:split=3,4,-1")
        >>> key, str(tap.file), tap.split, tap.dims
        ('attn.in_proj_weight', 'V.npy', (3, 4, -1), ('projection', 'head', 'neuron'))
        >>> parse_tap("conv1.weight=class_means(data.npz,whiten=true):dims=channel")[1].settings
        {'whiten': True}
    """
    key, sign, source = text.partition("=")
    if not (key and sign and source):
        raise UsageError(f"expected --tap NAME=FILE, got {text!r}, for example --tap conv1.weight=patches.npy")

    option = f"--tap {text}"
    estimate = None if Path(source).exists() else re.fullmatch(r"(\w+)\((.*)\)((?::.*)?)", source)
    if estimate is None:
        file, options = _file_and_options(source)
        return key, TapText(Path(file), option, **_layout(options, option))
    name, inside, rest = estimate.groups()
    path, settings = parse_estimate(name, inside, option)
    return key, TapText(path, option, name, settings, **_layout(rest.split(":")[1:], option))


def _file_and_options(source: str) -> tuple[str, list[str]]:
    """A file, which may have colons in its name, and what stands after it."""
    parts = source.split(":")
    ends = range(len(parts), 0, -1)
    there = (end for end in ends if Path(":".join(parts[:end])).is_file())
    options = (place for place, part in enumerate(parts) if place and part.partition("=")[0] in _LAYOUT)
    end = next(there, next(options, len(parts)))
    return ":".join(parts[:end]), parts[end:]


def _layout(options: list[str], typed: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in options:
        key, sign, value = option.partition("=")
        if key not in _LAYOUT or key in found or (key == "transposed") == bool(sign):
            raise UsageError(f"expected in `{typed}` {_FORMS}, each once, got `:{option}`")
        found[key] = _entries(key, value, typed) if sign else True
    if "component" in found:
        (found["component"],) = found["component"]

    lengths = found.get("split", (-1,))
    if "dims" not in found and len(lengths) not in _DIMS:
        raise UsageError(f"expected in `{typed}` names for {len(lengths)} lengths, as :dims=NAMES, got none")
    found.setdefault("dims", _DIMS.get(len(lengths)))
    if "split" in found and len(found["dims"]) != len(lengths):
        dims = ", ".join(found["dims"])
        raise UsageError(f"expected in `{typed}` a name in :dims for each of {len(lengths)} lengths, got {dims}")
    return found


def _entries(key: str, value: str, typed: str) -> tuple[Any, ...]:
    """Lengths of `split`, or names."""
    texts = [text.strip() for text in value.split(",")]
    if key != "split":
        if not all(texts) or len(set(texts)) < len(texts) or (key == "component" and len(texts) > 1):
            what = "one name" if key == "component" else "different names with commas between them"
            raise UsageError(f"expected in `{typed}` {what} after :{key}=, got `{value}`")
        return tuple(texts)

    lengths = [int(text) if re.fullmatch(r"-1|[1-9]\d*", text) else 0 for text in texts]
    if 0 in lengths or lengths.count(-1) > 1:
        raise UsageError(f"expected in `{typed}` lengths after :split=, one of them -1 at most, got `{value}`")
    return tuple(lengths)
