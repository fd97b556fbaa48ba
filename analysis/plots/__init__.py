"""What figures are made of: canvases of one look, and the few marks that all findings share."""

from probes.analysis.plots.canvas import canvas, paper, png, svg

__all__ = ["canvas", "paper", "png", "svg"]
