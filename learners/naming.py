"""What of a recipe names its runs: every value, but for those of keys that came later and are at their defaults."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

__all__ = ["ADDED", "named_by"]

# Metadata of a field that came after runs had been named.
ADDED = MappingProxyType({"added": True})


def named_by(section: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section's values without those of fields marked `ADDED` that are at their default; tables likewise.

    Args:
        section: A recipe, or a part of it.
        values: All of its values, tables as dictionaries.

    Example:
        >>> from dataclasses import asdict, dataclass, field
        >>> @dataclass(frozen=True)
        ... class Paint:
        ...     litres: int = 3
        ...     colour: str = field(default="white", metadata=ADDED)
        >>> [named_by(paint, asdict(paint)) for paint in (Paint(), Paint(colour="red"))]
        [{'litres': 3}, {'litres': 3, 'colour': 'red'}]
    """
    kept = {}
    for item in fields(section):
        value = getattr(section, item.name)
        if not (item.metadata.get("added") and value == item.default):
            kept[item.name] = named_by(value, values[item.name]) if is_dataclass(value) else values[item.name]
    return kept
