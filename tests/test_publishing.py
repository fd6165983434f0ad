"""What hosts read: the workflow that publishes the report, the image, the development container, the list of system packages."""

import fnmatch
import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / ".github" / "workflows" / "pages.yaml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    """The workflow file; YAML 1.1 reads its key ``on`` as true."""
    found: dict[Any, Any] = yaml.safe_load(TEXT)
    return found


def steps(workflow: dict[Any, Any], job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow["jobs"][job]["steps"]
    return found


def test_only_a_person_or_a_release_starts_the_workflow(workflow: dict[Any, Any]) -> None:
    assert workflow[True] == {"workflow_dispatch": None, "release": {"types": ["published"]}}


def test_the_job_that_builds_may_only_read_and_the_one_that_deploys_runs_no_code_of_the_repository(
    workflow: dict[Any, Any],
) -> None:
    assert workflow["permissions"] == {}
    rights = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert rights == {"build": {"contents": "read", "pages": "read"}, "deploy": {"pages": "write", "id-token": "write"}}
    assert workflow["jobs"]["deploy"]["needs"] == "build"
    assert [set(step) - {"id"} for step in steps(workflow, "deploy")] == [{"uses"}]


def test_actions_are_those_of_the_host_pinned_by_major_version(workflow: dict[Any, Any]) -> None:
    used = [step["uses"] for job in workflow["jobs"] for step in steps(workflow, job) if "uses" in step]
    assert {name.partition("@")[0] for name in used} == {
        "actions/checkout",
        "actions/configure-pages",
        "actions/upload-pages-artifact",
        "actions/deploy-pages",
    }
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", name)] == []


def test_no_secret_is_read_and_no_expression_becomes_part_of_a_script(workflow: dict[Any, Any]) -> None:
    expressions = re.findall(r"\$\{\{\s*(.*?)\s*\}\}", TEXT)
    allowed = {"vars.TORCH_INDEX", "steps.pages.outputs.base_url", "steps.deployment.outputs.page_url"}
    assert set(expressions) == allowed
    scripts = [step["run"] for job in workflow["jobs"] for step in steps(workflow, job) if "run" in step]
    assert [script for script in scripts if "${{" in script or re.search(r"\b(set -x|printenv|env)\b", script)] == []
    checkout = next(step for step in steps(workflow, "build") if step.get("uses", "").startswith("actions/checkout"))
    assert checkout["with"] == {"persist-credentials": False}


def test_the_job_builds_collects_and_hands_over_the_folder_that_make_site_writes(workflow: dict[Any, Any]) -> None:
    told = [line for step in steps(workflow, "build") for line in step.get("run", "").splitlines()]
    calls = [re.findall(r"^make ([a-z]+) (ARGS=.*)$", line) for line in told if line.startswith("make ")]
    assert [call[0][0] for call in calls] == ["report", "site"]
    assert len({call[0][1] for call in calls}) == 1, "the same options, or make site speaks of another build"
    assert steps(workflow, "build")[-1]["with"]["path"] == "site"
    assert "/site/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_image_sets_up_with_every_file_that_the_set_up_reads() -> None:
    locks = re.search(r"^LOCKS := (.*)$", MAKEFILE, re.MULTILINE)
    assert locks
    before = DOCKERFILE.split("make setup &&", 1)[0]
    copied = {word for line in re.findall(r"^COPY (.*)$", before, re.MULTILINE) for word in line.split()}
    assert {*locks.group(1).split(), "Makefile", "pyproject.toml"} <= copied


def test_the_image_is_built_from_a_named_version_and_ends_without_rights() -> None:
    sources = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    stages = [stage for _, stage in sources]
    assert [source for source, _ in sources if source not in stages and not re.fullmatch(r"[a-z]+:\d[\w.]*-slim", source)] == []
    for stage in DOCKERFILE.split("\nFROM ")[1:]:
        assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE)[-1] == "dgm"


def test_the_development_container_ends_at_a_stage_of_the_image() -> None:
    folder = ROOT / ".devcontainer"
    told = json.loads((folder / "devcontainer.json").read_text(encoding="utf-8"))
    assert (folder / told["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (folder / told["build"]["context"]).resolve() == ROOT
    assert re.search(rf"^FROM \S+ AS {told['build']['target']}$", DOCKERFILE, re.MULTILINE)
    assert f"useradd --create-home --shell /bin/bash {told['remoteUser']}\n" in DOCKERFILE


def test_the_image_holds_every_file_under_version_control() -> None:
    """Or git would call the commit changed in each record of a build."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git working tree")
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.removeprefix("**/") for line in lines if line and not line.startswith("#")]
    assert patterns
    parts = {part for name in listed.stdout.split("\0") for part in Path(name).parts}
    assert [pattern for pattern in patterns if fnmatch.filter(parts, pattern)] == []


def test_system_packages_are_listed_in_one_place() -> None:
    script = ROOT / ".ci" / "system-packages"
    listed = {name for group in re.findall(r"packages\+=\((.*?)\)", script.read_text(encoding="utf-8")) for name in group.split()}
    ambiguous = {"git", "make", "munge"}  # words of other sentences, too
    assert "texlive-latex-base" in listed
    for path in (ROOT / ".ci" / "run", ROOT / "Dockerfile", ROOT / ".github" / "workflows" / "pages.yaml"):
        assert {name for name in listed - ambiguous if name in path.read_text(encoding="utf-8")} == set(), path
        for groups in re.findall(r"^[^#\n]*system-packages ([a-z]+(?: [a-z]+)*)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert set(groups.split()) <= {"base", "report", "tests", "slurm"}, path


def test_an_unknown_group_of_system_packages_is_named() -> None:
    done = subprocess.run(["bash", str(ROOT / ".ci" / "system-packages"), "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unknown group 'nonsense'; known: base report tests slurm" in done.stderr


def test_the_makefile_keeps_to_what_every_system_has() -> None:
    """GNU make 3.81 and the tools of BSD, as macOS has them."""
    newer = r"\$\(file |!=|\.ONESHELL|&:|::=|sed -i|grep -\w*P|readlink -f|date -d|xargs -\w*r|stat -c|cp --|\\t"
    code = [line for line in MAKEFILE.splitlines() if not line.startswith("#")]
    assert [line for line in code if re.search(newer, line)] == []


def test_the_tests_run_with_each_python_that_the_package_is_for() -> None:
    text = (ROOT / ".github" / "workflows" / "tests.yaml").read_text(encoding="utf-8")
    found: dict[Any, Any] = yaml.safe_load(text)
    assert set(found[True]) == {"workflow_dispatch", "pull_request"}
    assert found["permissions"] == {} and found["jobs"]["test"]["permissions"] == {"contents": "read"}
    versions = [tuple(map(int, version.split("."))) for version in found["jobs"]["test"]["strategy"]["matrix"]["python"]]
    least = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert f">={versions[0][0]}.{versions[0][1]}" == least
    assert versions == [(3, minor) for minor in range(versions[0][1], versions[-1][1] + 1)]
    assert set(re.findall(r"make (\w+)", text)) == {"setup", "lint", "test"}
    assert set(re.findall(r"\$\{\{\s*(.*?)\s*\}\}", text)) == {"vars.TORCH_INDEX", "matrix.python"}
