"""Samples: which features stand in which patch and how strongly, and what a network is given of them.

Axes: n = sample, p = patch, f = feature = (feature_class, view) flattened, d = dim.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from probes.learners.features import VIEWS
from probes.learners.streams import stream

__all__ = ["MULTI_VIEW", "Inputs", "Samples"]

MULTI_VIEW = -1


@dataclass(frozen=True)
class Inputs:
    r"""What a network sees: patches :math:`x_p = \sum_d A_{p,d} e_d + \xi_p`, and the labels.

    Attributes:
        design: The part of every patch that shares directions with other patches, ``(sample, patch, dim)``: feature
            coordinates in the private form, the whole patch in the gaussian one.
        noise: Norm of the private noise :math:`\|\xi_p\|`, ``(sample, patch)``; 0 where there is none. Each private
            noise vector is orthogonal to everything else.
        labels: ``(sample,)``, int64.

    Example:
        >>> Inputs(torch.zeros(5, 3, 8), torch.zeros(5, 3), torch.zeros(5, dtype=torch.int64)).samples
        5
    """

    design: Tensor
    noise: Tensor
    labels: Tensor

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.design.shape[0]

    @property
    def has_noise(self) -> bool:
        """Whether any patch carries private noise."""
        return bool(self.noise.any())

    def __getitem__(self, rows: slice | Tensor) -> "Inputs":
        """Return some of the samples, by a slice or their numbers."""
        return Inputs(self.design[rows], self.noise[rows], self.labels[rows])

    def to(self, dtype: torch.dtype, device: torch.device | str = "cpu") -> "Inputs":
        """Return the same inputs in another dtype or on another device."""
        return Inputs(self.design.to(device, dtype), self.noise.to(device, dtype), self.labels.to(device))


@dataclass(frozen=True)
class Samples:
    r"""Labelled samples by their features: :math:`x_p = \sum_f A_{n,p,f} v_f + \xi_{n,p}`.

    Attributes:
        coefficients: :math:`z_p` of each patch's own feature plus feature noise :math:`\alpha_{p,v'}`,
            ``(sample, patch, feature)``, float32, >= 0.
        noise: Norm of the noise :math:`\xi_p`, ``(sample, patch)``, float32.
        labels: Class of each sample, ``(sample,)``, int64.
        view: The one view a single-view sample shows, ``(sample,)``, int64; -1 (`MULTI_VIEW`) for multi-view samples.

    Example:
        >>> from probes.learners.multiview import MultiView
        >>> MultiView(classes=4, patches=12, sparsity=1.0).multi_view(6, seed=0).coefficients.shape
        torch.Size([6, 12, 8])
    """

    coefficients: Tensor
    noise: Tensor
    labels: Tensor
    view: Tensor

    def __len__(self) -> int:
        return self.labels.shape[0]

    def __add__(self, other: "Samples") -> "Samples":
        """Return both sets of samples, one after the other."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)

        return Samples(*(torch.cat(pair) for pair in pairs))

    def private(self) -> Inputs:
        """Return the inputs in the private-noise form: feature coordinates, and noise by its norm alone."""
        return Inputs(self.coefficients, self.noise, self.labels)

    def gaussian(self, features: Tensor, *, seed: int) -> Inputs:
        r"""Return the inputs in finite dimension, :math:`\xi_p \sim N(0, \|\xi_p\|^2/d' \cdot I)` off the features.

        The noise is drawn in the orthogonal complement of the features (dimension d' = dim - features): what it
        would do along a feature is the feature noise's part.

        Args:
            features: Orthonormal feature vectors, ``(feature_class, view, dim)``.
            seed: Seed of the noise.

        Raises:
            ValueError: If ``dim`` leaves no room for noise beside the features.
        """
        basis = features.flatten(0, 1)
        count, dim = basis.shape
        if dim <= count:
            raise ValueError(f"expected `dim` > {count} (the features) so that noise has room, got {dim}")

        draw = torch.randn(*self.noise.shape, dim, generator=stream("noise", seed))
        draw -= (draw @ basis.T) @ basis
        xi = draw * (self.noise / (dim - count) ** 0.5).unsqueeze(-1)

        return Inputs(self.coefficients @ basis + xi, torch.zeros_like(self.noise), self.labels)

    def class_view_moment(self, q: int) -> Tensor:
        r"""Return :math:`S_{i,\ell} = E_{Z_m}[1_{y=i} \sum_{p \in P_{v_{i,\ell}}} z_p^q]`, ``(class, view)``, float64.

        The mean is over the multi-view samples. With feature noise, its small coefficients are counted too.

        Args:
            q: Exponent of the activation.
        """
        multi = self.view == MULTI_VIEW
        moments = self.coefficients[multi].double().pow(q).sum(1).unflatten(-1, (-1, VIEWS))
        own = torch.nn.functional.one_hot(self.labels[multi], moments.shape[1]).double()

        return torch.einsum("nj,njv->jv", own, moments) / max(int(multi.sum()), 1)
