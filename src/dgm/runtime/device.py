"""Which processor a job computes on, settled before torch is imported.

Snakemake counts GPUs and never says which one a job may use. :func:`acquire` takes a free one by locking a file named after it;
the lock ends with the process, however it ends. A GPU has one such file, or as many as :data:`JOBS_PER_GPU` says. Threads are set
in the environment, which the numerical libraries read when they load.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dgm.runtime.interruption import deferred
from dgm.runtime.locks import try_lock

__all__ = [
    "JOBS_PER_GPU",
    "NONDETERMINISTIC",
    "STAGE_ENVIRONMENT",
    "Device",
    "Held",
    "acquire",
    "gpu_ids",
    "jobs_per_gpu",
    "nondeterministic_operations",
    "use_threads",
]

VARIABLE = "CUDA_VISIBLE_DEVICES"

JOBS_PER_GPU = "DGM_JOBS_PER_GPU"
"""The environment variable that says how many jobs may hold one GPU at a time; 1 by default. It changes no result."""

ALLOCATOR = {"hugetlb": 1, "mmap_max": 0, "trim_threshold": 1 << 33, "top_pad": 1 << 28}
"""Settings of glibc's allocator under which a training keeps its memory, in huge pages.

By default glibc returns the activations to the system after every step and fetches them again page by page, which made the
convolutional VAE 1.8 times slower (benchmarks/training_speed.py).
"""

THREADS = tuple(f"{library}_NUM_THREADS" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM"))
"""The environment variables from which numerical libraries take their number of threads when they load."""

STAGE_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "MPLBACKEND": "agg",
    "GLIBC_TUNABLES": ":".join(f"glibc.malloc.{name}={value}" for name, value in ALLOCATOR.items()),
    **dict.fromkeys(THREADS, "1"),
}
"""What a process that runs a stage must find in its environment when it starts, for its bytes not to depend on the machine's cores.

Nor do they depend on the locale, or on the backend of matplotlib that a notebook has set. A stage that may use more threads asks
for them (:func:`use_threads`). ``GLIBC_TUNABLES`` is ignored where the C library is another.
"""

NONDETERMINISTIC = "nondeterministic"
"""The entry of a record that lists the operations whose results may differ from run to run; most records have none."""

WARNING = re.compile(r"(.+?) does not have a deterministic implementation")
"""What torch says of such an operation when it has been asked for deterministic ones."""


@dataclass(frozen=True)
class Device:
    """A processor.

    ``type`` is torch's word for it. ``gpu`` is what ``CUDA_VISIBLE_DEVICES`` says, a number that may mean another card tomorrow,
    or in another job; ``uuid`` names the very card and is empty off CUDA.
    """

    type: str
    name: str
    uuid: str = ""
    gpu: str = ""
    threads: int = 1

    @property
    def streams(self) -> str:
        """What a stream of random numbers depends on besides its seed: on CUDA the card, over whose processors draws are spread."""
        return f"{self.type} {self.name}" if self.type == "cuda" else self.type


@dataclass(frozen=True)
class Held:
    """A device in use by this job, and the seconds until it was free."""

    device: Device
    seconds_waiting: float

    @property
    def type(self) -> str:
        """torch's word for it: cuda or cpu."""
        return self.device.type

    def record(self) -> dict[str, Any]:
        """What the record of the job says of it, and the most memory that torch has held on the GPU (None without CUDA)."""
        import torch

        peak = torch.cuda.max_memory_allocated() if self.type == "cuda" else None
        return {"device": asdict(self.device), "seconds_waiting": self.seconds_waiting, "gpu_peak_bytes": peak}


def gpu_ids() -> list[str]:
    """The NVIDIA GPUs this process may use, without importing torch.

    The entries of ``CUDA_VISIBLE_DEVICES`` where it is set, else a number for each device file ``/dev/nvidia<n>``, counted from 0
    as CUDA does: a container that was given card 3 of its host has ``/dev/nvidia3`` alone, which CUDA calls 0.
    """
    visible = os.environ.get(VARIABLE)
    if visible is not None:
        ids = [entry.strip() for entry in visible.split(",")]
        # as in CUDA itself, an entry such as -1 ends the list
        stop = next((place for place, entry in enumerate(ids) if entry in {"", "-1", "NoDevFiles", "none"}), len(ids))
        return ids[:stop]
    return [str(number) for number in range(len(_device_files()))]


def jobs_per_gpu() -> int:
    """How many jobs may hold one GPU at a time, from the environment: 1 by default.

    Raises:
        ValueError: when the variable holds no such number.
    """
    text = os.environ.get(JOBS_PER_GPU, "1")
    if not re.fullmatch(r"0*[1-9]\d*", text, re.ASCII):
        raise ValueError(f"{JOBS_PER_GPU}: got {text!r}; allowed: how many jobs share a GPU, a whole number of at least 1")
    return int(text)


@contextmanager
def acquire(gpu: int, threads: int = 1, *, poll: float = 2.0, say: Callable[[str], None] | None = None) -> Iterator[Held]:
    """Hold a device for the length of a ``with`` block, which should be the length of the job.

    Args:
        gpu: how many GPUs the scheduler granted. 0 means the CPU. With 1, a free local GPU is taken, where there is one. Inside
            a Slurm job the scheduler has already chosen, and its choice stands; several granted GPUs are shared out among the
            processes of that job.
        threads: CPU threads that this process may use.
        poll: seconds between two looks for a free GPU while all are taken.
        say: receives one line while waiting; standard error by default.

    Raises:
        ValueError: when more than one GPU is asked for, torch was imported before a GPU was chosen, there is a GPU that CUDA cannot
            use, or :data:`JOBS_PER_GPU` holds no number.
    """
    if gpu not in (0, 1):
        raise ValueError(f"--gpu {gpu}: a job uses no GPU (0) or one (1)")
    use_threads(threads)
    clock = time.monotonic()
    promised = gpu_ids() if gpu else []
    seen = _seen()
    with ExitStack() as stack:
        if gpu == 0:
            _choose("")
        elif ids := _pool():
            _choose(stack.enter_context(_locked(ids, jobs_per_gpu(), poll, say or _to_stderr)))
        waited = round(time.monotonic() - clock, 3)
        if promised:
            _demand_cuda(seen)
        yield Held(_describe(gpu, threads), waited)


@contextmanager
def nondeterministic_operations() -> Iterator[set[str]]:
    """A set that receives the name of each operation of which torch warns that it has no deterministic implementation.

    Torch warns where :func:`acquire` has asked it for such implementations, which is on CUDA. Other warnings are shown as ever.
    """
    found: set[str] = set()
    with warnings.catch_warnings():
        warnings.filterwarnings("always", message=WARNING.pattern)
        shown = warnings.showwarning

        def note(message: Warning | str, *others: Any, **named: Any) -> None:
            said = WARNING.match(str(message))
            if said:
                found.add(said[1])
            else:
                shown(message, *others, **named)

        warnings.showwarning = note
        yield found


def use_threads(count: int) -> None:
    """Limit the numerical libraries of this process to ``count`` threads, those loaded already and those to come."""
    if count < 1:
        raise ValueError(f"threads: got {count}; it must be at least 1")
    os.environ.update(dict.fromkeys(THREADS, str(count)))
    if "numpy" in sys.modules:  # what is loaded does not read the environment again
        from threadpoolctl import threadpool_limits

        threadpool_limits(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


def _device_files() -> list[str]:
    """Paths of the NVIDIA GPUs in ``/dev``."""
    return sorted(str(path) for path in Path("/dev").glob("nvidia[0-9]*") if re.fullmatch(r"nvidia\d+", path.name))


def _seen() -> str:
    """What this process sees of GPUs, in words."""
    visible = f"is {os.environ[VARIABLE]!r}" if VARIABLE in os.environ else "is not set"
    return f"{VARIABLE} {visible}, device files: {', '.join(_device_files()) or 'none'}"


def _demand_cuda(seen: str) -> None:
    """Refuse to go on in silence on the CPU, which takes hours in place of minutes.

    Raises:
        ValueError: when torch finds no CUDA.
    """
    import torch

    if torch.cuda.is_available():
        return
    try:
        torch.cuda.init()
        reason = "no device"
    except (RuntimeError, AssertionError) as error:
        reason = re.split(r"\.\s|\n", str(error))[0]
    raise ValueError(
        f"no CUDA on the GPU that this job was promised ({seen}); to go on without, call snakemake with --resources gpu=0, "
        f"on a cluster set gpu: 0 in its profile. PyTorch {torch.__version__}: {reason}"
    )


def _pool() -> list[str]:
    """The GPUs to choose from; empty where there is none, or where a scheduler has chosen."""
    ids = gpu_ids()
    if "SLURM_JOB_ID" in os.environ and (VARIABLE not in os.environ or len(ids) < 2):
        return []
    return ids


def _choose(visible: str) -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        raise ValueError("a GPU must be chosen before torch initialises CUDA")
    os.environ[VARIABLE] = visible


@contextmanager
def _locked(ids: list[str], jobs: int, poll: float, say: Callable[[str], None]) -> Iterator[str]:
    """The id of a GPU that fewer than ``jobs`` others of this user on this machine have locked; one that nobody has goes first."""
    folder = Path(tempfile.gettempdir()) / f"dgm-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    # a scheduler may number the GPUs of every job step from 0, so equal numbers there are different cards
    scope = "".join(f"{os.environ[key]}-" for key in ("SLURM_JOB_ID", "SLURM_STEP_ID") if key in os.environ)
    places = [(name, f".{place}" if place else "") for place in range(jobs) for name in ids]
    waiting = False
    while True:
        for name, place in places:
            lock = try_lock(folder / (re.sub(r"[^\w.-]", "_", scope + name) + place + ".lock"))
            if lock is not None:
                try:
                    yield name
                finally:
                    lock.close()
                return
        if not waiting:
            say(f"waiting for a GPU: {', '.join(ids)} taken by other jobs (locks in {folder})")
            waiting = True
        time.sleep(poll)


def _describe(gpu: int, threads: int) -> Device:
    with deferred():  # compiled code that is being imported aborts when a signal handler raises
        import torch

    torch.set_num_threads(threads)
    visible = os.environ.get(VARIABLE, "") if gpu else ""
    if gpu and torch.cuda.is_available():
        _be_deterministic()
        _be_exact()
        properties = torch.cuda.get_device_properties(0)
        return Device("cuda", properties.name, _uuid(str(getattr(properties, "uuid", "")), visible), visible, threads)
    return Device("cpu", _processor(), gpu=visible, threads=threads)


def _uuid(said: str, visible: str) -> str:
    """The UUID as nvidia-smi writes it: torch may leave out the prefix, which is another one for a part of a card."""
    if not said or said.startswith(("GPU-", "MIG-")):
        return said
    return f"{'MIG' if visible.startswith('MIG-') else 'GPU'}-{said}"


def _be_deterministic() -> None:
    """Ask torch for implementations whose results do not differ from run to run, and for a warning where there is none.

    The CPU needs no such wish: there the number of threads and the seed settle the bytes.
    """
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS when it starts
    torch.use_deterministic_algorithms(True, warn_only=True)
    # nothing here reads memory before writing it, so that filling it would only cost time
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # a property of the module


def _be_exact() -> None:
    """Let float32 be float32: by default cuDNN cuts the factors of convolutions to the 10 bits of TF32.

    Training steps that may be coarser run in bfloat16 (:mod:`dgm.training.precision`), which this leaves alone.
    """
    import torch

    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def _processor() -> str:
    """The CPU's name as the operating system gives it."""
    import platform

    try:
        if sys.platform == "darwin":
            words = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=True).stdout.strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    return platform.processor() or platform.machine()


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
