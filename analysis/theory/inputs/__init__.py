"""Ensembles on Gaussian inputs, the contrast of Figure 7."""
