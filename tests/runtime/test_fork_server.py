"""Stages that a prepared process runs by forking: as in a process of their own, and never left behind."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dgm.assignments import PACKAGE
from dgm.runtime import fork_server
from dgm.runtime.device import STAGE_ENVIRONMENT
from dgm.runtime.fork_server import LATE, SOCKET
from dgm.runtime.interruption import WITH_PARENT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux forks a process with libraries safely")

STAGE = '''
"""A made-up stage: says what it was given, then does what it is told."""
import json, os, signal, sys, time
from pathlib import Path
from dgm.runtime.interruption import listening

def main():
    print(json.dumps({"words": sys.argv[1:], "folder": os.getcwd(), "name": os.environ.get("NAME"), "input": sys.stdin.readline(),
                      "hangup": signal.getsignal(signal.SIGHUP) is signal.SIG_IGN}), flush=True)
    print("to standard error", file=sys.stderr, flush=True)
    if sys.argv[1] == "end":
        return int(sys.argv[2])
    if sys.argv[1] == "quit":
        print("not flushed")
        sys.exit({"2": 2, "nothing": None}.get(sys.argv[2], sys.argv[2]))
    if sys.argv[1] == "fail":
        raise ValueError("on purpose")
    if sys.argv[1] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    with listening(lambda line: print(line, flush=True)):
        Path(sys.argv[2]).write_text(str(os.getpid()))
        while True:
            time.sleep(0.01)

if __name__ == "__main__":
    sys.exit(main())
'''

START = """
import sys, os
from dgm.runtime.fork_server import SOCKET, start
server = start(os.environ)
print(os.environ.get(SOCKET, ""), server and server.pid, flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package that has the real server and one made-up stage."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "dgm" / "stages").mkdir(parents=True)
    (folder / "dgm" / "runtime").mkdir()
    for name in ("__init__.py", "runtime/__init__.py", "runtime/fork_server.py", "runtime/interruption.py", "stages/__init__.py"):
        shutil.copy(PACKAGE / name, folder / "dgm" / name)
    (folder / "dgm" / "stages" / "wait.py").write_text(STAGE)
    for library in {name.partition(".")[0] for name in LATE}:  # an empty one each: the made-up stage needs none
        (folder / f"{library}.py").touch()
    return folder


@pytest.fixture
def environment(package: Path, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != SOCKET}
    return {**kept, **STAGE_ENVIRONMENT, "PYTHONPATH": str(package), "TMPDIR": str(tmp_path), WITH_PARENT: "1"}


@pytest.fixture
def builder(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has started a server and waits."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", START], env=environment, cwd=tmp_path, text=True, **pipes)
    assert process.stdout is not None
    path, server = process.stdout.readline().split()
    environment[SOCKET] = path
    environment["SERVER"] = server
    yield process
    with process:
        process.kill()


@pytest.fixture
def call(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Call the made-up stage as a rule does."""
    called = []

    def begin(*words: str, **more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dgm.stages.wait", *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env={**environment, **more}, cwd=tmp_path, text=True, **pipes)
        called.append(process)
        assert process.stdin is not None
        process.stdin.write("given\n")
        process.stdin.close()
        process.stdin = None  # communicate() would close it again
        return process

    yield begin
    for process in called:
        with process:
            process.kill()


def running(path: Path) -> int:
    """Process of the stage that has written its number to a file."""
    until(lambda: path.exists() and path.read_text(encoding="utf-8") != "")
    return int(path.read_text(encoding="utf-8"))


def alive(process: int) -> bool:
    try:
        return state(process) != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    "words",
    [["end", "0"], ["end", "3"], ["quit", "2"], ["quit", "nothing"], ["quit", "a reason"], ["fail"], ["die"]],
)
def test_a_stage_ends_as_in_a_process_of_its_own(words, builder, environment, call, tmp_path) -> None:
    found = []
    for name in (environment.pop(SOCKET), ""):
        process = call(*words, NAME="a name", **{SOCKET: name})
        out, err = process.communicate()
        first, *more = out.splitlines()
        found.append((json.loads(first), more, [line for line in err.splitlines() if not line.startswith(" ")]))
        said = words[-1]
        status = {"fail": 1, "die": 137 if name else -9, "a reason": 1, "nothing": 0}.get(said)
        assert process.returncode == (int(said) if status is None else status)
    assert found[0] == found[1]
    given = {"words": words, "folder": str(tmp_path), "name": "a name", "input": "given\n", "hangup": False}
    assert found[0][:2] == (given, ["not flushed"] if words[0] == "quit" else [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_caller_reaches_the_stage(number, builder, call, tmp_path) -> None:
    process = call("wait", str(tmp_path / "process"))
    stage = running(tmp_path / "process")
    assert stage != process.pid
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert f"stopped by {number.name}" in out
    assert process.returncode == 128 + number
    assert not alive(stage)


def test_a_stage_does_not_outlive_its_caller(builder, call, tmp_path) -> None:
    process = call("wait", str(tmp_path / "process"))
    stage = running(tmp_path / "process")
    process.kill()
    until(lambda: not alive(stage))


def test_neither_stage_nor_caller_outlives_the_server(builder, environment, call, tmp_path) -> None:
    process = call("wait", str(tmp_path / "process"))
    stage = running(tmp_path / "process")
    os.kill(int(environment["SERVER"]), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the process that runs the stages of this build has ended" in err
    until(lambda: not alive(stage))


def test_the_server_ends_with_the_build_however_that_ends(builder, environment, call, tmp_path) -> None:
    call("wait", str(tmp_path / "process"))
    stage = running(tmp_path / "process")
    builder.kill()
    until(lambda: not alive(int(environment["SERVER"])))
    until(lambda: not alive(stage))
    until(lambda: not Path(environment[SOCKET]).parent.exists())


def test_a_caller_that_is_suspended_suspends_its_stage(builder, call, tmp_path) -> None:
    process = call("wait", str(tmp_path / "process"))
    stage = running(tmp_path / "process")
    process.send_signal(signal.SIGTSTP)
    until(lambda: state(stage) == "T" == state(process.pid))
    process.send_signal(signal.SIGCONT)
    until(lambda: state(stage) != "T" != state(process.pid))
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM


def test_what_the_caller_ignores_the_stage_ignores(builder, call) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = call("end", "0")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert json.loads(process.communicate()[0])["hangup"] is True


def test_a_command_that_comes_in_parts_is_read_whole() -> None:
    """What a socket holds at once is limited, and a command may name thousands of files."""
    request = {"words": ["x" * 1000], "folder": "/", "environment": {}, "ignored": []}
    asked = json.dumps(request).encode()
    caller, server = socket.socketpair()

    def send_the_rest() -> None:
        until(lambda: int.from_bytes(fcntl.ioctl(caller, termios.TIOCOUTQ, bytes(4)), sys.byteorder) == 0)
        caller.sendall(asked[500:])

    with caller, server:
        socket.send_fds(caller, [len(asked).to_bytes(8, "big")], [0, 1, 2])
        caller.sendall(asked[:500])
        sender = threading.Thread(target=send_the_rest)
        sender.start()
        received = fork_server._received(server)
        sender.join()
    assert received is not None and received.words == request["words"]
    for stream in received.streams:
        os.close(stream)


def test_without_an_answer_a_stage_runs_in_its_own_process(call, tmp_path) -> None:
    process = call("wait", str(tmp_path / "process"), **{SOCKET: str(tmp_path / "nobody")})
    assert running(tmp_path / "process") == process.pid


@pytest.mark.parametrize(("name", "value"), [(SOCKET, ""), ("TMPDIR", "{folder}")])
def test_a_build_does_without_a_server_where_none_can_be(name, value, environment, tmp_path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)  # longer than the name of a socket may be
    deep.mkdir(parents=True)
    environment[name] = value.format(folder=deep)
    done = subprocess.run([sys.executable, "-c", START], env=environment, input="", capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None"]
    assert list(deep.iterdir()) == []
