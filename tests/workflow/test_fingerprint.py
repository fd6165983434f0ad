"""Which code a job depends on, and when its digest changes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dgm import assignments
from dgm.workflow import fingerprint as provenance
from dgm.workflow.fingerprint import annotation, defines, fingerprint, names, reachable

MODULES = {
    "__init__": "",
    "runtime/__init__": "",
    "runtime/stage": "import dgm.leaf",
    "leaf": "def f(x):\n    return x + 1\n",
    "other": "y = 1\n",
    "lazy": "def g():\n    from dgm.leaf import f\n    return f(0)\n",
    "relative": "from . import leaf\nfrom .sub import inner\n",
    "hints": "import typing\nif typing.TYPE_CHECKING:\n    from dgm.other import y\nelse:\n    from dgm.leaf import f\n",
    "loop_a": "import dgm.loop_b\n",
    "loop_b": "import dgm.loop_a, dgm.other\n",
    "sub/__init__": "from .inner import deep\n",
    "sub/inner": "from ..other import y\ndeep = y\n",
    "sub/_private": "",
    "stages/__init__": "",
    "stages/train": "from dgm import lazy\nfrom dgm.runtime import stage\n",
    "models/__init__": "",
    "models/nice": "import numpy\nfrom dgm import leaf\nclass Model:\n    def sample(self): ...\n",
    "models/_bases": "from dgm.models import nice\nclass Base(nice.Model): ...\n",
    "models/derived": "import torch\nfrom dgm.models._bases import Base as B\nclass Model(torch.nn.Module, B):\n def f(s): ...\n",
    "models/vae": "from dgm.other import y\nclass Model:\n    def bound(self): ...\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """A made-up package in the place of this one; the returned function rewrites one of its modules."""
    root = tmp_path / "dgm"

    def write(name: str, text: str) -> None:
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        _forget()

    for name, text in MODULES.items():
        write(name, text)
    monkeypatch.setattr(assignments, "PACKAGE", root)
    yield write
    _forget()


def _forget() -> None:
    for function in vars(provenance).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


Write = Callable[[str, str], None]


def test_imports_are_followed_wherever_they_stand(package: Write) -> None:
    assert reachable("dgm.stages.train") == {"dgm", "dgm.runtime", "dgm.stages", "dgm.stages.train", "dgm.lazy", "dgm.leaf"}


def test_relative_imports_are_followed(package: Write) -> None:
    assert reachable("dgm.relative") == {"dgm", "dgm.relative", "dgm.leaf", "dgm.sub", "dgm.sub.inner", "dgm.other"}


def test_a_package_counts_with_its_init(package: Write) -> None:
    assert "dgm.sub" in reachable("dgm.sub.inner")


def test_imports_for_type_checkers_are_not_followed(package: Write) -> None:
    assert reachable("dgm.hints") == {"dgm", "dgm.hints", "dgm.leaf"}


def test_circles_end(package: Write) -> None:
    assert reachable("dgm.loop_a") == reachable("dgm.loop_b") == {"dgm", "dgm.loop_a", "dgm.loop_b", "dgm.other"}


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\ndef f(x):\n    return x + 1\n",
        '"""A docstring."""\n\n\ndef f(x):\n    """Another."""\n    return x + 1\n',
        "def f(\n    x,\n):\n    return (x + 1)  # why\n",
    ],
)
def test_comments_docstrings_and_layout_change_nothing(package: Write, text: str) -> None:
    before = fingerprint("dgm.stages.train")
    package("leaf", text)
    assert fingerprint("dgm.stages.train") == before


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return x + 2\n",
        "def f(x):\n    return x + 1.0\n",
        "def f(x):\n    return x + '1'\n",
        "def f(x):\n    return x - 1\n",
        "def f(y):\n    return y + 1\n",
        "def f(x: int):\n    return x + 1\n",
        "def f(x, z=None):\n    return x + 1\n",
        "def f(x):\n    return x + 1\nf = None\n",
    ],
)
def test_a_change_of_meaning_changes_all_that_import_it_and_nothing_else(package: Write, text: str) -> None:
    before = {name: fingerprint(name) for name in ("dgm.stages.train", "dgm.models.nice", "dgm.models.vae")}
    package("leaf", text)
    after = {name: fingerprint(name) for name in before}
    assert [name for name in before if before[name] != after[name]] == ["dgm.stages.train", "dgm.models.nice"]


def test_none_differs_from_nothing(package: Write) -> None:
    package("leaf", "def f():\n    return None\n")
    before = fingerprint("dgm.leaf")
    package("leaf", "def f():\n    return\n")
    assert fingerprint("dgm.leaf") != before


def test_how_a_job_is_started_and_recorded_is_no_part_of_it(package: Write) -> None:
    before = fingerprint("dgm.stages.train")
    package("runtime/stage", "import dgm.other\nz = 3\n")
    assert fingerprint("dgm.stages.train") == before


def test_what_a_class_inherits_counts(package: Write) -> None:
    assert defines("dgm.models.derived", "Model", "sample") and defines("dgm.models.derived", "Model", "f")
    assert not defines("dgm.models.derived", "Model", "bound") and not defines("dgm.models.derived", "Model", "zero_grad")


def test_the_quotes_of_an_annotation_do_not_matter(package: Write) -> None:
    package("models/vae", "def fit(config, data: 'PointData', context): ...\n")
    assert annotation("dgm.models.vae", "fit", "data") == "PointData"
    assert annotation("dgm.models.vae", "fit", "config") == annotation("dgm.models.nice", "fit", "data") == ""


def test_a_module_named_beside_the_stage_counts(package: Write) -> None:
    before = fingerprint("dgm.stages.train", "dgm.models.vae")
    package("models/vae", "from dgm.other import y\nz = 2\n")
    assert fingerprint("dgm.stages.train", "dgm.models.vae") != before


def test_what_was_read_is_kept_for_the_next_process(package: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, followed = fingerprint("dgm.stages.train"), reachable("dgm.relative")
    _forget()
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "_tree", lambda name: pytest.fail(f"{name} is read again"))
        assert fingerprint("dgm.stages.train") == before
    kept = tmp_path / "dgm" / "__pycache__" / "provenance.json"
    for damaged in ("", "{}", "[]", kept.read_text()[:-9], kept.read_text().replace('"version": ["', '"version": ["0')):
        kept.write_text(damaged)
        _forget()
        assert (fingerprint("dgm.stages.train"), reachable("dgm.relative")) == (before, followed)
        assert kept.read_text() != damaged
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.touch()  # nothing can be kept there
    _forget()
    assert fingerprint("dgm.stages.train") == before


def test_a_module_that_does_not_exist_is_named(package: Write) -> None:
    with pytest.raises(ValueError, match=r"no module 'dgm\.models\.gan'"):
        fingerprint("dgm.stages.train", "dgm.models.gan")


def test_a_syntax_error_names_file_and_line(package: Write) -> None:
    package("leaf", "x = 1\ndef f(:\n")
    with pytest.raises(ValueError, match=r"leaf\.py: line 2: "):
        fingerprint("dgm.stages.train")


def test_a_file_is_an_entry_of_the_registry(package: Write) -> None:
    assert names("models") == ["derived", "nice", "vae"]
    assert names("sub") == ["inner"]


def test_abilities_are_read_from_the_source(package: Write) -> None:
    assert defines("dgm.models.nice", "Model", "sample")
    assert not defines("dgm.models.vae", "Model", "sample")


# the real package


def test_no_training_depends_on_another_model_on_figures_or_on_the_report() -> None:
    for kind in names("models"):
        found = reachable("dgm.stages.train", f"dgm.models.{kind}")
        others = {f"dgm.models.{other}" for other in names("models")} - {f"dgm.models.{kind}"}
        assert not found & others
        assert not [name for name in found if name.startswith(("dgm.figures", "dgm.report", "dgm.claims", "assignments"))]
        assert not found & {
            "dgm.data.sources",
            "dgm.evaluation.image_scores",
            "dgm.evaluation",
            "dgm.workflow.plan",
            "dgm.workflow.schema",
        }


def test_abilities_agree_with_the_classes() -> None:
    from dgm import models

    for kind in names("models"):
        assert defines(f"dgm.models.{kind}", "Model", "sample") == hasattr(models.load(kind).Model, "sample")
