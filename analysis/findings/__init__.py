"""Findings of any study, one file each; `contents` lists them in the order in which a report shows them."""
