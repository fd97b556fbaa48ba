"""A store that is broken on purpose: its trials find that, so what they do not find may be taken not to be there."""

from contextlib import suppress
from unittest import mock

import pytest
from tests.torture.outcome import tried

from probes.log.writing.block import Block
from probes.log.writing.journal_writer import Journal
from probes.log.writing.pipeline import Pipeline


def swallowing(sync):
    """A wait for the disk in which a Ctrl-C gets lost."""

    def call(self):
        with suppress(KeyboardInterrupt):
            sync(self)

    return call


def forgetting(append):
    """A journal that keeps its second frame to itself."""

    def call(self, *arguments):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls != 2:
            append(self, *arguments)

    return call


def without_last(rows):
    """Rows of which the last gets lost when they are sealed."""
    return lambda self: rows(self).up_to(int(rows(self).steps[-2]) if len(rows(self)) > 1 else -1)


def nothing(*_):
    """What should be done is not."""


BROKEN = {
    "journals without checksums": ("tails", 30, "logs.frames._is_whole", lambda *_: True),
    "journals that forget": ("points", 8, "store.journal.Journal.append", forgetting(Journal.append)),
    "descriptions without checksum": ("flips", 150, "logs.manifest._checksum", nothing),
    "rows lost in sealing": ("points", 1, "store.block.Block.rows", without_last(Block.rows)),
    "writers without a lock": ("rivals", 1, "store.lock.fcntl.flock", nothing),
    "locks that forks keep": ("rivals", 4, "store.lock.RunLock.let_go", nothing),
    "rows that nobody rescues": ("ends", 10, "store.pipeline.Pipeline.rescue", nothing),
    "folders that are taken for ours": ("ends", 20, "store.lock.RunLock.check", nothing),
    "writers that serve forks": ("forks", 1, "store.writer.RunWriter._check_open", nothing),
}
SLOW = {
    "folders that are not synced": ("calls", 40, "files.durable.sync_folder", nothing),
    "journals that are not synced": ("calls", 80, "store.journal.Journal.sync", nothing),
    "a Ctrl-C that is swallowed": ("signals", 20, "store.pipeline.Pipeline.sync", swallowing(Pipeline.sync)),
    "datasets that nobody checks": ("hostile", 60, "logs.stored.check_dataset", lambda dataset, *_: dataset),
}


@pytest.mark.parametrize("case", [*BROKEN, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW)])
def test_what_is_broken_is_found(tmp_path, case):
    kind, count, name, broken = (BROKEN | SLOW)[case]
    with mock.patch(f"probes.{name}", broken):
        outcome = tried(kind, tmp_path, count=count)

    assert outcome.failures
    assert all(line.startswith(f"{kind} --seed 0 --first ") for line in outcome.failures)
