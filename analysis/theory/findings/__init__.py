"""Findings of the theory's studies, one file each."""
