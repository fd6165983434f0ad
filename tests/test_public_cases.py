"""What happened to others on machines that are not ours: locales, notebooks, editors, disks, containers, habits of YAML and pip."""

import errno
import io
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from shipped import CONFIG, ROOT

from dgm import assignments
from dgm.data.sources import IDX_FILES, find_idx_files
from dgm.report import catalogue
from dgm.report.formulas import Formula, check_for_latex
from dgm.reproduce import archive
from dgm.reproduce.manifest import artefacts
from dgm.runtime.device import STAGE_ENVIRONMENT
from dgm.runtime.files import Damaged, load_arrays, load_table, load_tensors, save_arrays, save_tensors
from dgm.workflow.schema import faults, read

LEFT_BY_OTHERS = (".DS_Store", "._{}", ".#{}", "#{}#", "{}~", ".{}.swp", ".ipynb_checkpoints/{}", "__pycache__/{}")
"""Names that editors, notebooks, systems and Python give to what they leave beside a file."""


def python(code: str, **environment: str) -> str:
    """What a Python process says that finds this engine."""
    words = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    done = subprocess.run(words, capture_output=True, encoding="utf-8", env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make(target: str, recipe: str, folder: Path = ROOT, **environment: str) -> str:
    """What a recipe says that the Makefile is given for this call."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment}
    words = ["make", "--no-print-directory", "--eval", f"{target}:;@{recipe}", target]
    return subprocess.run(words, cwd=folder, capture_output=True, encoding="utf-8", env=environment, check=True).stdout


# ------------------------------------------------------------------------------------------------ locales and notebooks


def test_logs_and_formulas_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dgm.runtime import stage; from dgm.report.formulas import *\n"
        f"stage.logger(Path({str(tmp_path / 'log')!r}))('\\u03bb')\n"
        "html = set_with_katex([Formula(r'\\lambda', False, 'here')])[r'\\lambda', False]\n"
        "sys.stdout.buffer.write(html.encode('utf-8'))"
    )
    latin = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert "λ" in python(code, **latin)
    assert "λ" in (tmp_path / "log").read_text(encoding="utf-8")


def test_a_notebooks_backend_stops_no_figure() -> None:
    notebook = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    assert (
        python("import dgm.figures.style, matplotlib; print(matplotlib.get_backend())", **notebook | STAGE_ENVIRONMENT) == "agg\n"
    )


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path: Path) -> None:
    answer = tmp_path / "toy-1.md"
    answer.write_text("\ufeff---\nquestion: toy-1\n---\nText.\n", encoding="utf-8")
    assert catalogue.read_answer(answer).question == "toy-1"
    table = tmp_path / "table.csv"
    table.write_text("\ufeffrun,value\nnice,1\n", encoding="utf-8")
    assert load_table(table, ("run", "value")) == [{"run": "nice", "value": "1"}]


# ------------------------------------------------------------------------------------------------ whose commit


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The module that asks for the commit, in a repository of its own."""
    folder = tmp_path / "sources"
    for name in ("__init__.py", "runtime", "errors.py"):
        (folder / "src" / "dgm").mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", ROOT / "src" / "dgm" / name, folder / "src" / "dgm" / name], check=True)
    (folder / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


def commit_of(folder: Path, **environment: str) -> dict[str, object]:
    code = "import json; from dgm.runtime.stage import commit; print(json.dumps(commit()))"
    found: dict[str, object] = json.loads(python(code, PYTHONPATH=str(folder / "src"), **environment))
    return found


def test_the_commit_is_that_of_the_sources_whatever_variables_say(sources: Path) -> None:
    ours = {"commit": git(sources, "rev-parse", "HEAD"), "dirty": False}
    assert commit_of(sources) == ours
    assert commit_of(sources, GIT_DIR=str(ROOT / ".git"), GIT_WORK_TREE=str(ROOT)) == ours


def test_a_new_module_is_a_change_and_a_note_beside_the_sources_is_none(sources: Path) -> None:
    (sources / "note.txt").write_text("", encoding="utf-8")
    assert commit_of(sources)["dirty"] is False
    (sources / "src" / "dgm" / "new_model.py").write_text("", encoding="utf-8")
    assert commit_of(sources)["dirty"] is True


def test_sources_inside_another_repository_have_no_commit(sources: Path, tmp_path: Path) -> None:
    subprocess.run(["rm", "-rf", sources / ".git"], check=True)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "of somebody else")
    assert commit_of(sources) == {}


def test_what_git_refuses_is_said_until_it_is_told_to_trust_the_folder(sources: Path) -> None:
    another = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    refused = commit_of(sources, **another)
    assert set(refused) == {"commit_unknown"} and str(refused["commit_unknown"]).startswith("detected dubious ownership")
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(sources)}
    assert commit_of(sources, **another, **trusted) == {"commit": git(sources, "rev-parse", "HEAD"), "dirty": False}


# ------------------------------------------------------------------------------------------------ what others leave


@pytest.mark.parametrize("name", LEFT_BY_OTHERS)
def test_what_editors_and_systems_leave_is_no_answer_module_assignment_or_artefact(tmp_path: Path, name: str) -> None:
    def beside(folder: Path, file: str) -> None:
        path = folder / name.format(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("not ours\n", encoding="utf-8")
        (folder / file).write_text("", encoding="utf-8")

    beside(tmp_path / "answers", "a.md")
    assert [path.name for path in catalogue.files(tmp_path / "answers")] == ["a.md"]
    beside(tmp_path / "claims", "a.py")
    assert assignments.modules(tmp_path / "claims") == ["a"]
    beside(tmp_path / "results" / "models", "nice.pt")
    assert [path.name for path in artefacts(tmp_path / "results")] == ["nice.pt"]
    beside(tmp_path / "all" / "one", assignments.FILE)
    (tmp_path / "all" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "all" / ".ipynb_checkpoints" / assignments.FILE).write_text("", encoding="utf-8")
    assert [folder.name for folder in assignments.within([tmp_path / "all"])] == ["one"]


def test_a_dangling_lock_of_an_editor_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / ".#a.md").symlink_to("somebody@host.1234")
    (tmp_path / "b.md").symlink_to("nowhere")
    assert catalogue.files(tmp_path) == []


# ------------------------------------------------------------------------------------------------ other disks


def test_files_in_linked_folders_are_artefacts_and_each_folder_is_entered_once(tmp_path: Path) -> None:
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "disk" / "deep" / "nice.pt").write_bytes(b"1")
    (tmp_path / "disk" / "again").symlink_to(tmp_path / "disk")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "models").symlink_to(tmp_path / "disk")
    found = [path.relative_to(tmp_path / "results").as_posix() for path in artefacts(tmp_path / "results")]
    assert found == ["models/deep/nice.pt"]


def test_a_results_folder_on_another_disk_is_moved_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "scratch" / "mnist-5k", tmp_path / "results" / "mnist-5k"
    source.mkdir(parents=True)
    target.parent.mkdir()
    (source / "manifest.json").write_text("{}", encoding="utf-8")
    rename = os.rename

    def across(one: Path, two: Path) -> None:
        if Path(one).is_relative_to(tmp_path / "scratch"):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(one, two)

    monkeypatch.setattr(os, "rename", across)
    archive._move(source, target)
    assert (target / "manifest.json").read_text(encoding="utf-8") == "{}"
    assert [path.name for path in target.parent.iterdir()] == ["mnist-5k"]


# ------------------------------------------------------------------------------------------------ pip, accounts, make


def test_the_makefile_is_deaf_to_a_users_pip_and_python(tmp_path: Path) -> None:
    said = make("show", "env", PIP_USER="1", PYTHONPATH="/site", PYTHONHOME="/python").splitlines()
    assert "PIP_USER=0" in said
    assert not [line for line in said if line.startswith(("PYTHONPATH=", "PYTHONHOME="))]


def test_accounts_without_a_name_or_a_home_have_both_in_make() -> None:
    said = make("show", "env", HOME="/nonexistent").splitlines()
    assert f"HOME={ROOT / '.home'}" in said
    assert [line for line in said if re.fullmatch(r"USER=\w+", line)]
    assert f"HOME={ROOT}" in make("show", "env", HOME=str(ROOT)).splitlines(), "a home that is there stays"


def test_a_clone_behind_a_link_is_set_up_once(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(ROOT)
    stamps = {make("show", "echo $(STAMP)", folder, PWD=str(folder)) for folder in (ROOT, tmp_path / "link")}
    assert len(stamps) == 1
    assert make("show", "echo $(STAMP)", TORCH_INDEX="somewhere") not in stamps, "PyTorch from elsewhere is another set-up"


def test_make_help_lists_each_target_with_what_it_does() -> None:
    said = make("help-of", "$(MAKE) --no-print-directory help")
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r"^  make ([a-z-]+) +\S", said, re.MULTILINE) == targets


# ------------------------------------------------------------------------------------------------ config and data


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"runs": {1: {"kind": "nice"}}}, "runs.1: YAML reads this key as a number, not as a text; put it in quotes"),
        ({"runs": {True: {"kind": "nice"}}}, "runs.True: YAML reads this key as true or false, not as a text; put it in quotes"),
        ({"rings": {None: {"radius": 1.0}}}, "rings.None: YAML reads this key as nothing, not as a text; put it in quotes"),
        ({"variant": 2024}, "variant: got 2024 (YAML reads it as a number: put it in quotes); allowed: a text"),
        ({"data_dir": 7}, "data_dir: got 7; allowed: a text or null"),
    ],
)
def test_words_that_yaml_reads_as_something_else_are_named(changed: dict[str, object], message: str) -> None:
    assert faults({**CONFIG, **changed}, read()) == [message]


def test_data_dir_may_be_left_empty() -> None:
    assert faults({**CONFIG, "data_dir": None}, read()) == []


def test_a_folder_that_only_seems_to_hold_the_files_says_so(tmp_path: Path) -> None:
    names = list(IDX_FILES.values())
    for name in names[:2]:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / names[2]).symlink_to("nowhere")
    (tmp_path / names[3]).mkdir()
    with pytest.raises(ValueError, match=r"data_dir: .* lacks") as caught:
        find_idx_files(tmp_path)
    assert f"{names[2]} (a broken link)" in str(caught.value) and f"{names[3]} (a folder)" in str(caught.value)


@pytest.mark.parametrize("command", [r"\href{u}{y}", r"\url{u}", r"\includegraphics{x}"])
def test_what_leads_out_of_a_formula_is_refused(command: str) -> None:
    with pytest.raises(ValueError, match=r"here: \\(href|url|includegraphics) leads out of the formula"):
        check_for_latex(Formula(f"x = {command}", False, "here"))


# ------------------------------------------------------------------------------------------------ damaged files


def test_no_changed_byte_of_an_archive_of_numbers_is_accepted(tmp_path: Path) -> None:
    """Nor does one end in another error; a byte that changes no number, such as the time of a member, may stay unnoticed."""
    torch = pytest.importorskip("torch")
    arrays = {"a": np.arange(7.0), "labels": np.array([1, 2], dtype=np.uint8)}
    save_arrays(tmp_path / "x.npz", arrays)
    save_tensors(tmp_path / "x.pt", {"kind": "nice", "state": {"w": torch.arange(5.0)}})
    dice = random.Random(0)
    refused = 0
    for name, load in (("x.npz", load_arrays), ("x.pt", load_tensors)):
        whole = (tmp_path / name).read_bytes()
        right = _shown(load(tmp_path / name))
        places = range(len(whole)) if len(whole) < 1500 else sorted(dice.sample(range(len(whole)), 1500))
        for place in places:
            changed = bytearray(whole)
            changed[place] ^= 1 << dice.randrange(8)
            (tmp_path / name).write_bytes(changed)
            try:
                assert _shown(load(tmp_path / name)) == right, (name, place)
            except Damaged:
                refused += 1
    assert refused > 500


def _shown(content: object) -> str:
    out = io.StringIO()
    print(content, file=out)
    return out.getvalue()
