"""Names, axes, units and the format version of a stored run: the one place where they are written down."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from probes.files.durable import refusal

__all__ = ["Series", "axis_names"]

FORMAT_VERSION = 2  # the newest; a file that needs nothing of it is written in the first, which older readers know

MANIFEST = "run.json"
DIRECTIONS = "directions.h5"
EVALUATION = "evaluation.h5"
OUTPUTS = "outputs"  # a folder
PACKED = "~run"  # in a file that needs no other, all but the rows; no series has such a name, see `stored_name`
WEIGHTS = "weights.safetensors"
LOCK = "LOCK"
MERGED = "log.h5"
SUMMARIES = "summaries.npz"  # kept by the analysis
FILES = (MANIFEST, DIRECTIONS, EVALUATION, WEIGHTS, MERGED, SUMMARIES)  # of a run, with its segments and journals
SEGMENT = "seg-{:06d}.h5"
JOURNAL = "seg-{:06d}.wal"
OUTPUT = re.compile(r"(?!\.{1,2}\.[0-9]+\.h5$)([A-Za-z0-9._-]{1,200})\.(0|[1-9][0-9]{0,17})\.h5")  # name and step
NUMBERED = re.compile(r"seg-([0-9]{6})\.(h5|wal)")
RUN_ID = re.compile(r"(?!\.\.?$)[A-Za-z0-9._-]+")

STEP = "step"
SCALARS = "scalars"
DTYPES = {"<f4": 23, "<f8": 52, "<i8": 0}  # with the bits that can be kept of a mantissa
MOST_SERIES = 2**14  # of a run
MOST_SCALARS = 2**12  # names that one attempt logs
MOST_STORED_SCALARS = 2**14  # names that a file may have: what a writer keeps to, and several attempts
LARGEST_ROW = 2**29  # bytes of one step; a file that is read at once holds at least one

_OPTIONAL = ("precision", "quantity", "schedule")
_PRECISION = re.compile(r"bits:([1-9][0-9]?)")
_NAME = re.compile(r"(?!\.\.?$)[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")


def check_format(path: Path, version: object) -> None:
    """Refuse a file of a format version that is not known."""
    if version not in range(1, FORMAT_VERSION + 1):
        reason = f"expected format 1 to {FORMAT_VERSION}, got {version!r}"
        raise refusal(path, reason, "read it with a newer feature-probes")


def checked_name(name: str) -> str:
    """The name of a series, an axis or a scalar, if a file can hold it; else a ValueError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"expected a name of 1 to 255 printable characters, got {name!r}")
    return name


def stored_name(name: str) -> str:
    """The name as that of an HDF5 object, which cannot have a slash: ``train~1loss``, escaped as in RFC 6901."""
    return name.replace("~", "~0").replace("/", "~1")


def plain_name(stored: str) -> str:
    """The name that `stored_name` changed."""
    return stored.replace("~1", "/").replace("~0", "~")


@dataclass(frozen=True)
class Series:
    """What one array per recorded step is; its axes in a log are ``(step, *dims)``.

    Raises:
        ValueError: a name, the dims, the shape, the dtype or the labels are malformed, or do not fit each other.

    Example:
        >>> Series("correlations", ("class", "neuron"), (10, 32)).row_bytes
        1280
    """

    name: str
    dims: tuple[str, ...]  # without "step"
    shape: tuple[int, ...]  # lengths of dims
    dtype: str = "<f4"  # one of DTYPES
    unit: str = "1"
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # dim -> what its entries are called
    precision: str = ""  # "bits:12" keeps so many bits of each mantissa; all of them if empty
    quantity: str = ""  # what kind of thing it is, such as "correlation" or "norm"; empty if that is not known
    schedule: str = ""  # which steps have a row, if not those that the run's schedule says

    def __post_init__(self) -> None:
        lengths = dict(zip(self.dims, self.shape, strict=False))
        for name in (self.name, *self.dims):
            checked_name(name)
        if not len(lengths) == len(self.shape) == len(self.dims) or STEP in lengths:
            raise ValueError(f"series `{self.name}`: expected a dim for each length of {self.shape}, got {self.dims}")
        if any(type(length) is not int or length < 1 for length in self.shape):
            raise ValueError(f"series `{self.name}`: expected lengths of at least 1 in `shape`, got {self.shape}")
        if self.dtype not in DTYPES:
            raise ValueError(f"series `{self.name}`: expected `dtype` of {', '.join(DTYPES)}, got {self.dtype!r}")
        if self.row_bytes > LARGEST_ROW:
            raise ValueError(f"series `{self.name}`: expected at most {LARGEST_ROW} bytes a step, got {self.row_bytes}")
        if any(len(labels) != lengths.get(dim) for dim, labels in self.labels.items()):
            raise ValueError(f"series `{self.name}`: expected labels for {lengths}, got {dict(self.labels)}")
        if self.precision and not (_PRECISION.fullmatch(self.precision) and 0 < self.bits <= DTYPES[self.dtype]):
            able = f"bits:1 to bits:{DTYPES[self.dtype]}" if DTYPES[self.dtype] else "none"
            wanted = f"`precision` for {self.dtype} of {able}"
            raise ValueError(f"series `{self.name}`: expected {wanted}, got {self.precision!r}")

    @property
    def row_bytes(self) -> int:
        """Bytes of one step."""
        return math.prod(self.shape) * int(self.dtype[-1])

    @property
    def attributes(self) -> dict[str, str]:
        """What files say of it beside its axes."""
        return {"units": self.unit} | ({"precision": self.precision} if self.precision else {})

    @property
    def bits(self) -> int:
        """Bits that are kept of each mantissa."""
        return int(self.precision[len("bits:") :]) if self.precision else DTYPES[self.dtype]

    @property
    def relative_error(self) -> float:
        """The most by which a value, unless it is subnormal, may have been changed, as a part of it; 0 = lossless."""
        return 2.0 ** -(self.bits + 1) if self.precision else 0.0

    def to_json(self) -> dict[str, Any]:
        """The series as JSON can hold it; of one that is not lossless with the bound of its error."""
        given = {name: value for name, value in asdict(self).items() if value or name not in _OPTIONAL}
        return given | ({"relative_error": self.relative_error} if self.precision else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The series that `to_json` wrote; a KeyError, TypeError, ValueError or AttributeError if it is none."""
        labels = {dim: tuple(map(str, names)) for dim, names in data["labels"].items()}
        dims, shape = tuple(data["dims"]), tuple(data["shape"])
        optional = {name: str(data.get(name, "")) for name in _OPTIONAL}
        return cls(data["name"], dims, shape, data["dtype"], str(data["unit"]), labels, **optional)


def axis_names(series: Iterable[Series]) -> dict[tuple[str, str], str]:
    """For every (series name, dim) the name of its axis in a file that holds all the series.

    It is the dim, unless two series mean different things by it: then ``<series>.<dim>``. The steps of a series that
    has a schedule of its own are an axis ``<series>.step``, beside ``step``, that of all others.

    Example:
        >>> axis_names([Series("a", ("neuron",), (3,)), Series("b", ("neuron",), (4,))])
        {('a', 'neuron'): 'a.neuron', ('b', 'neuron'): 'b.neuron'}
    """
    series = tuple(series)
    meanings: dict[str, set[tuple[int, tuple[str, ...]]]] = {}
    for one in series:
        for dim, length in zip(one.dims, one.shape, strict=True):
            meanings.setdefault(dim, set()).add((length, tuple(one.labels.get(dim, ()))))
    axes = ((one.name, dim) for one in series for dim in one.dims)
    names = {(name, dim): dim if len(meanings[dim]) == 1 else f"{name}.{dim}" for name, dim in axes}
    return names | {(one.name, STEP): f"{one.name}.{STEP}" for one in series if one.schedule}


def format_of(series: Iterable[Series]) -> int:
    """The format version of a run's description and rows: the second where a series has a schedule of its own."""
    return 2 if any(one.schedule for one in series) else 1
