"""What comes from elsewhere is read as data: no file of a model, an array or a table runs code, and no name becomes a command."""

import ast
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from dgm.models import load_model
from dgm.runtime import yaml_files
from dgm.runtime.files import load_arrays
from dgm.training.loop import Checkpoint

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("src", "benchmarks", "workflow") for path in (ROOT / folder).rglob("*.py"))
RULES = [ROOT / "Snakefile", ROOT / "workflow" / "Snakefile", *sorted((ROOT / "workflow" / "rules").glob("*.smk"))]

# --- the sources


FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "np.fromfile",
    "torch.hub.load",
    "torch.jit.load",
    "torch.serialization.add_safe_globals",
    "yaml.unsafe_load",
    "yaml.full_load",
    "yaml.load_all",
    "pd.read_pickle",
    "pandas.read_pickle",
}
FORBIDDEN_METHODS = {"extract", "extractall", "unpack_archive"}
"""Of archives, whose members may name any path."""

REQUIRED = {
    "torch.load": ("weights_only", "True"),
    "np.load": ("allow_pickle", "False"),
    "np.save": ("allow_pickle", "False"),
    "np.savez": ("allow_pickle", "False"),
    "np.savez_compressed": ("allow_pickle", "False"),
    "yaml.load": ("Loader", "_Loader"),
}
"""Call -> keyword that it must have, and the value."""


def faults(source: str) -> Iterator[str]:
    """What in a source could run data as code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{node.lineno}: import {name}" for name in names if name.partition(".")[0] in FORBIDDEN_MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if called in FORBIDDEN_CALLS or called.rpartition(".")[2] in FORBIDDEN_METHODS or keywords.get("shell") == "True":
            yield f"{node.lineno}: {called}"
        if called in REQUIRED and keywords.get(REQUIRED[called][0]) != REQUIRED[called][1]:
            yield f"{node.lineno}: {called} without {'='.join(REQUIRED[called])}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_data_as_code(path: Path) -> None:
    assert list(faults(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path)",
        "yaml.load(text, Loader=yaml.Loader)",
        "subprocess.run(text, shell=True)",
        "tarfile.open(path).extractall()",
    ],
)
def test_each_kind_of_fault_is_seen(line: str) -> None:
    assert len(list(faults(f"def f():\n    {line}\n"))) == 1


def test_libraries_go_by_the_names_that_are_looked_for() -> None:
    """``from torch import load`` and the like would hide a call."""
    hidden = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in {"torch", "numpy", "yaml", "os", "pandas"}:
                hidden += [
                    f"{path}: {alias.name}" for alias in node.names if alias.name.startswith(("load", "save", "read_", "system"))
                ]
            elif isinstance(node, ast.Import):
                usual = {"numpy": "np", "torch": None, "yaml": None, "pandas": "pd", "os": None}
                hidden += [f"{path}: {a.asname}" for a in node.names if a.name in usual and a.asname != usual[a.name]]
    assert hidden == []


def test_the_loader_of_the_report_makes_plain_values_only() -> None:
    assert issubclass(yaml_files._Loader, yaml.SafeLoader | getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    with pytest.raises(ValueError, match="could not determine a constructor"):
        yaml_files.parse_yaml("!!python/object/apply:os.getcwd []", "here")


# --- the rules


def commands(text: str) -> list[str]:
    """The string of each ``shell:`` of a rule file."""
    strings = re.findall(r"^ +shell:\n((?: +f?\".*\"\n?)+)", text, re.MULTILINE)
    return ["".join(ast.literal_eval(line.strip()) for line in block.splitlines()) for block in strings]


def unquoted(command: str) -> list[str]:
    """Placeholders whose value the shell would read; numbers of cores and GPUs need no quotes."""
    found = re.findall(r"(?<!\{)\{([^{}]+)\}", command)
    return [name for name in found if not name.endswith(":q") and name not in {"threads", "resources.gpu"}]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_value_in_a_command_is_quoted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = commands(text)
    assert len(found) == len(re.findall(r"^ *shell:", text, re.MULTILINE))
    assert {command: unquoted(command) for command in found if unquoted(command)} == {}
    assert not re.search(r"^ *(script|run|notebook|wrapper):", text, re.MULTILINE)


def test_the_rules_have_commands_and_an_unquoted_value_is_seen() -> None:
    assert sum(len(commands(path.read_text())) for path in RULES) >= 15
    rule = 'rule a:\n    shell:\n        "python {input:q} {params.x}"\n        " {threads} {log:q} {wildcards.run}"\n'
    assert unquoted(commands(rule)[0]) == ["params.x", "wildcards.run"]


# --- files with code in them


class Malicious:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Where the malicious object would leave its file; that it does so is tried first."""
    mark = tmp_path / "executed"
    pickle.loads(pickle.dumps(Malicious(mark)))
    assert mark.exists()
    mark.unlink()
    return mark


def _zipped(path: Path, content: object) -> None:
    torch.save(content, path)


def _legacy(path: Path, content: object) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def _bare(path: Path, content: object) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.mark.parametrize("save", [_zipped, _legacy, _bare])
def test_a_model_file_with_code_is_refused_and_not_run(mark: Path, save: Callable[[Path, object], None]) -> None:
    path = mark.with_name("model.pt")
    save(path, {"kind": "nice", "settings": {}, "state": Malicious(mark)})
    with pytest.raises(ValueError, match=r"model\.pt: not a readable file of tensors"):
        load_model(path)
    assert not mark.exists()


@pytest.mark.parametrize("save", [_zipped, _legacy, _bare])
def test_a_checkpoint_with_code_is_ignored_and_not_run(mark: Path, save: Callable[[Path, object], None]) -> None:
    path = mark.with_name("run.pt")
    save(path, {"identity": "same", "state": {"model": Malicious(mark)}})
    said: list[str] = []
    assert Checkpoint(path, "same").load(said.append) is None
    assert not mark.exists()
    assert len(said) == 1 and "not a readable file of tensors" in said[0]


def test_an_array_file_with_code_is_refused_and_not_run(mark: Path) -> None:
    objects = np.empty(1, dtype=object)
    objects[0] = Malicious(mark)
    named, bare = mark.with_name("named.npz"), mark.with_name("bare.npz")
    np.savez(named, allow_pickle=True, x=objects)
    bare.write_bytes(pickle.dumps(Malicious(mark)))
    for path in (named, bare):
        with pytest.raises(ValueError, match=f"{path.name}: not a readable .npz file"):
            load_arrays(path)
        assert not mark.exists()


@pytest.mark.parametrize("kind", ["../../evil", "os", "", "_private", "nice.evil", ["nice"]])
def test_a_model_file_names_a_module_of_this_package_or_none(tmp_path: Path, kind: object) -> None:
    torch.save({"kind": kind, "settings": {}, "state": {}}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="unknown kind"):
        load_model(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("settings", "state", "message"),
    [
        ([1], {}, "holds no model of this code"),
        ({"epoch": 1}, {}, "settings.epoch: unknown key"),
        ({}, {"weight": torch.zeros(1)}, "its weights are not those of a model of kind kde with these settings"),
        ({}, [1], "holds no model of this code"),
    ],
)
def test_a_model_file_of_another_make_is_one_message(tmp_path: Path, settings: object, state: object, message: str) -> None:
    torch.save({"kind": "kde", "settings": settings, "state": state}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path / "model.pt")
