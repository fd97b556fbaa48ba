"""One measured value of a claim."""

from dataclasses import dataclass

from probes.analysis.intervals import Estimate

__all__ = ["Measurement"]


@dataclass(frozen=True)
class Measurement:
    """One measured value of a claim.

    Attributes:
        estimate: Value, 95 % interval and n.
        note: What n counts, where the interval comes from, and what else a reader should know.
        variant: Which variant was measured, "" where there is one only.
    """

    estimate: Estimate
    note: str
    variant: str = ""
