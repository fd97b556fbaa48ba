"""Every way in which a log could be lost, tried out: ``python -m tests.torture``, or ``scripts/torture``."""
