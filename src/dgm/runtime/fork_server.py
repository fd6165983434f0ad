"""A process that has imported the libraries already and forks a child for each stage of a build on this machine.

Importing PyTorch takes two seconds of processor time, which a build of two hundred jobs would spend two hundred times. Snakemake's
process starts the server (:func:`start`). A stage that is called as ever, ``python -m dgm.stages.<name> ...``, finds the socket in
the environment and hands its command over before it imports anything heavy (:func:`hand_over`). The child takes over the caller's
standard streams, working directory and environment; the caller passes on signals and ends with the child's exit status. Where no
server answers, the stage runs in its own process; results do not depend on it.

Three ends must never leave a job behind: with the caller, the server stops its child; with the server, the child is an orphan and
stops itself (:mod:`dgm.runtime.interruption`); with Snakemake, the server meets the end of its standard input.
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from dgm.runtime.interruption import SIGNALS, WITH_PARENT

__all__ = ["SOCKET", "hand_over", "start"]

SOCKET = "DGM_FORK_SERVER"
"""The environment variable with the path of the server's socket. Set to nothing, it keeps a build from starting a server."""

STAGES = "dgm.stages."

LATE = (
    "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg", "scipy.stats", "sklearn.metrics", "sklearn.mixture",
    "sklearn.neighbors", "sympy", "torch._dynamo",
)  # fmt: skip
"""Libraries that modules of this package import inside functions. PyTorch itself imports the last, with the first optimiser."""

PATIENCE = 10.0
"""Seconds for a caller to say what it asks."""


def start(environment: Mapping[str, str]) -> "subprocess.Popen[bytes] | None":
    """Start a server, whose socket ``os.environ`` names from then on; it ends with this process.

    Args:
        environment: of the server. It must keep the libraries to one thread (:data:`dgm.runtime.device.STAGE_ENVIRONMENT`), since a
        process
            with several must not fork; a child asks for the threads of its job.

    Returns:
        The process; None where forking a process with libraries is not safe (off Linux), or the environment forbids it.
    """
    if not sys.platform.startswith("linux") or SOCKET in os.environ:
        return None
    path = Path(tempfile.mkdtemp(prefix="dgm-stages-"), "socket")  # a folder that nobody else may enter
    server = subprocess.Popen(
        [sys.executable, "-m", "dgm.runtime.fork_server", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,  # Ctrl-C reaches the callers, which pass it on
    )
    if server.stdout is None or not server.stdout.readline():  # it listens from here on, though it still imports
        shutil.rmtree(path.parent, ignore_errors=True)
        return None
    os.environ[SOCKET] = str(path)
    return server


def hand_over(words: Sequence[str]) -> int | None:
    """Have the server run ``python -m`` with these words, and wait for the end.

    Args:
        words: name of the module and its arguments.

    Returns:
        The exit status; None where no server takes the command.
    """
    path = os.environ.get(SOCKET)
    if not path or not words or not words[0].startswith(STAGES):
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
        ignored = [int(number) for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
        request = {"words": list(words), "folder": os.getcwd(), "environment": dict(os.environ), "ignored": ignored}
        asked = json.dumps(request).encode()
        socket.send_fds(connection, [len(asked).to_bytes(8, "big")], [0, 1, 2])
        connection.sendall(asked)
    except OSError:
        connection.close()
        return None
    return _wait(connection, ignored)


def _wait(connection: socket.socket, ignored: Sequence[int]) -> int:
    """Pass on signals until the server says how the stage ended."""

    def pass_on(number: int, _frame: object) -> None:
        connection.sendall(bytes([number]))

    def suspend(_number: int, _frame: object) -> None:
        connection.sendall(bytes([signal.SIGSTOP]))
        os.kill(os.getpid(), signal.SIGSTOP)
        connection.sendall(bytes([signal.SIGCONT]))

    for number in SIGNALS:
        if number not in ignored:
            signal.signal(number, pass_on)
    signal.signal(signal.SIGTSTP, suspend)
    parent = os.getppid() if os.environ.get(WITH_PARENT) else None
    while not select.select([connection], [], [], None if parent is None else 1.0)[0]:
        if os.getppid() != parent:
            parent = None
            connection.sendall(bytes([signal.SIGTERM]))
    try:
        said = connection.recv(16)
    except OSError:
        said = b""
    if not said:
        print("the process that runs the stages of this build has ended", file=sys.stderr)
        return 1
    return int(said)


@dataclass(frozen=True)
class _Request:
    """What a caller asks for."""

    words: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    ignored: Sequence[int]
    streams: Sequence[int]

    def become(self) -> NoReturn:
        """Run the stage in this process, and end it."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN if number in self.ignored else signal.SIG_DFL)
        for standard, received in enumerate(self.streams):
            os.dup2(received, standard)
            os.close(received)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        module = importlib.import_module(self.words[0])
        sys.argv = [str(module.__file__), *self.words[1:]]
        _end(module.main)


def _end(main: Callable[[], int]) -> NoReturn:
    """Call the stage and end the process with its exit status, as ``sys.exit`` would, but without taking the interpreter apart.

    That would touch, and thereby copy, what the children share: half a second of processor time a job. A stage closes its own
    files.
    """
    ended: object = 1
    try:
        ended = main()
    except SystemExit as end:  # such as argparse's, of an option that is wrong
        ended = end.code
    except BaseException:
        traceback.print_exc()
    if not isinstance(ended, int | None):
        print(ended, file=sys.stderr)
        ended = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a full disk, or closed
            stream.flush()
    os._exit(ended or 0)


class _Server:
    """Listens at a socket; one child a request."""

    def __init__(self, path: Path) -> None:
        self.callers: dict[int, socket.socket] = {}  # process of a child -> connection to its caller
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(128)
        self.ended, self.noted = socket.socketpair()  # Python writes to the second when a child has ended
        self.selector = selectors.DefaultSelector()

    def run(self) -> _Request | None:
        """Serve until standard input ends. Returns None then, and in each child the request that it is for."""
        self.noted.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.noted.fileno(), warn_on_full_buffer=False)
        for source in (sys.stdin, self.listener, self.ended):
            self.selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is sys.stdin:
                    if not os.read(0, 64):
                        return None
                elif key.fileobj is self.ended:
                    self.ended.recv(4096)
                    self._reap()
                elif key.fileobj is self.listener:
                    request = self._accept()
                    if request is not None:
                        return request
                elif key.data in self.callers:
                    self._heed(key.data)

    def _accept(self) -> _Request | None:
        """Fork a child for the next caller. Returns its request in the child, None in the server."""
        connection, _ = self.listener.accept()
        request = _received(connection)
        if request is None:
            connection.close()
            return None
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for source in (self.listener, self.ended, self.noted, connection, *self.callers.values()):
                source.close()
            self.selector.close()
            return request
        for stream in request.streams:
            os.close(stream)
        self.callers[process] = connection
        self.selector.register(connection, selectors.EVENT_READ, process)
        return None

    def _heed(self, process: int) -> None:
        """Pass on the signals that a caller sends; stop the child of a caller that has gone."""
        try:
            numbers = self.callers[process].recv(64)
        except OSError:
            numbers = b""
        if not numbers:
            self.selector.unregister(self.callers[process])
        for number in numbers or [signal.SIGTERM]:
            os.kill(process, number)

    def _reap(self) -> None:
        """Tell the callers of the children that have ended how they did, as a shell would."""
        while self.callers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            connection = self.callers.pop(process)
            with suppress(KeyError):  # of a caller that has gone
                self.selector.unregister(connection)
            with suppress(OSError):
                connection.sendall(str(code if code >= 0 else 128 - code).encode())
            connection.close()


def _received(connection: socket.socket) -> _Request | None:
    """What a caller asks; None if it has gone meanwhile."""
    connection.settimeout(PATIENCE)
    streams: Sequence[int] = ()
    try:
        size, streams, _, _ = socket.recv_fds(connection, 8, 3)
        asked = bytearray()
        while len(asked) < int.from_bytes(size, "big"):
            part = connection.recv(int.from_bytes(size, "big") - len(asked))
            if not part:
                raise ConnectionResetError
            asked += part
        return _Request(**json.loads(asked), streams=streams)
    except (OSError, ValueError):
        for stream in streams:
            os.close(stream)
        return None


def _import_all() -> None:
    """Import every module of this package and what some import late. What is missing is for a stage to miss."""
    own = pkgutil.walk_packages([str(Path(__file__).parents[1])], "dgm.")
    for name in (*LATE, *(module.name for module in own)):
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that no child touches, and thereby copies, what it shares with the others


def main() -> int:
    """Serve at the socket that the command line names, until standard input ends."""
    path = Path(sys.argv[1])
    server = _Server(path)
    print("listening", flush=True)
    _import_all()
    request = server.run()
    if request is not None:
        request.become()
    shutil.rmtree(path.parent, ignore_errors=True)
    return 0


if __name__ == "__main__":
    os._exit(main())  # libraries take what is frozen for lost, and say so, when the interpreter is taken apart
