"""Packing a build into one file and unpacking it elsewhere, on made-up results and archives of every wrong kind."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pytest
from made_up_build import NAME, TEXT, made_up_build

from dgm.reproduce import archive
from dgm.reproduce.archive import pack, unpack
from dgm.reproduce.crate import CRATE
from dgm.reproduce.snakemake_notes import METADATA, Build, metadata_file, metadata_key
from dgm.runtime.files import load_sealed, save_json
from dgm.runtime.locks import BUILD_LOCK, try_lock


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A finished build in ``one``."""
    return made_up_build(tmp_path / "one")


@pytest.fixture
def packed(build: Build, tmp_path: Path) -> Path:
    """Its archive, and ``two`` to unpack it in."""
    (tmp_path / "two").mkdir()
    return pack(build, tmp_path / "packed.tar.gz")[0]


def _contents(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != str(BUILD_LOCK)}


def test_what_is_unpacked_is_what_was_packed(build: Build, packed: Path, tmp_path: Path) -> None:
    name, _, count = unpack(packed, tmp_path / "two")
    assert (name, count) == (NAME, len(json.loads((build.results / "manifest.json").read_text())["artefacts"]))
    left_behind = (f"{NAME}/logs/", str(METADATA / metadata_file("results/another/models/nice.pt")), TEXT)
    expected = {path: content for path, content in _contents(build.folder).items() if not path.startswith(left_behind)}
    described = (CRATE, f"{NAME}/sources/")
    assert {path: content for path, content in _contents(tmp_path / "two").items() if not path.startswith(described)} == expected


def test_plain_tar_gives_the_same_files(packed: Path, tmp_path: Path) -> None:
    unpack(packed, tmp_path / "two")
    shutil.unpack_archive(packed, tmp_path / "three", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    assert _contents(tmp_path / "three") == _contents(tmp_path / "two")
    assert (tmp_path / "three" / ".snakemake" / "incomplete").is_dir()


def test_a_build_gives_the_same_bytes_whenever_and_wherever_it_is_packed(build: Build, packed: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(build.folder, moved, copy_function=shutil.copyfile)  # with times of its own
    (moved / NAME / "models" / "nice.pt").chmod(0o600)
    os.utime(moved / NAME / "manifest.json", (5, 5))
    again, _ = pack(Build(moved, NAME, build.outputs, ()), tmp_path / "again.tar.gz")
    assert again.read_bytes() == packed.read_bytes()
    with tarfile.open(packed) as tar:
        members = tar.getmembers()
    assert [member.name for member in members[1:]] == sorted(member.name for member in members[1:])
    assert len({(member.uid, member.gid, member.uname, member.gname, member.mtime) for member in members}) == 1


def test_the_file_is_named_after_data_set_and_commit(build: Build) -> None:
    described = build.results / "manifest.json"
    content = load_sealed(described)
    save_json(described, {**content, "commit": "0123456789abcdef", "dirty": False})
    assert pack(build)[0] == build.folder / "results" / "mnist-5k-0123456789.tar.gz"
    save_json(described, {**content, "commit": "0123456789abcdef", "dirty": True})
    assert pack(build)[0].name == "mnist-5k-0123456789+changes.tar.gz"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / NAME / "models/nice.pt").write_text("others"), r"models/nice\.pt \(changed\)"),
        (lambda folder: (folder / NAME / "tables/metrics.csv").unlink(), r"tables/metrics\.csv \(missing\)"),
        (lambda folder: (folder / NAME / "manifest.json").unlink(), r"manifest\.json: no such file; the build is not finished"),
        (lambda folder: (folder / NAME / "manifest.json").write_text("{}"), r"manifest\.json: lacks seal, artefacts"),
        (lambda folder: shutil.rmtree(folder / METADATA), r"Snakemake does not know how results/mnist-5k/\S+ was made"),
    ],
)
def test_what_is_no_whole_build_is_not_packed(build: Build, tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(build.folder)
    with pytest.raises(ValueError, match=message):
        pack(build, tmp_path / "packed.tar.gz")
    assert not (tmp_path / "packed.tar.gz").exists()


def test_an_unfinished_build_is_not_packed(build: Build, tmp_path: Path) -> None:
    pending = (f"{NAME}/models/nice.pt (params changed)",)
    with pytest.raises(ValueError, match=r"not finished: 1 of 12 files would be made: results/mnist-5k/models/nice\.pt \(params"):
        pack(Build(build.folder, NAME, build.outputs, pending), tmp_path / "packed.tar.gz")


def test_nothing_is_packed_or_unpacked_beside_a_running_build(build: Build, packed: Path, tmp_path: Path) -> None:
    for folder in (build.folder, tmp_path / "two"):
        lock = try_lock(folder / BUILD_LOCK)
        assert lock is not None
        with lock, pytest.raises(ValueError, match="another build is running in"):
            pack(build, tmp_path / "again.tar.gz") if folder == build.folder else unpack(packed, folder)
    assert _contents(tmp_path / "two") == {}


def _remade(packed: Path, changed: Mapping[str, bytes | tarfile.TarInfo | None]) -> Path:
    """The archive with other members: a name and its bytes, or a whole entry; None leaves one out."""
    members: dict[str, bytes | tarfile.TarInfo] = {}
    with tarfile.open(packed) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            members[member.name] = content.read() if content else member
    members.update({name: content for name, content in changed.items() if content is not None})
    path = packed.with_name("changed.tar.gz")
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            if changed.get(name, content) is None:
                continue
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
            else:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return path


def _entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


COPY = f"{NAME}/sources/Snakefile"

NOTE = str(METADATA / metadata_file(f"{NAME}/models/nice.pt"))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"../outside": b"x"}, "holds '../outside', an ordinary file elsewhere"),
        ({"results/mnist-5k/../../../outside": b"x"}, "an ordinary file elsewhere"),
        ({"/outside": b"x"}, "an ordinary file elsewhere"),
        ({"src/dgm/runtime/stage.py": b"x"}, "holds 'src/dgm/runtime/stage.py'"),
        ({".snakemake/iocache/latest.pkl": b"x"}, "holds '.snakemake/iocache/latest.pkl'"),
        ({f"{NAME}/link": _entry(f"{NAME}/link", tarfile.SYMTYPE, "/etc")}, "a link to '/etc'"),
        ({f"{NAME}/link": _entry(f"{NAME}/link", tarfile.LNKTYPE, "../../secret")}, "a link to '../../secret'"),
        ({f"{NAME}/pipe": _entry(f"{NAME}/pipe", tarfile.FIFOTYPE)}, "a device or pipe"),
        ({"results/mnist/models/nice.pt": b"x"}, "holds 2 results folders (results/mnist, results/mnist-5k)"),
        ({f"{NAME}/models/nice.pt": b"other weights"}, "models/nice.pt (changed)"),
        ({f"{NAME}/models/other.pt": b"weights"}, "1 files that the manifest does not list: models/other.pt"),
        ({f"{NAME}/manifest.json": b"[]"}, "manifest.json: expected a mapping, found a list"),
        ({NOTE: b"not JSON"}, "Expecting value"),
        ({NOTE: b"[]"}, "expected a mapping, found a list"),
        (
            {str(METADATA / metadata_file("src/dgm/runtime/stage.py")): b"{}"},
            "speaks of src/dgm/runtime/stage.py, which is not in the archive",
        ),
        ({str(METADATA / "note"): b"{}"}, "not a name that Snakemake gives"),
        ({COPY: b"x"}, f"1 files are not those that {CRATE} describes: {COPY}"),
        ({COPY: None}, f"1 files are not those that {CRATE} describes: {COPY}"),
        ({f"{NAME}/sources/more": b"x"}, "1 files that the manifest does not list: sources/more"),
        ({CRATE: None}, "files that the manifest does not list: sources/CITATION.cff"),
        ({CRATE: b"{}"}, f"{CRATE}: lacks @graph"),
        ({CRATE: b'{"@graph": [{"@id": "a", "@type": "File"}]}'}, f"{CRATE}: no description of an archive"),
    ],
)
def test_nothing_is_taken_from_an_archive_with_a_fault(
    packed: Path, tmp_path: Path, members: dict[str, bytes | tarfile.TarInfo | None], message: str
) -> None:
    before = _contents(tmp_path)
    changed = _remade(packed, members)
    with pytest.raises(ValueError) as caught:
        unpack(changed, tmp_path / "two")
    assert message in str(caught.value)
    changed.unlink()
    assert _contents(tmp_path / "two") == {}
    assert {path: content for path, content in _contents(tmp_path).items() if not path.startswith("two/")} == before


def test_a_file_that_is_missing_or_twice_there_is_named(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"models/nice\.pt \(missing\); nothing was unpacked"):
        unpack(_remade(packed, {f"{NAME}/models/nice.pt": None, NOTE: None}), tmp_path / "two")
    twice = packed.with_name("twice.tar.gz")
    with tarfile.open(packed) as tar, tarfile.open(twice, "w:gz") as copy:
        member = tar.getmember(f"{NAME}/models/nice.pt")
        for _ in range(2):
            copy.addfile(member, tar.extractfile(member))
    with pytest.raises(ValueError, match=r"models/nice\.pt' twice"):
        unpack(twice, tmp_path / "two")


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"no archive", lambda whole: b""])
def test_a_damaged_archive_is_named(packed: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(ValueError, match=r"packed\.tar\.gz: not a readable archive"):
        unpack(packed, tmp_path / "two")
    assert _contents(tmp_path / "two") == {}


def test_results_that_are_there_are_never_overwritten(build: Build, packed: Path) -> None:
    before = _contents(build.folder)
    with pytest.raises(ValueError, match="is there already; move it away"):
        unpack(packed, build.folder)
    assert _contents(build.folder) == before


def test_a_fault_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert archive.main(["unpack", str(tmp_path / "gone.tar.gz"), "--directory", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"archive: {tmp_path / 'gone.tar.gz'}: no such file\n"


@pytest.mark.parametrize("key", ["results/a.csv", "results/mnist-5k/figures/" + "long" * 50 + ".svg", "results/" + "x" * 600])
def test_metadata_lie_where_snakemake_looks_for_them(tmp_path: Path, key: str) -> None:
    from snakemake.persistence.file import FilePersistence

    kept = FilePersistence(path=tmp_path / ".snakemake")
    expected = kept._record_path(str(tmp_path / METADATA), key)
    assert str(tmp_path / METADATA / metadata_file(key)) == expected
    assert metadata_key(metadata_file(key)) == key


@pytest.mark.parametrize("name", ["note", "cmVzdWx0cw", "@cmVzdWx0cw==", "cmVz/dWx0cw==", "_w=="])
def test_other_names_are_no_metadata(name: str) -> None:
    with pytest.raises(ValueError, match="not a name that Snakemake gives"):
        metadata_key(PurePosixPath(name))
