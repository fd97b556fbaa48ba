"""Findings of the theory's studies, one file each; `probes.analysis.theory.contents` lists them."""
