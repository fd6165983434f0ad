"""The description of an archive: the validator of the standard accepts it, and it is true of the files."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import yaml
from made_up_build import JOBS, NAME, TEXT, made_up_build
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate
from rocrate_validator.utils.http import HttpRequester

from dgm.reproduce import crate
from dgm.reproduce.archive import pack
from dgm.reproduce.crate import CRATE, EXCEPTIONS
from dgm.reproduce.manifest import OWN, sha256
from dgm.reproduce.snakemake_notes import Build

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # the validator still uses it

SCHEMA = """
    ComputerLanguage ControlAction CreateAction CreativeWork Dataset HowTo HowToStep OrganizeAction Organization Person
    SoftwareApplication SoftwareSourceCode about author citation contentSize datePublished description encodingFormat endTime
    hasPart identifier instrument isPartOf license mainEntity mentions name object position programmingLanguage publisher result
    softwareRequirements softwareVersion startTime step url version workExample
"""

CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": {
        **{term: f"http://schema.org/{term}" for term in SCHEMA.split()},
        "File": "http://schema.org/MediaObject",
        "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
        "conformsTo": "http://purl.org/dc/terms/conformsTo",
    },
    "https://w3id.org/ro/terms/workflow-run/context": {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"},
}
"""What the words of a crate mean, as far as it uses them; the validator would fetch the whole lists."""


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return made_up_build(tmp_path / "one")


@pytest.fixture
def unpacked(build: Build, tmp_path: Path) -> Path:
    """What plain ``tar`` makes of the archive."""
    return _unpacked(build, tmp_path)


@pytest.fixture
def failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], dict[Severity, set[str]]]:
    """The names of the checks that a crate fails, by severity; nothing is fetched."""

    def get(_: HttpRequester, address: str, **__: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 200
        answer.headers["Content-Type"] = "application/ld+json"
        answer._content = json.dumps({"@context": CONTEXTS[address]}).encode()
        return answer

    def checked(folder: Path) -> dict[Severity, set[str]]:
        settings = ValidationSettings(
            rocrate_uri=str(folder),
            profile_identifier="provenance-run-crate",
            requirement_severity=Severity.RECOMMENDED,
            cache_path=tmp_path / "cache",
            offline=True,
        )
        issues = validate(settings).get_issues()
        return {kind: {issue.check.name for issue in issues if issue.severity == kind} for kind in Severity}

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)
    return checked


def _unpacked(build: Build, folder: Path) -> Path:
    (folder / "unpacked").mkdir()
    archive, _ = pack(build, folder / "packed.tar.gz")
    subprocess.run(["tar", "--extract", "--gzip", "--file", archive, "--directory", folder / "unpacked"], check=True)
    return folder / "unpacked"


def _entities(folder: Path) -> dict[str, dict[str, Any]]:
    return {unquote(entity["@id"]): entity for entity in json.loads((folder / CRATE).read_text(encoding="utf-8"))["@graph"]}


def _named(value: Any) -> list[str]:
    """The identifiers that a property holds."""
    return [unquote(entry["@id"]) for entry in (value if isinstance(value, list) else [value])]


def test_the_validator_misses_nothing_but_the_named_exceptions(
    unpacked: Path, failed: Callable[[Path], dict[Severity, set[str]]]
) -> None:
    found = failed(unpacked)
    assert found[Severity.REQUIRED] == set()
    assert found[Severity.RECOMMENDED] == EXCEPTIONS


def test_the_validator_sees_a_missing_file(unpacked: Path, failed: Callable[[Path], dict[Severity, set[str]]]) -> None:
    (unpacked / NAME / "models" / "nice.pt").unlink()
    assert failed(unpacked)[Severity.REQUIRED] == {"Data Entity: REQUIRED resource availability"}


def test_each_artefact_is_the_result_of_one_job_and_has_the_checksum_of_the_manifest(unpacked: Path) -> None:
    entities = _entities(unpacked)
    artefacts = json.loads((unpacked / NAME / "manifest.json").read_text(encoding="utf-8"))["artefacts"]
    made = Counter(name for entity in entities.values() if "result" in entity for name in _named(entity["result"]))
    files = {name: times for name, times in made.items() if "File" in entities[name]["@type"]}
    assert files == {f"{NAME}/{name}": 1 for name in (*artefacts, *OWN)}
    for name in files:
        expected = artefacts.get(name.removeprefix(f"{NAME}/"), entities[name]["sha256"])
        assert (entities[name]["sha256"], sha256(unpacked / name)) == (expected, expected), name


def test_each_job_tells_what_its_record_and_snakemake_tell(unpacked: Path) -> None:
    entities = _entities(unpacked)
    for job, (inputs, outputs) in JOBS.items():
        action, record = entities[f"#job/{job}"], json.loads((unpacked / NAME / "records" / f"{job}.json").read_text())
        assert (action["description"], action["startTime"]) == (record["command"], record["started"])
        assert action["endTime"] == record["started"].replace(":00.000+", ":12.500+")
        assert set(_named(action["result"])) == {f"{NAME}/{name}" for name in (*outputs, f"records/{job}.json")}
        read = {name if name.startswith(NAME) else f"{NAME}/sources/{name}" for name in inputs}
        assert set(_named(action.get("object", []))) == (read or {"#data/train_images", "#data/test_images"})
        tool = entities[_named(action["instrument"])[0]]
        assert tool["softwareVersion"] == record["commit"] + ("+changes" if record["dirty"] else "")
    assert entities["#data/train_images"]["sha256"] == "12ab"


def test_what_lies_outside_the_results_is_there_and_plain_tar_overwrites_no_file_of_a_clone(unpacked: Path) -> None:
    entities = _entities(unpacked)
    sources = unpacked / NAME / "sources"
    assert (sources / TEXT).read_text() == "An answer.\n"
    for name in ("Snakefile", "config.yaml", "workflow/rules/runs.smk", "LICENSE", "assignments/LICENSE", "CITATION.cff"):
        assert (sources / name).read_bytes() == (crate.REPOSITORY / name).read_bytes()
        assert entities[f"{NAME}/sources/{name}"]["sha256"] == sha256(sources / name)
        assert f"{NAME}/sources/{name}" in _named(entities["#build"]["object"])
    assert {path.name for path in unpacked.iterdir()} == {"results", ".snakemake", CRATE}
    ignored = (crate.REPOSITORY / ".gitignore").read_text().split()
    assert {"/results/", "/.snakemake/", f"/{CRATE}"} <= set(ignored)


PERSON = {
    "title": "Another",
    "abstract": "One.",
    "authors": [{"given-names": "A.", "family-names": "B.", "orcid": "https://orcid.org/0"}, {"name": "All of us"}],
    "license": "MIT",
    "repository-code": "https://example.org/code",
}


def _cited(repository: Path, citation: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another citation in the repository."""
    repository.mkdir()
    (repository / "Snakefile").write_text("rule all:\n")
    if citation:
        (repository / "CITATION.cff").write_text(yaml.safe_dump(citation))
    monkeypatch.setattr(crate, "REPOSITORY", repository)


def test_the_owner_of_a_copy_may_change_the_citation(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: Callable[[Path], dict[Severity, set[str]]]
) -> None:
    _cited(tmp_path / "repository", PERSON, monkeypatch)
    unpacked = _unpacked(build, tmp_path)
    found, entities = failed(unpacked), _entities(unpacked)
    assert found[Severity.REQUIRED] == set()
    assert [entities[name]["name"] for name in _named(entities["./"]["author"])] == ["A. B.", "All of us"]
    assert _named(entities["./"]["license"]) == ["https://spdx.org/licenses/MIT"]
    assert entities[f"{NAME}/sources/Snakefile"]["url"] == "https://example.org/code"


@pytest.mark.parametrize(
    ("citation", "message"),
    [
        ({}, r"CITATION\.cff: no such file; an archive has its title"),
        ({"title": "Another"}, r"CITATION\.cff: lacks abstract, authors, license"),
    ],
)
def test_a_repository_without_a_citation_packs_nothing(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, citation: dict[str, Any], message: str
) -> None:
    _cited(tmp_path / "repository", citation, monkeypatch)
    with pytest.raises(ValueError, match=message):
        pack(build, tmp_path / "packed.tar.gz")
    assert not (tmp_path / "packed.tar.gz").exists()
