"""Pack a finished build into one file, and unpack it into another clone, where Snakemake finds nothing to be done.

``python -m dgm.reproduce.archive pack [--to FILE] [options of the build]`` writes ``results/<dataset>-<commit>.tar.gz``, and
``python -m dgm.reproduce.archive unpack FILE`` puts it in place. The archive holds the manifest, all files that it lists, what
Snakemake noted about how each was made, and a description of all this (:mod:`dgm.reproduce.crate`), but no logs. One build gives
the same bytes whenever and wherever it is packed. Plain ``tar xzf`` in a clone unpacks it as well, without the checks.
"""

import argparse
import errno
import gzip
import io
import os
import shutil
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from dgm.reproduce import snakemake_notes
from dgm.reproduce.crate import CRATE, checksums, describe
from dgm.reproduce.manifest import OWN, REMEDY, SOURCES, faults, listed, load, sha256
from dgm.reproduce.snakemake_notes import METADATA, Build, metadata_file, metadata_key
from dgm.runtime.files import Damaged, load_json, load_record, write_atomically
from dgm.runtime.locks import hold_build

__all__ = ["finished", "main", "pack", "unpack"]

INCOMPLETE = PurePosixPath(".snakemake/incomplete")
"""An empty folder beside the metadata: where it is missing, Snakemake takes the metadata for those of an old version."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = options.add_subparsers(dest="do", required=True)
    packing = kinds.add_parser("pack", **snakemake_notes.PARSER)
    packing.add_argument("--to", type=Path, help="the archive to write; results/<dataset>-<commit>.tar.gz by default")
    unpacking = kinds.add_parser("unpack", help="put the build of an archive into a working directory")
    unpacking.add_argument("file", type=Path, help="the archive")
    for kind in (packing, unpacking):
        snakemake_notes.add_directory(kind)
    arguments, words = options.parse_known_args(argv)
    if words and arguments.do == "unpack":
        options.error(f"unpack: unknown words {' '.join(words)}")
    try:
        if arguments.do == "pack":
            target, count = pack(snakemake_notes.find(arguments.directory, words), arguments.to)
            print(f"{target}: {count} files, {target.stat().st_size / 1e6:.1f} MB")
        else:
            name, version, count = unpack(arguments.file, arguments.directory)
            print(
                f"{name}: {count} files as its manifest says, commit {version}; `snakemake -n` says what this checkout would make"
            )
    except (ValueError, OSError) as error:
        print(f"archive: {error}", file=sys.stderr)
        return 1
    return 0


def pack(build: Build, target: Path | None = None) -> tuple[Path, int]:
    """Write the archive of a build.

    Args:
        build: what Snakemake says of it.
        target: the file to write; by default beside the results folder, named after it and the commit.

    Returns:
        The file, and the number of files in it.

    Raises:
        ValueError: when the build is not finished, its files differ from the manifest, another build is running, or Snakemake has
            no metadata of a file; when the repository has no citation.
    """
    with hold_build(build.folder.resolve()):
        manifest = finished(build)
        members: dict[str, Path | bytes] = {f"{build.name}/{name}": build.results / name for name in (*manifest["artefacts"], *OWN)}
        files = list(members)
        for key in files:
            note = METADATA / metadata_file(key)
            if (build.folder / note).is_file():
                members[str(note)] = build.folder / note
            elif key in build.outputs:
                raise ValueError(
                    f"{note}: no such file, so Snakemake does not know how {key} was made; only builds that keep their metadata "
                    "in files (--persistence-backend file, the default) can be packed"
                )
        described, copies = describe(build, manifest, files)
        members |= {CRATE: described.encode(), **copies}
        path = target or build.folder / f"{build.name}-{_version(manifest)}.tar.gz"
        made = _time(build.results / OWN[1])
        write_atomically(path, lambda file: _write(file, members, made))
    return path, len(members)


def finished(build: Build) -> dict[str, Any]:
    """The manifest of a build whose files are those of the manifest and up to date.

    Raises:
        ValueError: when there is no manifest, files differ from it, or files would be made (again).
    """
    # first: a damaged file makes Snakemake wish to make all that follows from it, but not the file itself
    manifest = load(build.results)
    found = faults(build.results)
    if found.missing or found.changed:
        raise ValueError(f"{build.name}: {found}; {REMEDY}")
    if build.pending:
        raise ValueError(
            f"{build.name}: the build is not finished: {len(build.pending)} of {len(build.outputs)} files would be made: "
            f"{listed(list(build.pending))}; build first, with the same options"
        )
    return manifest


def unpack(archive: Path, folder: Path) -> tuple[str, str, int]:
    """Put the build of an archive into the working directory ``folder``, once everything in it has been checked.

    Only the contents of ordinary files are taken from the archive: no links, owners, permissions, or names that lead elsewhere. The
    description of the archive takes the place of that of a build which was unpacked here before.

    Returns:
        The results folder relative to ``folder``, the commit, and the number of files that the manifest lists.

    Raises:
        ValueError: when the archive is damaged, holds anything else than one build with Snakemake's notes on it, or its files are
            not those of its manifest and description; when the results folder is there already.
    """
    with hold_build(folder.resolve()), tempfile.TemporaryDirectory(prefix="unpack-", dir=folder / ".snakemake") as scratch:
        try:
            with tarfile.open(archive, "r:gz") as tar:
                name = _extract(tar, archive, Path(scratch), folder)
        except FileNotFoundError:
            raise ValueError(f"{archive}: no such file") from None
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{archive}: not a readable archive ({error}); nothing was unpacked") from None
        results = Path(scratch) / name
        manifest = _checked(archive, results, name)
        (folder / name).parent.mkdir(exist_ok=True)
        _move(results, folder / name)
        for note in _notes(Path(scratch)):  # last: a note on a file that is not there would mislead Snakemake
            place = folder / METADATA / note
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(scratch) / METADATA / note, place)
        (folder / INCOMPLETE).mkdir(exist_ok=True)
        if (Path(scratch) / CRATE).exists():
            shutil.move(Path(scratch) / CRATE, folder / CRATE)
    return name, _version(manifest), len(manifest["artefacts"])


def _move(source: Path, target: Path) -> None:
    """Put a folder in its place, which may be on another disk, whole or not at all."""
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
            os.rename(shutil.copytree(source, Path(beside) / target.name), target)


def _write(file: BinaryIO, members: Mapping[str, Path | bytes], made: int) -> None:
    """The archive: members in the order of their names, all of one time and of nobody."""
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=made) as zipped,
        tarfile.open(fileobj=cast(BinaryIO, zipped), mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        empty = tarfile.TarInfo(str(INCOMPLETE))
        empty.type, empty.mode, empty.mtime = tarfile.DIRTYPE, 0o755, made
        tar.addfile(empty)
        for name, path in sorted(members.items()):
            content = path if isinstance(path, bytes) else path.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, made
            tar.addfile(entry, io.BytesIO(content))


def _extract(tar: tarfile.TarFile, archive: Path, scratch: Path, folder: Path) -> str:
    """Write the files of the archive below ``scratch``; returns the only results folder, as a path relative to that."""
    names: set[str] = set()
    for member in tar:
        path = PurePosixPath(member.name)
        if member.isdir() and path == INCOMPLETE:
            continue
        inside = len(path.parts) > 2 and ".." not in path.parts and not path.is_absolute()
        place_of_build = inside and (path.parts[0] == "results" or path.is_relative_to(METADATA))
        if not member.isreg() or not (place_of_build or member.name == CRATE):
            raise ValueError(
                f"{archive}: holds {member.name!r}, {_kind(member)}; an archive of a build holds {CRATE} and ordinary files below "
                f"results/ and {METADATA}/ only, and nothing of this one was unpacked"
            )
        place = scratch / path
        if place.exists():
            raise ValueError(f"{archive}: holds {member.name!r} twice; nothing was unpacked")
        if path.parts[0] == "results":
            names.add("/".join(path.parts[:2]))
            if len(names) == 1 and (folder / min(names)).exists():
                raise ValueError(f"{folder / min(names)} is there already; move it away or delete it, then unpack again")
        place.parent.mkdir(parents=True, exist_ok=True)
        content = tar.extractfile(member)
        assert content is not None
        with place.open("xb") as file:
            shutil.copyfileobj(content, file)
        os.utime(place, (member.mtime, member.mtime))
    if len(names) != 1:
        raise ValueError(f"{archive}: holds {len(names)} results folders ({', '.join(sorted(names)) or 'none'}); expected one")
    return names.pop()


def _checked(archive: Path, results: Path, name: str) -> dict[str, Any]:
    """The manifest of what was extracted, once every file has been compared with it, and every note of Snakemake read."""
    try:
        manifest = load(results)
        found = faults(results)
        if found.missing or found.changed:
            raise ValueError(f"{name}: {found}")
        scratch = results.parents[1]
        copies = {file: digest for file, digest in checksums(scratch).items() if file.startswith(f"{name}/{SOURCES}/")}
        wrong = [file for file, digest in copies.items() if not (scratch / file).is_file() or sha256(scratch / file) != digest]
        if wrong:
            raise ValueError(f"{len(wrong)} files are not those that {CRATE} describes: {listed(wrong)}")
        stray = [path.relative_to(results).as_posix() for path in sorted(results.rglob("*")) if path.is_file()]
        stray = [file for file in stray if not (file in manifest["artefacts"] or file in OWN or f"{name}/{file}" in copies)]
        if stray:
            raise ValueError(f"{name}: {len(stray)} files that the manifest does not list: {listed(stray)}")
        for note in _notes(scratch):
            key = metadata_key(note)
            if not key.startswith(f"{name}/") or not (scratch / key).is_file():
                raise ValueError(f"{METADATA / note}: speaks of {key}, which is not in the archive")
            try:
                load_json(scratch / METADATA / note)
            except Damaged as error:
                raise ValueError(f"{METADATA / note}: {error.fault}") from None
    except ValueError as error:
        raise ValueError(f"{archive}: {error}; nothing was unpacked") from None
    return manifest


def _notes(folder: Path) -> list[PurePosixPath]:
    """Files of Snakemake's metadata in a working directory, relative to where they lie."""
    root = folder / METADATA
    return [PurePosixPath(path.relative_to(root).as_posix()) for path in sorted(root.rglob("*")) if path.is_file()]


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return f"a link to {member.linkname!r}"
    return "an ordinary file elsewhere" if member.isreg() else "a folder" if member.isdir() else "a device or pipe"


def _version(manifest: dict[str, Any]) -> str:
    """The commit as part of a file name."""
    commit = str(manifest.get("commit", ""))[:10]
    return (commit + ("+changes" if manifest.get("dirty") else "")) or "no-commit"


def _time(record: Path) -> int:
    """When the manifest was made, in seconds since 1970: the one time of all members."""
    return int(datetime.fromisoformat(load_record(record, ("started",))["started"]).timestamp())


if __name__ == "__main__":
    sys.exit(main())
