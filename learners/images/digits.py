"""The handwritten digits of scikit-learn: 1,797 pictures of 8 x 8 pixels, on the disk wherever it is installed."""

import torch

from probes.errors import UsageError
from probes.learners.images.images import Images

__all__ = ["handwritten_digits"]

GREATEST = 16.0  # of a pixel, as scikit-learn has them


def handwritten_digits() -> Images:
    """Return the digits, pixels in [0, 1], in scikit-learn's order.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    1998, https://doi.org/10.24432/C50P49.

    Raises:
        UsageError: scikit-learn is not installed.

    Example:
        >>> digits = handwritten_digits()
        >>> digits.shape, len(digits), digits.classes
        ((1, 8, 8), 1797, 10)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UsageError(
            "expected scikit-learn, whose handwritten digits are used, got none; install it with "
            "`pip install feature-probes[real]`"
        ) from error

    pictures, labels = load_digits(return_X_y=True)
    inputs = torch.as_tensor(pictures, dtype=torch.float32).view(-1, 1, 8, 8) / GREATEST
    names = tuple(f"digit-{number:04d}" for number in range(len(labels)))

    return Images(inputs, torch.as_tensor(labels, dtype=torch.int64), names, 10)
