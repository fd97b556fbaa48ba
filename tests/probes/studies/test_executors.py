import os
import sys

import pytest

from probes.errors import UsageError
from probes.studies.executors import Inline, Spawned, engine


def refused(line, *arguments):
    with pytest.raises(UsageError, match="expected") as error:
        engine(*arguments)()
    assert str(error.value) == line


def test_one_worker_is_this_process():
    with engine()() as executor:
        assert executor.submit(os.getpid).result() == os.getpid()


def test_several_workers_are_processes_of_their_own():
    with engine(workers=2)() as executor:
        assert isinstance(executor, Spawned)
        assert executor.submit(os.getpid).result() != os.getpid()


def test_an_error_is_kept_until_the_result_is_asked_for():
    future = Inline().submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal for int"):
        future.result()


def test_an_interruption_ends_the_caller_at_once():
    with pytest.raises(KeyboardInterrupt):
        Inline().submit(_interrupt)


def _interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("text", "workers", "line"),
    [
        ("dask", 1, "expected --executor dask:ADDRESS or module:factory, got `dask`"),
        (
            "math:nothing",
            1,
            "expected --executor module:factory, got `math:nothing`: module 'math' has no attribute 'nothing'",
        ),
        ("not_there:pool", 1, "expected --executor module:factory, got `not_there:pool`: No module named 'not_there'"),
        ("math:pow", 2, "expected --workers or --executor, got both: math:pow has workers of its own"),
    ],
)
def test_what_names_no_executor_is_refused(text, workers, line):
    refused(line, text, workers)


def test_dask_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    line = "expected the package distributed for --executor dask, got none: pip install 'feature-probes[distributed]'"
    refused(line, "dask:tcp://localhost:1")


def test_dask_workers_of_several_threads_are_refused(monkeypatch):
    class Client:
        def __init__(self, address):
            self.address = address

        def nthreads(self):
            return {"tcp://one": 1, "tcp://two": 4}

        def close(self):
            pass

    monkeypatch.setitem(sys.modules, "distributed", type(sys)("distributed"))
    monkeypatch.setattr(sys.modules["distributed"], "Client", Client, raising=False)
    refused("expected dask workers of one thread, got tcp://two has 4: start them with `--nthreads 1`", "dask:tcp://x")
