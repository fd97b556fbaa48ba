"""A run at a glance as one plain line, for files and pipes."""

import json
import math
from datetime import datetime

from probes.cli.watching.dashboard import cells
from probes.cli.watching.run_state import Glance

__all__ = ["json_line", "plain_line"]

_LABELS = ("{}", "step {}", "{}/s", "loss {}", "error {}", "won {}", "left {}")


def plain_line(glance: Glance, now: datetime | None = None) -> str:
    """Return what is known of a run, after the time of day.

    Args:
        glance: The run.
        now: The time; the present one if none is given.

    Example:
        >>> plain_line(Glance("a", "recording", step=300, total=900, rate=40.0), datetime(2026, 1, 1, 12, 30))
        '12:30:00 a recording step 300/900 40/s left 0:15'
    """
    known = [label.format(cell) for label, cell in zip(_LABELS, cells(glance), strict=True) if cell]

    return " ".join([f"{now or datetime.now().astimezone():%H:%M:%S}", glance.run, *known, glance.reason]).rstrip()


def json_line(glance: Glance) -> str:
    """Return the same as JSON; null stands for what is not known or not finite.

    Example:
        >>> json.loads(json_line(Glance("a", "recording", loss=math.nan)))["loss"] is None
        True
    """
    facts = glance.facts().items()

    return json.dumps({
        name: None if isinstance(fact, float) and not math.isfinite(fact) else fact for name, fact in facts
    })
