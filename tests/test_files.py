"""Files appear whole or not at all."""

import os
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from dgm.files import load_arrays, save_arrays, write_atomically, write_text


def test_arrays_survive_the_round_trip(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.array([0.5, -np.inf]), "empty": np.zeros((0, 28, 28))}
    save_arrays(tmp_path / "x.npz", arrays)
    found = load_arrays(tmp_path / "x.npz")
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", {"a": np.arange(1000)})
    time.sleep(1.1)  # a time stamp inside the file would have changed
    save_arrays(tmp_path / "y.npz", {"a": np.arange(1000)})
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    write_text(path, "old")

    def fails(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"cannot write .*x\.txt: No space left"):
        write_atomically(path, fails)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_a_killed_writer_leaves_no_file_under_the_name(tmp_path: Path) -> None:
    code = """
    import sys, time
    from pathlib import Path
    from dgm.files import write_atomically
    def slow(file):
        file.write(b"half")
        file.flush()
        print("writing", flush=True)
        time.sleep(60)
    write_atomically(Path(sys.argv[1]), slow)
    """
    path = tmp_path / "x.bin"
    words = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"}) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        writer.kill()
    assert not path.exists()


def test_a_full_disk_is_one_message_and_keeps_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the end of the disk: the write fails in the middle, in the operating system."""
    path = tmp_path / "x.npz"
    path.write_bytes(b"old")
    code = (
        "import resource, signal, sys; import numpy as np; from pathlib import Path; from dgm.files import save_arrays\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "save_arrays(Path(sys.argv[1]), {'a': np.random.default_rng(0).random(100_000)})"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"cannot write {path}: File too large" in done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    write_text(tmp_path / "x.txt", "text")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_an_unreadable_array_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npz: not a readable"):
        load_arrays(tmp_path / "x.npz")


def test_a_truncated_array_file_is_named(tmp_path: Path) -> None:
    save_arrays(tmp_path / "x.npz", {"a": np.random.default_rng(0).normal(size=10_000)})
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"x\.npz: not a readable"):
        load_arrays(tmp_path / "x.npz")


def test_a_missing_array_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.npz: no such file"):
        load_arrays(tmp_path / "gone.npz")
