"""The runs of a study that cannot be read, as a report names what is absent."""

from probes.analysis.study import Study

__all__ = ["unread"]


def unread(study: Study) -> dict[str, str]:
    """Return the runs that cannot be read, and why, as a report names what is absent.

    Example:
        >>> unread(Study([]))
        {}
    """
    return {f"run {label}": reason for label, reason in study.unreadable.items()}
