"""Requests to stop: heeded at once, or at the end of what must not be left in the middle, and always within seconds."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest

from dgm.runtime import interruption
from dgm.runtime.interruption import SIGNALS, Interrupted, deferred, keep, listening

SOURCE = str(Path(__file__).parents[2] / "src")


def start(code: str, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Run a program that says "ready" when it may be stopped."""
    command = [sys.executable, "-c", textwrap.dedent(code), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": SOURCE, **environment})
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_work_where_it_stands_with_one_line_and_the_status_of_a_signal(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    said: list[str] = []
    with pytest.raises(Interrupted) as stopped, listening(said.append):
        signal.raise_signal(number)
        pytest.fail("the work goes on")
    assert stopped.value.code == 128 + number
    assert said == [f"stopped by {number.name}; the next call starts this job again"]
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_what_is_deferred_is_finished_first() -> None:
    done = []
    with pytest.raises(Interrupted), listening(lambda line: None):
        with deferred():
            with deferred():
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")
        pytest.fail("the work goes on")
    assert done == ["inner", "outer"]


def test_an_error_inside_what_is_deferred_is_not_hidden() -> None:
    with pytest.raises(FloatingPointError), listening(lambda line: None), deferred():
        signal.raise_signal(signal.SIGTERM)
        raise FloatingPointError("not finite")


def test_further_signals_change_nothing() -> None:
    said: list[str] = []

    def save() -> str:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        return " at step 3"

    with pytest.raises(Interrupted) as stopped, listening(said.append):
        keep(save)
        with deferred():
            for _ in range(5):
                signal.raise_signal(signal.SIGHUP)
    assert stopped.value.code == 128 + signal.SIGHUP
    assert said == ["stopped by SIGHUP at step 3"]


def test_what_cannot_be_saved_is_said() -> None:
    said: list[str] = []

    def save() -> str:
        raise FloatingPointError("the loss is not finite")

    with pytest.raises(Interrupted), listening(said.append):
        keep(save)
        signal.raise_signal(signal.SIGTERM)
    assert said == ["stopped by SIGTERM; nothing was saved: the loss is not finite"]


def test_a_library_that_hides_the_request_is_seen_through() -> None:
    said: list[str] = []

    def library() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException as error:
            raise RuntimeError("a callback failed") from error

    with pytest.raises(Interrupted), listening(said.append):
        library()
    assert len(said) == 1


def test_a_request_that_a_library_swallows_is_heeded_at_the_next_chance() -> None:
    with pytest.raises(Interrupted), listening(lambda line: None):
        with suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)
        with deferred():
            pass
        pytest.fail("the work goes on")


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with listening(lambda line: None):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nobody_listens_outside() -> None:
    keep(lambda: "never called")
    with pytest.raises(KeyboardInterrupt), deferred():
        signal.raise_signal(signal.SIGINT)


def test_a_long_call_into_compiled_code_is_cut_short() -> None:
    process = start(
        """
        import hashlib
        from contextlib import suppress
        from dgm.runtime.interruption import listening
        with listening(lambda line: print(line, flush=True), grace=0.5):
            with suppress(BaseException):  # a request that comes too early for the call
                print("ready", flush=True)
                hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)  # minutes in which Python handles no signal
            hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)
        """
    )
    clock = time.monotonic()
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert time.monotonic() - clock < 10
    assert said.startswith("stopped by SIGTERM, 0.5 s after it came, in the middle of the work")


@pytest.mark.parametrize("watched", [True, False])
def test_a_job_ends_with_its_parent_where_that_is_asked_for(watched: bool, tmp_path: Path) -> None:
    job = """
    import os, sys, time
    from pathlib import Path
    from dgm.runtime.interruption import listening
    log = Path(sys.argv[1])
    with listening(lambda line: log.write_text(line)):
        Path(sys.argv[2]).write_text(str(os.getpid()))
        time.sleep(60 if sys.argv[3] == "True" else 4)
    log.write_text("done")
    """
    parent = f"""
    import subprocess, sys, time
    from pathlib import Path
    child = subprocess.Popen([sys.executable, "-c", {textwrap.dedent(job)!r}, *sys.argv[1:]])
    while child.poll() is None and not Path(sys.argv[2]).exists():
        time.sleep(0.02)
    print("ready", flush=True)
    child.wait()
    """
    log, started = tmp_path / "log", tmp_path / "started"
    process = start(parent, str(log), str(started), str(watched), **({interruption.WITH_PARENT: "1"} if watched else {}))
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while not log.exists() or not log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert log.read_text() == ("stopped by SIGTERM; the next call starts this job again" if watched else "done")


def test_a_process_hands_the_request_on_to_the_stages_that_it_runs(tmp_path: Path) -> None:
    """As Snakemake does, which itself waits for its jobs; other children are left alone."""
    package = tmp_path / "dgm" / "stages"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("")
    (package / "slow.py").write_text("import time; print('started', flush=True); time.sleep(60)")
    code = """
    import os, signal, subprocess, sys, time
    from dgm.runtime.interruption import hand_on_to_jobs
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    hand_on_to_jobs()
    environment = {**os.environ, "PYTHONPATH": sys.argv[1]}
    command = f"{sys.executable} -m dgm.stages.slow; exit $?"
    stage = subprocess.Popen(["bash", "-c", command], env=environment, stdout=subprocess.PIPE)
    stage.stdout.readline()
    other = subprocess.Popen(["sleep", "3"])
    print("ready", flush=True)
    print(stage.wait(), other.wait(), told)
    """
    process = start(code, str(tmp_path))
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert said == f"{128 + signal.SIGTERM} 0 [True]\n"
