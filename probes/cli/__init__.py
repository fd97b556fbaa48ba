"""The command line: `main` is the command `probes`, and each verb lies in a module of `verbs` of its own name."""

from probes.cli.group import main

__all__ = ["main"]
