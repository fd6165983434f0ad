"""The standardized usage of the Snakemake workflow catalog, and use as a module of another workflow."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dgm.assignments import PACKAGE
from dgm.workflow import schema

ROOT = PACKAGE.parents[1]


def keys(described: dict[str, Any], definitions: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Every key of a config with the keys around it; ``<run>`` and ``<ring>`` stand for the names that a user gives."""
    for name, of in described.get("properties", {}).items():
        yield prefix + name
        values = of.get("additionalProperties")
        for inside, block in ((".", of), (f".<{name.removesuffix('s')}>.", values if isinstance(values, dict) else {})):
            resolved = definitions[block["$ref"].rpartition("/")[2]] if "$ref" in block else block
            if not name.endswith("_for"):  # its keys are the data sets
                yield from keys(resolved, definitions, prefix + name + inside)


def test_every_key_of_the_config_is_described_once() -> None:
    read = schema.read()
    described = re.findall(r"^\| `([^`]+)` \|", (ROOT / "config" / "README.md").read_text(), re.MULTILINE)
    assert sorted(described) == sorted(keys(read, read["$defs"]))
    assert {"runs.<run>.estimates.chains", "rings.<ring>.radius", "limits.steps"} <= set(described)


def test_described_defaults_are_those_of_the_schema() -> None:
    definitions = schema.read()["$defs"]
    text = (ROOT / "config" / "README.md").read_text()
    for block, prefix in (("ring", "rings.<ring>."), ("estimates", "runs.<run>.estimates.")):
        for name, value in definitions[block]["properties"].items():
            row = re.search(rf"^\| `{prefix}{name}` \| ([^|]*) \|", text, re.MULTILINE)
            assert row is not None
            assert row[1] == (f"whole number, {value['default']}" if "default" in value else "number")


def test_the_files_of_the_standardized_usage_are_there() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage["software-stack-deployment"]) >= {"conda", "apptainer", "apptainer+conda"}
    assert usage["report"] is True
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert {path.suffix for path in (ROOT / "workflow" / "rules").iterdir()} == {".smk"}
    words = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in words and "workflow" in words and "config/readme.md" in words


USING = """
configfile: "theirs.yaml"


module dgm:
    snakefile: {snakefile!r}
    config: config
{more}

use rule * from dgm as dgm_*


rule mine:
    default_target: True
    input: "{place}results/mnist-5k/figures/dgm-1-2-landscape.svg"
    output: "mine.txt"
    shell: "echo {{input:q}} > {{output:q}}"
"""


def used(folder: Path, workflow: Path, prefix: str = "") -> subprocess.CompletedProcess[str]:
    """A dry run of another workflow, in ``folder``, that uses the one in ``workflow`` as a module, maybe with a prefix."""
    folder.mkdir()
    more = f"    prefix: {prefix!r}\n" if prefix else ""
    shutil.copy(ROOT / "config.yaml", folder / "theirs.yaml")
    (folder / "Snakefile").write_text(
        USING.format(snakefile=str(workflow / "Snakefile"), more=more, place=prefix and f"{prefix}/"), encoding="utf-8"
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--printshellcmds"]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def test_another_workflow_may_use_this_one_as_a_module(tmp_path: Path) -> None:
    done = used(tmp_path / "theirs", ROOT / "workflow")
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"^(?:local)?rule (\w+):", done.stdout, re.MULTILINE)) == {"mine", "dgm_demonstrate", "dgm_plot"}


def test_a_prefix_of_a_module_lies_before_every_path_of_the_results(tmp_path: Path) -> None:
    done = used(tmp_path / "theirs", ROOT / "workflow", "sub")
    assert done.returncode == 0, done.stdout
    commands = re.findall(r"python -m dgm\.stages\..*", done.stdout)
    assert len(commands) == 2
    places = [word for command in commands for word in shlex.split(command) if "results/" in word]
    assert len(places) > 6 and all(place.startswith("sub/results/") for place in places), places


def test_a_workflow_without_its_code_says_what_is_missing(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workflow", tmp_path / "alone" / "workflow")
    done = used(tmp_path / "theirs", tmp_path / "alone" / "workflow")
    assert done.returncode != 0
    assert done.stdout.count("clone the whole repository") == 1
    assert "Traceback" not in done.stdout and "ModuleNotFoundError" not in done.stdout
