"""Whether recorded runs are whole: every byte is read, in processes that a hostile file may crash.

Example:
    >>> from pathlib import Path
    >>> from probes.log import Manifest
    >>> from probes.log.writing import RunWriter
    >>> RunWriter("runs/seed-0", Manifest("seed-0", ())).close()
    >>> from probes.log.verification import verify
    >>> list(verify([Path("runs/seed-0")]))
    []
"""

from probes.log.verification.findings import Finding, faults, run_folders, verify

__all__ = ["Finding", "faults", "run_folders", "verify"]
