"""Sweeps: the table of their points, and maps of what the points measured."""
