"""What an axis is called as a column of tables, which have columns of their own."""

__all__ = ["RESERVED", "column"]

_WORDS = (
    "run role variant step strength peak neuron null null_peak off_strength off_peak learned stable rule count "
    "predicted ratio agrees initial_peak initial_rank crossing_after crossing order taught teachers control share "
    "p_value unit_p_value specialised first_share same_as_first units correlation"
)
# Columns that tables of a tap have beside its axes.
RESERVED = frozenset(_WORDS.split())


def column(axis: str) -> str:
    """Return the column of an axis: its name, with ``_axis`` at the end where tables call something else so.

    Example:
        >>> column("frequency"), column("peak")
        ('frequency', 'peak_axis')
    """
    return f"{axis}_axis" if axis in RESERVED else axis
