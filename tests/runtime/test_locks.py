"""Locks end with the process that holds them."""

import subprocess
import sys
from pathlib import Path

import pytest
from disks import mounted

from dgm.assignments import PACKAGE
from dgm.runtime.locks import hold_build, try_lock


def test_a_lock_is_held_once_and_given_back_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dgm.runtime.locks import hold_build\n"
        "held = hold_build(Path(sys.argv[1]))\n"
    )
    words = [sys.executable, "-c", code + "print('held', flush=True); time.sleep(60)", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(PACKAGE.parent)}) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match=f"another build is running in {tmp_path}; wait for it or stop it"):
            hold_build(tmp_path)
        holder.kill()
    hold_build(tmp_path).close()
    with try_lock(tmp_path / "x") or pytest.fail("not free"):
        assert try_lock(tmp_path / "x") is None


def test_no_build_begins_on_a_full_disk(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "disk", "size=10m") as disk,
        pytest.raises(ValueError, match=rf"{disk}: 10\.5 MB are free on its disk, and a build needs 50 MB at least; make room"),
    ):
        hold_build(disk)


def test_no_build_begins_where_nothing_can_be_written(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "disk", "size=60m,ro") as disk,
        pytest.raises(ValueError, match=rf"{disk}: no build can be made here: Read-only file system \({disk}/\.snakemake\)"),
    ):
        hold_build(disk)
