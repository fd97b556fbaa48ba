"""What a run was made with: versions of the packages that shape its numbers, and the commit around it."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

__all__ = ["commit", "versions"]

_PACKAGES = ("feature-probes", "torch", "numpy", "h5py")


@cache
def versions() -> dict[str, str]:
    """Package to version, Python among them; a package that is not installed is left out.

    Example:
        >>> sorted(versions())[-3:]
        ['numpy', 'python', 'torch']
    """
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a checkout that is not installed
            continue
    return found


@cache
def commit() -> str:
    """The commit of the git repository around the working directory; empty where there is none.

    Example:
        >>> commit() == "" or len(commit()) >= 40
        True
    """
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()
