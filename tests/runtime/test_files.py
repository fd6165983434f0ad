"""Files appear whole or not at all, and are read only when they are whole."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from disks import fill, mounted, remount

from dgm.runtime.files import (
    Damaged,
    load_arrays,
    load_bytes,
    load_frame,
    load_json,
    load_record,
    load_sealed,
    load_table,
    load_tensors,
    remove,
    save_arrays,
    save_json,
    save_tensors,
    take_written,
    write_atomically,
    write_bytes,
    write_table,
    write_text,
)


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
    from dgm.runtime.files import write_atomically
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
    assert len(os.listdir(tmp_path)) == 1

    write_text(tmp_path / "x.bin.txt", "another file")  # whose writers have nothing to do with those of the first
    assert len(os.listdir(tmp_path)) == 2
    write_text(path, "whole")
    assert sorted(os.listdir(tmp_path)) == ["x.bin", "x.bin.txt"]


def test_removing_a_file_removes_what_killed_writers_left_of_it(tmp_path: Path) -> None:
    remove(tmp_path / "gone" / "x.pt")
    for name in ("x.pt", ".x.pt.abc.part", ".y.pt.abc.part"):
        (tmp_path / name).touch()
    remove(tmp_path / "x.pt")
    assert os.listdir(tmp_path) == [".y.pt.abc.part"]


WRITERS = {
    "arrays": lambda path: save_arrays(path, {"a": np.random.default_rng(0).normal(size=50_000)}),
    "tensors": lambda path: save_tensors(path, {"a": torch.randn(100_000)}),
    "text": lambda path: write_text(path, "x" * 400_000),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_one_message_and_the_next_try_succeeds(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "disk" / "x"
    with mounted(tmp_path / "disk", "size=1m") as disk:
        path.write_bytes(b"old")
        filler = fill(disk, but=100_000)
        with pytest.raises(OSError, match=rf"cannot write {path}: No space left on device"):
            WRITERS[kind](path)
        assert path.read_bytes() == b"old"
        assert sorted(os.listdir(disk)) == ["filler", "x"]
        filler.unlink()
        WRITERS[kind](path)
        assert path.stat().st_size > 100_000


def test_a_read_only_folder_is_one_message(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=1m") as disk:
        (disk / "old").mkdir()
        remount(disk, "ro")
        for path in (disk / "x", disk / "new" / "x", disk / "old" / "x"):
            with pytest.raises(OSError, match=rf"cannot write {path}: Read-only file system"):
                write_text(path, "text")


def test_a_full_disk_is_one_message_and_keeps_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the end of the disk: the write fails in the middle, in the operating system."""
    path = tmp_path / "x.npz"
    path.write_bytes(b"old")
    code = (
        "import resource, signal, sys; import numpy as np; from pathlib import Path; from dgm.runtime.files import save_arrays\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "save_arrays(Path(sys.argv[1]), {'a': np.random.default_rng(0).random(100_000)})"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
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


def test_foreign_arrays_that_would_execute_code_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.array([{"a": 1}], dtype=object))
    with pytest.raises(Damaged, match=r"x\.npz: not a readable \.npz file \(.*allow_pickle"):
        load_arrays(tmp_path / "x.npz")


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_truncated_tensors_are_named(tmp_path: Path, part: float) -> None:
    path = tmp_path / "x.pt"
    save_tensors(path, {"a": torch.randn(1000), "b": {"c": 1}})
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(Damaged, match=r"x\.pt: not a readable file of tensors \(.*\); delete it and build again"):
        load_tensors(path)


def test_one_wrong_bit_in_a_tensor_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    values = torch.randn(1000)
    save_tensors(path, {"a": values})
    content = bytearray(path.read_bytes())
    content[content.index(values.numpy().tobytes()) + 2000] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match="wrong checksum"):
        load_tensors(path)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "no such file; build again"),
        ("", "empty; delete it and build again"),
        ("a,b\n1,2\n3,", "cut off: its last line has no end; delete it and build again"),
        ("a,b\n1,2\n3\n", "line 3 has 1 of 2 columns"),
        ("a\n1\n", "expected the columns a, b; found a"),
        ('a,b\n"1,2\n', "not a readable table"),
        (b"a,b\n\xff,1\n", "not a text file"),
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, content: str | bytes | None, fault: str) -> None:
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Damaged, match=rf"^{path}: {fault}"):
        load_table(path, ("a", "b"))
    if fault.startswith("expected"):
        assert load_table(path) == [{"a": "1"}]
    else:
        with pytest.raises(Damaged, match=rf"^{path}: {fault}"):
            load_frame(path)


def test_a_table_survives_the_round_trip(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('a,b\n1,"two, and\nmore"\n')
    assert load_table(tmp_path / "x.csv", ("a", "b")) == [{"a": "1", "b": "two, and\nmore"}]
    assert load_frame(tmp_path / "x.csv")["a"].tolist() == [1]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "no such file; build again"),
        (json.dumps({"kind": "nice", "seconds": 1.0})[:-4], "not readable JSON"),
        ("[1]", "expected a mapping, found a list"),
        ('{"seconds": 1}', "lacks kind"),
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, content: str | None, fault: str) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Damaged, match=rf"^{path}: {fault}"):
        load_json(path, ("kind",))


def recorded(folder: Path, stage: str, name: str) -> None:
    """The record of a job, with the checksums of what this process has written since the last one."""
    write_text(folder / "records" / stage / f"{name}.json", json.dumps({"written": take_written()}))
    take_written()


@pytest.mark.parametrize(
    ("file", "stage", "name"),
    [
        ("metrics/flow.csv", "evaluate", "flow"),
        ("history/flow.csv", "train", "flow"),
        ("tables/metrics.csv", "tabulate", "metrics"),
        ("tables/checks.csv", "collect", "questions"),
    ],
)
def test_a_changed_digit_is_noticed_by_who_reads_the_table(tmp_path: Path, file: str, stage: str, name: str) -> None:
    take_written()
    path = tmp_path / file
    write_table(path, ("run", "value"), [("flow", -99.35), ("mix", 1.5)])
    recorded(tmp_path, stage, name)
    assert load_table(path)[0] == {"run": "flow", "value": "-99.35"}
    path.write_text(path.read_text().replace("-99.35", "-99.36"))
    for read in (load_table, load_frame):
        with pytest.raises(Damaged, match=f"{file}: not as the job {stage} wrote it; delete it and build again"):
            read(path)
    write_table(path, ("run", "value"), [("flow", -99.36)])
    recorded(tmp_path, stage, name)
    assert load_table(path) == [{"run": "flow", "value": "-99.36"}], "what its job has written anew is right"


def test_a_file_without_a_record_and_a_record_without_checksums_are_read(tmp_path: Path) -> None:
    take_written()
    path = tmp_path / "metrics" / "flow.csv"
    write_table(path, ("run",), [("flow",)])
    assert load_table(path) == [{"run": "flow"}]
    for content in ("{}", '{"written": {}}', "[]", "{", ""):
        (tmp_path / "records" / "evaluate").mkdir(parents=True, exist_ok=True)
        (tmp_path / "records" / "evaluate" / "flow.json").write_text(content)
        path.write_text("run\nmix\n")
        assert load_table(path) == [{"run": "mix"}]


def test_a_process_reports_each_file_once(tmp_path: Path) -> None:
    take_written()
    for text in ("first", "second"):
        write_text(tmp_path / "a" / "b.txt", text)
    assert take_written() == {"a/b.txt": hashlib.sha256(b"second").hexdigest()}
    assert take_written() == {}


def test_a_changed_entry_of_a_record_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    save_json(path, {"seconds": 1.25, "command": "python", "versions": {"numpy": "2.0"}})
    assert load_sealed(path) == {"seconds": 1.25, "command": "python", "versions": {"numpy": "2.0"}}
    path.write_text(path.read_text().replace("1.25", "1.75"))
    with pytest.raises(Damaged, match=r"record\.json: wrong checksum; delete it and build again"):
        load_sealed(path)


def test_a_record_without_its_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records" / "train" / "flow.json"
    save_json(path, {"stage": "train", "name": "flow", "seconds": 1.25})
    assert load_record(path, ("seconds",)) == {"stage": "train", "name": "flow", "seconds": 1.25}
    path.write_text(path.read_text().replace("1.25", "1.75").replace('"seal"', '"seam"'))
    with pytest.raises(Damaged, match=r"flow\.json: lacks seal"):
        load_record(path)


def test_the_record_of_another_job_is_refused(tmp_path: Path) -> None:
    for stage, name in (("train", "flow"), ("train", "mix"), ("sample", "flow")):
        save_json(tmp_path / "records" / stage / f"{name}.json", {"stage": stage, "name": name})
    for other in ("train/mix", "sample/flow"):
        path = tmp_path / "records" / "train" / "flow.json"
        path.write_bytes((tmp_path / "records" / f"{other}.json").read_bytes())
        with pytest.raises(Damaged, match=rf"flow\.json: the record of {other}; delete it and build again"):
            load_record(path)


@pytest.mark.parametrize("content", ['{"a": ' + "9" * 5000 + "}", "[" * 100_000, '{"a": ' * 3000 + "1" + "}" * 3000])
def test_numbers_and_depths_that_no_job_writes_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(Damaged, match=r"x\.json: not readable JSON"):
        load_json(tmp_path / "x.json")


def test_a_file_of_another_job_is_refused(tmp_path: Path) -> None:
    take_written()
    for name in ("flow", "mix"):
        save_arrays(tmp_path / "samples" / f"{name}.npz", {"samples": np.full(3, len(name))})
        recorded(tmp_path, "sample", name)
        save_tensors(tmp_path / "models" / f"{name}.pt", {"kind": name})
        write_bytes(tmp_path / "figures" / f"{name}.svg", name.encode())
        recorded(tmp_path, "train", name)
    for file, read in (("samples/{}.npz", load_arrays), ("models/{}.pt", load_tensors), ("figures/{}.svg", load_bytes)):
        path = tmp_path / file.format("flow")
        read(path)
        path.write_bytes((tmp_path / file.format("mix")).read_bytes())
        with pytest.raises(Damaged, match=f"{file.format('flow')}: not as the job (sample|train) wrote it"):
            read(path)


def test_what_a_job_removes_again_is_not_in_its_record(tmp_path: Path) -> None:
    take_written()
    write_text(tmp_path / "a" / "b.txt", "text")
    remove(tmp_path / "a" / "b.txt")
    assert take_written() == {}
