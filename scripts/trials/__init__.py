"""Every way in which a log could be lost, tried out: ``python -m scripts.trials``, or ``scripts/torture``."""
