"""Findings of any study, one file each."""
