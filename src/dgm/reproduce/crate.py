"""What an archive holds, told in a standard of research data: a Workflow Run RO-Crate, profile Provenance Run Crate 0.5.

:func:`describe` makes the content of ``ro-crate-metadata.json``, which lies at the root of the archive. It names

- the workflow (``Snakefile``), whose steps are its rules, and the stages that these call, at the commits that the records tell;
- each job: its command, begin and end, and the files that it read and wrote, as its record and Snakemake's notes tell them;
- the build as a whole, and that Snakemake ran it;
- every file with its SHA-256, the source files of the data set, licences, citation, and versions of packages.

Files outside the results that the crate describes (workflow, config, texts that jobs read, licences, citation) are copied into
``sources/`` of the results folder, so that plain ``tar xzf`` in a clone overwrites no file of the clone. The copies are those of
the working directory when the build is packed. Nothing in the crate depends on when it is packed.

The crate passes the validator's checks at REQUIRED. At RECOMMENDED it leaves out what :data:`EXCEPTIONS` names:

- An agent of each action: a build does not know who called it, and no person is to be named.
- A URL of each application and organization: the project knows no address of itself while ``CITATION.cff`` has no
  ``repository-code``, and of a package the build knows the version but not where it was taken from.
- An absolute URI as the identifier of each application: the workflow is a file of the crate, whose identifier is its path, and
  stages and packages have no address.
- A ``README.md`` at the root: it would overwrite that of a clone.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from rocrate.model import ContextEntity, Entity
from rocrate.rocrate import ROCrate

from dgm.assignments import REPOSITORY
from dgm.reproduce.manifest import SOURCES, sha256
from dgm.reproduce.snakemake_notes import METADATA, Build, metadata_file
from dgm.runtime.files import Damaged, load_json, load_record, require
from dgm.runtime.yaml_files import read_yaml

__all__ = ["CRATE", "EXCEPTIONS", "checksums", "describe"]

CRATE = "ro-crate-metadata.json"
"""Where an archive describes itself."""

EXCEPTIONS = {"Action agent", "Application url", "SoftwareApplication id", "Organization: RECOMMENDED url property"} | {
    f"README.md {what}" for what in ("about", "encodingFormat")
}
"""The validator's names of the recommended checks that a crate does not pass."""

CITATION = "CITATION.cff"

ADDRESS = "repository-code"
"""The entry of the citation that says where the project lies."""

DESCRIBED = ("Snakefile", "workflow/**/*", "config.yaml", "LICENSE", "assignments/LICENSE", CITATION)
"""Files of the repository that a crate has beside what jobs read."""

TERMS = "https://w3id.org/ro/terms/workflow-run/context"

WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"

PROFILES = {f"https://w3id.org/ro/wfrun/{name.lower()}/0.5": f"{name} Run Crate" for name in ("Process", "Workflow", "Provenance")}
PROFILES |= {"https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate"}

NAMES = {
    "report/index.html": "The report, HTML",
    "report/report.pdf": "The report, PDF",
    "report/checks.pdf": "Its supplement, all checks, PDF",
}

FORMATS = {
    **{f".{name}": f"text/{name}" for name in ("csv", "html")},
    **{f".{name}": f"application/{name}" for name in ("json", "pdf", "yaml")},
    **{".md": "text/markdown", ".npz": "application/zip", ".pt": "application/zip", ".svg": "image/svg+xml", ".tex": "text/x-tex"},
}
"""Media types by suffix; all other files are text/plain."""


@dataclass(frozen=True)
class _Job:
    """A job: stage and name, what its record says, the files that it read and wrote."""

    name: str
    record: dict[str, Any]
    inputs: Sequence[str]
    outputs: Sequence[str]

    @property
    def stage(self) -> str:
        return self.name.partition("/")[0]

    @property
    def times(self) -> dict[str, str]:
        begin = datetime.fromisoformat(self.record["started"])
        end = begin + timedelta(seconds=self.record["seconds"])
        return {"startTime": begin.isoformat(timespec="milliseconds"), "endTime": end.isoformat(timespec="milliseconds")}


def describe(build: Build, manifest: Mapping[str, Any], files: Iterable[str]) -> tuple[str, dict[str, Path]]:
    """The crate around a finished build.

    Args:
        build: the build.
        manifest: its manifest.
        files: its files, seen from the working directory.

    Returns:
        The content of :data:`CRATE`, and the copies that belong into the archive: their places there, and where they lie now.

    Raises:
        ValueError: when the repository has no citation, or a record or note is not readable.
    """
    files = sorted(files)
    jobs = sorted(_jobs(build, files), key=lambda job: (job.times["startTime"], job.name))
    citation = _citation(REPOSITORY / CITATION)
    described = [path for pattern in DESCRIBED for path in REPOSITORY.glob(pattern) if path.name[0] != "."]
    read = [build.folder / name for job in jobs for name in job.inputs if not name.startswith(f"{build.name}/")]
    copies = {_place(build, path): path for path in sorted({*described, *read}) if path.is_file()}

    crate = _Crate(build, citation)
    for name in files:
        crate.add_file(name, build.folder / name, manifest["artefacts"].get(name.removeprefix(f"{build.name}/")))
    for place, path in sorted(copies.items()):
        crate.add_file(place, path, sha256(path))
    origin = crate.add_origin()
    calls = [crate.add_job(job, origin if job.stage == "prepare" else []) for job in jobs]
    crate.add_workflow(manifest)
    times = {"startTime": min(job.times["startTime"] for job in jobs), "endTime": max(job.times["endTime"] for job in jobs)}
    whole = crate.add_build(manifest, calls, [*map(crate.file, sorted(copies)), *origin], times)
    crate.add_root([whole, *(call["object"] for call in calls)], times["endTime"])
    return json.dumps(crate.crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False) + "\n", copies


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that the crate in ``folder`` describes, by its path there; none where there is no crate.

    Raises:
        ValueError: when the description is not readable.
    """
    if not (folder / CRATE).exists():
        return {}
    entities = load_json(folder / CRATE, ("@graph",))["@graph"]
    try:
        return {unquote(entity["@id"]): entity["sha256"] for entity in entities if "File" in entity["@type"]}
    except (KeyError, TypeError):
        raise Damaged(folder / CRATE, "no description of an archive") from None


def _jobs(build: Build, files: Sequence[str]) -> Iterator[_Job]:
    """The jobs that wrote these files: Snakemake notes of each file the log of its job, and each job has its own."""
    outputs, inputs, records = defaultdict(list), {}, f"{build.name}/records/"
    for name in files:
        note = build.folder / METADATA / metadata_file(name)
        if note.is_file():
            said = load_json(note, ("input", "log"))
            outputs[str(said["log"])].append(name)
            inputs[str(said["log"])] = said["input"]
    for log, names in outputs.items():
        for record in (name for name in names if name.startswith(records)):
            said = load_record(build.folder / record, ("command", "started", "seconds", "python", "versions"))
            yield _Job(record.removeprefix(records).removesuffix(".json"), said, inputs[log], names)


def _place(build: Build, path: Path) -> str:
    """Where the archive has a copy of a file that lies outside the results."""
    full, homes = Path(os.path.abspath(path)), (Path(os.path.abspath(build.folder)), REPOSITORY)
    inside = next((full.relative_to(home) for home in homes if full.is_relative_to(home)), Path("outside", *full.parts[1:]))
    return f"{build.name}/{SOURCES}/{inside.as_posix()}"


def _citation(path: Path) -> dict[str, Any]:
    """How the project is to be cited: title, abstract, authors, licences."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; an archive has its title, authors and licences from there")
    citation = read_yaml(path)
    if not isinstance(citation, dict):
        raise ValueError(f"{path}: got a {type(citation).__name__}; need a mapping")
    require(path, ("title", "abstract", "authors", "license"), citation)
    return citation


def _version(said: Mapping[str, Any]) -> str:
    """The commit that a manifest or a record names."""
    return f"{said.get('commit', 'no commit')}{'+changes' if said.get('dirty') else ''}"


class _Crate:
    """The crate while it is made; each method adds entities of one sort."""

    def __init__(self, build: Build, citation: Mapping[str, Any]) -> None:
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_contexts.append(TERMS)
        self.build = build
        self.citation = citation
        self.address = {"url": citation[ADDRESS]} if ADDRESS in citation else {}
        self.tools: dict[str, dict[str, Entity]] = defaultdict(dict)
        """By stage and commit, in the order in which jobs began."""

    def add(self, identifier: str, kind: str, **properties: Any) -> Entity:
        known = {name: _single(value) for name, value in properties.items() if value}
        return self.crate.add(ContextEntity(self.crate, quote(identifier, safe=":/#@+"), {"@type": kind, **known}))

    def file(self, place: str) -> Entity | None:
        return self.crate.get(quote(place))

    def add_file(self, place: str, path: Path, digest: str | None) -> None:
        inside = place.removeprefix(f"{self.build.name}/").removeprefix(f"{SOURCES}/")
        known = {"name": NAMES.get(inside, inside), "encodingFormat": FORMATS.get(path.suffix, "text/plain")}
        known |= {"contentSize": str(path.stat().st_size), "sha256": digest or sha256(path)}
        self.crate.add_file(dest_path=place, properties=known)

    def add_origin(self) -> list[Entity]:
        """The files of the data set as they were published, or the arrays of the package that has them."""
        path = self.build.results / "data" / "provenance.json"
        if not path.is_file():
            return []
        said = load_json(path, ("title", "licence", "reference", "sha256"))
        found = {file["file"]: file["sha256"] for file in said.get("files", {}).values()} or said["sha256"]
        about = {"isPartOf": said.get("package"), "license": said["licence"], "citation": said["reference"]}
        return [
            self.add(f"#data/{name}", "CreativeWork", name=f"{name} of {said['title']}", sha256=digest, **about)
            for name, digest in sorted(found.items())
        ]

    def add_packages(self, versions: Mapping[str, str]) -> list[Entity]:
        return [
            self.add(f"#package/{name}@{version}", "SoftwareApplication", name=name, softwareVersion=version)
            for name, version in sorted(versions.items())
        ]

    def add_job(self, job: _Job, origin: Sequence[Entity]) -> Entity:
        """The job, the stage that it ran, and Snakemake's call of it, which is returned."""
        version, packages = _version(job.record), {"Python": job.record["python"], **job.record["versions"]}
        tool = self.tools[job.stage][version] = self.add(
            f"#stage/{job.stage}@{version}",
            "SoftwareApplication",
            name=f"python -m dgm.stages.{job.stage}",
            softwareVersion=version,
            softwareRequirements=self.add_packages(packages),
            **self.address,
        )
        inputs = [self.file(name) or self.file(_place(self.build, self.build.folder / name)) for name in job.inputs]
        action = self.add(
            f"#job/{job.name}",
            "CreateAction",
            name=job.name,
            description=job.record["command"],
            instrument=tool,
            object=[*filter(None, inputs), *origin],
            result=[*map(self.file, job.outputs)],
            **job.times,
        )
        step = {"@id": f"#rule/{job.stage}"}
        return self.add(f"#call/{job.name}", "ControlAction", name=f"Call of {job.name}", instrument=step, object=action)

    def add_workflow(self, manifest: Mapping[str, Any]) -> None:
        """The Snakefile as workflow; its steps are the rules of the jobs."""
        place = _place(self.build, REPOSITORY / "Snakefile")
        known = {
            **self.crate.get(quote(place)),
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "version": _version(manifest),
            "conformsTo": {"@id": WORKFLOW_PROFILE},
            "hasPart": _single([tool for tools in self.tools.values() for tool in tools.values()]),
            "step": _single(
                [
                    self.add(f"#rule/{stage}", "HowToStep", name=stage, position=str(position), workExample=[*tools.values()])
                    for position, (stage, tools) in enumerate(self.tools.items(), 1)
                ]
            ),
            "softwareRequirements": self.add_packages(manifest["versions"]),
            **self.address,
        }
        self.crate.add_workflow(dest_path=place, properties=known, main=True, lang="snakemake")

    def add_build(
        self, manifest: Mapping[str, Any], calls: list[Entity], inputs: list[Entity | None], times: Mapping[str, str]
    ) -> Entity:
        """The build as a whole, which is returned, and the run of Snakemake that made it."""
        name = self.build.name
        whole = self.add(
            "#build",
            "CreateAction",
            name=f"Build of {name}",
            description=f"{len(calls)} jobs",
            instrument=self.crate.mainEntity,
            object=inputs,
            result=self.crate.add_dataset(dest_path=f"{name}/", properties={"name": "Results"}),
            **times,
        )
        version, address = manifest["versions"]["snakemake"], "https://snakemake.github.io"
        engine = self.add("#snakemake", "SoftwareApplication", name="Snakemake", softwareVersion=version, url=address)
        self.add("#engine", "OrganizeAction", name="Run of Snakemake", instrument=engine, object=calls, result=whole, **times)
        self.crate.add_dataset(dest_path=f"{METADATA}/", properties={"name": "Notes of Snakemake on each file"})
        return whole

    def add_root(self, actions: list[Entity], made: str) -> None:
        """What the archive is, who wrote it, and under which licences."""
        authors, licences = [], self.citation["license"]
        for author in self.citation["authors"]:
            name = author.get("name") or f"{author.get('given-names', '')} {author.get('family-names', '')}".strip()
            kind = "Organization" if "name" in author else "Person"
            authors.append(self.add(f"#author/{name}", kind, name=name, url=author.get("website")))
        licences = [
            self.add(f"https://spdx.org/licenses/{name}", "CreativeWork", name=name)
            for name in ([licences] if isinstance(licences, str) else licences)
        ]
        profiles = [self.add(address, "CreativeWork", name=name, version=address[-3:]) for address, name in PROFILES.items()]
        known = {
            "name": f"{self.citation['title']}: {self.build.name}",
            "description": self.citation["abstract"],
            "datePublished": made,
        }
        known |= {"author": authors, "publisher": authors, "license": licences, "conformsTo": profiles, "mentions": actions}
        known |= {"citation": self.file(_place(self.build, REPOSITORY / CITATION))}
        for name, value in known.items():
            self.crate.root_dataset[name] = _single(value)


def _single(value: Any) -> Any:
    """A list of one as its entry, as the standard writes it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
