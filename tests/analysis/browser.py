"""A page in headless Chromium: what it says on its console, what its document holds afterwards, what it looks like."""

import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDED = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")


def browse(page, profile, *options):
    """What Chromium writes to stdout, and the lines that the page wrote to its console."""
    words = [CHROMIUM, *QUIET, f"--user-data-dir={profile}", "--virtual-time-budget=5000", "--enable-logging=stderr"]
    result = subprocess.run(
        [*words, "--v=0", *options, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    return result.stdout, [line for line in result.stderr.splitlines() if "CONSOLE" in line]


def with_script(page, script, target):
    """A copy of a page in which a script runs after the page's own."""
    target.write_text(page.read_text("utf-8").replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    return target
