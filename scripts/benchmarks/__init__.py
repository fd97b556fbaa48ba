"""Every performance claim as a ratio measured in one run: ``python -m scripts.benchmarks``, or ``scripts/bench``."""
