"""Recording inside of frameworks that own the training loop; a framework is imported only when its callback is made."""

from probes.integrations import huggingface, lightning

__all__ = ["huggingface", "lightning"]
