"""The errors a user can meet: one family, one line each, turned into an exit code at one place (`probes.cli`)."""

__all__ = ["DataError", "LogError", "NotRecordedError", "ProbesError", "RunError", "UsageError"]


class ProbesError(Exception):
    """Something about a file, a run or a request is not as expected; the text is one line that says what to do."""


class RunError(ProbesError):
    """A run directory is not usable: it is no run, exists already, is being written, or is unknown."""


class LogError(ProbesError):
    """A log's content is damaged, foreign, of a newer format, or does not hold what was asked for."""


class NotRecordedError(LogError):
    """A log is whole, as far as was looked, and does not hold what was asked for."""


class DataError(ProbesError):
    """A file of training or test data is missing, damaged or of another kind."""


class UsageError(ProbesError):
    """A name or value that was typed is not known: a recipe, a key, a parameter, a direction set."""
