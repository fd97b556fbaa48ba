"""Bytes, times and rates as people read them."""

__all__ = ["as_bytes", "as_clock", "as_duration", "one_line"]


def as_bytes(count: float) -> str:
    """Return a number of bytes in three digits and the unit that fits.

    Example:
        >>> as_bytes(382_887_093), as_bytes(512)
        ('383 MB', '512 B')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if round(count) < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB" if count < 1000 else f"{count:,.0f} TB"


def as_duration(seconds: float) -> str:
    """Return a time in words, as precise as an estimate is.

    Example:
        >>> as_duration(4), as_duration(245), as_duration(9000)
        ('4 seconds', '4 minutes', '2.5 hours')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} second{'s' if seconds >= 1.5 else ''}"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.2g} hours" if seconds < 360_000 else f"{seconds / 86_400:,.0f} days"


def as_clock(seconds: float) -> str:
    """Return a time as a clock shows it.

    Example:
        >>> as_clock(14.2), as_clock(3725)
        ('0:14', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)

    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def one_line(size: float, free: float, seconds: float | None = None) -> str:
    """Return what a recording takes, in one line.

    Args:
        size: Bytes it takes on the disk.
        free: Bytes that are free there.
        seconds: How long it takes, if that was measured.

    Example:
        >>> one_line(383e6, 73e9, 245)
        'about 383 MB and 4 minutes; 73 GB are free'
        >>> one_line(9e9, 3e9)
        'about 9 GB; only 3 GB are free'
    """
    duration = "" if seconds is None else f" and {as_duration(seconds)}"

    return f"about {as_bytes(size)}{duration}; {'only ' if free < size else ''}{as_bytes(free)} are free"
