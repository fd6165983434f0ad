"""Fixtures shared by all tests, and the run-time check of shape annotations."""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

# one thread: a test must not depend on how many cores the machine has, nor slow its neighbours down
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import shipped  # noqa: F401 - makes the assignments importable
import torch
from hypothesis import HealthCheck, settings
from tiny_results import build, digest, made_up_digits
from touched import changed, touches

from dgm.data.tensors import ImageData, PointData
from dgm.maths import ring_mixture
from dgm.runtime.streams import Generators
from dgm.training.loop import Context

OLD_SECONDS = 4 * 3600

STARTED = time.monotonic()

CHANGES = pytest.StashKey[set[Path]]()
"""Files that differ from the last commit."""

# as in a terminal: what is started in the background inherits that Ctrl-C, or the end of the terminal, is ignored
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# the same examples at every call, and none fails because the machine is slow; --hypothesis-profile=explore looks for new ones
_patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("reproducible", derandomize=True, **_patient)
settings.register_profile("explore", max_examples=1000, **_patient)
settings.load_profile("reproducible")

torch.set_num_threads(1)
torch.set_warn_always(True)  # else a warning, which is an error here, shows in the first test alone and depends on the order


def pytest_addoption(parser: pytest.Parser) -> None:
    """What ``make prove`` and ``make quick`` say."""
    parser.addoption("--keep-proofs", action="store_true", help="keep in tests/claims/proved.csv whose claims were seen failing")
    parser.addoption("--again", action="store_true", help="prove all claims, those too that were proved with the same code")
    parser.addoption("--touched", type=float, metavar="SECONDS", help="only test files that the change touches, for so long")


def pytest_configure(config: pytest.Config) -> None:
    """Note what has changed."""
    if config.getoption("--touched"):
        config.stash[CHANGES] = changed()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the test files that the change does not touch."""
    if CHANGES in config.stash and collection_path.suffix == ".py" and not touches(collection_path, config.stash[CHANGES]):
        return True
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is left when the time is over."""
    seconds = item.config.getoption("--touched")
    if seconds and time.monotonic() - STARTED > seconds:
        pytest.skip(f"{seconds:g} s are over")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files first that run whole builds, the slowest of them before the others, or one process ends long after the rest."""
    tests = Counter(item.path for item in items)
    patience = {item.path: max((mark.args[0] for mark in item.iter_markers("timeout")), default=0) for item in items}
    builds = {item.path for item in items if item.get_closest_marker("pipeline")}
    items.sort(key=lambda item: (-patience[item.path], item.path not in builds, -tests[item.path]))


@pytest.fixture
def images() -> ImageData:
    """Three hundred made-up digits: a bright bar whose place depends on the label."""
    rng = np.random.default_rng(0)
    (train, train_labels), (test, test_labels) = (map(torch.from_numpy, made_up_digits(n, rng)) for n in (200, 100))
    return ImageData(train, train_labels.long(), test, test_labels.long())


@pytest.fixture
def points() -> PointData:
    """Three times 200 points of the ring mixture with ten components and radius 10."""
    rng = np.random.default_rng(0)
    train, validation, test = (torch.from_numpy(ring_mixture.sample(200, 10, 10.0, rng)[0]).float() for _ in range(3))
    return PointData(train, validation, test, components=10, radius=10.0)


@pytest.fixture(scope="session")
def tiny_results(pytestconfig: pytest.Config) -> Path:
    """Results of every run of config.yaml after two steps on made-up data; do not change its files.

    They are kept in pytest's cache under the digest of the code and the configuration they come from, so that all processes and all
    later calls share them: the first to ask builds them under a lock, and the others wait.
    """
    kept = pytestconfig.cache.mkdir("tiny-results")
    folder = kept / digest()
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for old in kept.glob("[0-9a-f]*"):
                if time.time() - old.stat().st_mtime > OLD_SECONDS:  # another process may still read a newer one
                    shutil.rmtree(old)
            unfinished = Path(tempfile.mkdtemp(dir=kept, prefix="unfinished-"))
            build(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture
def context() -> Context:
    """A training context without checkpoint, seed 0."""
    return Context(run="made-up", generators=Generators(0))
