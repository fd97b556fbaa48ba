"""Ensembles on Gaussian inputs, the contrast of Figure 7: findings, one file each, and the report of a sweep."""
