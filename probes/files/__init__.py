"""Files and processes, whatever they hold: written whole or not at all, refused if they are not what they seem.

Example:
    >>> from pathlib import Path
    >>> from probes.files import read_whole, write_whole
    >>> write_whole(Path("note.txt"), b"whole")
    >>> read_whole(Path("note.txt"))
    b'whole'
"""

from probes.files.durable import read_whole, write_whole
from probes.files.interrupts import held

__all__ = ["held", "read_whole", "write_whole"]
