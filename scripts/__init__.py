"""Scripts of the checkout; never shipped."""
