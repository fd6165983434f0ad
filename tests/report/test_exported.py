"""What figures hand to the page: packed numbers, one script, and what is said where something is missing."""

import re
from pathlib import Path

import numpy as np
import pytest
from explored import CATALOGUE, EXPLORED, REPORT

from dgm.figures import style
from dgm.report.catalogue import Explorable, explorable
from dgm.report.explorables import KINDS, as_json, packed, quantised, script, unpacked
from dgm.stages import export


@pytest.mark.parametrize("kind", KINDS)
def test_packed_arrays_come_back(kind: str) -> None:
    values = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(unpacked(packed(values, kind)), values)
    assert unpacked(packed(values, kind)).dtype == np.dtype(kind)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([1.0, np.nan], "float64", "not finite"),
        ([1.0], "float16", "got type 'float16'; allowed: float64"),
        ([256], "uint8", "uint8 does not hold these values, from 256 to 256"),
        ([0.5], "int16", "int16 does not hold"),
    ],
)
def test_what_cannot_be_packed_is_refused(values: list[float], kind: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        packed(values, kind)


@pytest.mark.parametrize("shape", [(7, 50), (50,)])
def test_eight_bits_are_off_by_half_a_step_of_their_row_at_most(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape) * 10.0 ** np.arange(shape[0] if len(shape) > 1 else 1)[:, None]
    values = values.reshape(shape)
    values[0] = 0
    found = unpacked(quantised(values))
    assert found.shape == shape
    step = np.abs(np.atleast_2d(values)).max(1, keepdims=True) / 127
    assert np.all(np.abs(np.atleast_2d(found - values)) <= step * 0.5001)


def test_only_json_is_exported() -> None:
    assert as_json({"one": np.float64(1.5)}) == '{"one":1.5}'
    for wrong in ({"array": np.zeros(2)}, {"value": float("inf")}):
        with pytest.raises(ValueError, match="packed"):
            as_json(wrong)


def test_a_mistake_in_a_script_is_said_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "curve.js"
    path.write_text('import { panel } from "dgm/view";\nexport const draw = (\n')
    with pytest.raises(ValueError, match=r"curve\.js:3: Unexpected end of file"):
        script({"mine-curve": path}, REPORT)
    path.write_text('export const end = "</script>";\nexport const draw = () => end;\n')
    assert "</script" not in script({"mine-curve": path}, REPORT)


def test_what_an_explorable_lacks_is_said(tmp_path: Path) -> None:
    entry = Explorable.model_validate({"module": "curve", "title": "Try it"})
    home = tmp_path / "mine" / "figures.yaml"
    with pytest.raises(ValueError, match=r"here: no module of .*explorables named 'curve'"):
        explorable(entry, home, "here")
    (tmp_path / "mine" / "explorables").mkdir(parents=True)
    (tmp_path / "mine" / "explorables" / "curve.py").touch()
    with pytest.raises(ValueError, match=r"here: .*curve\.js is not there"):
        explorable(entry, home, "here")


def test_a_figure_without_the_key_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.yaml"
    figures.write_text("plain: {draw: curve, caption: A curve., alt: A curve.}\n")
    words = ["--figure", "plain", "--figures", str(figures), "--results", str(tmp_path), "--data", str(tmp_path / "data.json")]
    status = export.main([*words, "--record", str(tmp_path / "record.json"), "--log", str(tmp_path / "log")])
    assert status != 0
    assert "no figure to explore 'plain'" in capsys.readouterr().err
    assert not (tmp_path / "data.json").exists()


def test_explorables_have_a_title_and_say_what_there_is_to_try() -> None:
    assert {each.figure for each in EXPLORED} <= set(CATALOGUE.figures)
    for each in EXPLORED:
        assert each.entry.title and each.entry.about
        assert "$" not in each.entry.title + each.entry.about


def test_the_page_draws_with_the_colours_of_the_figures() -> None:
    css = (REPORT / "templates" / "page" / "page.css").read_text(encoding="utf-8")
    roles = dict(re.findall(r"--([pqrst]): (#[0-9a-f]{6})", css))
    named = {"p": "grey", "q": "vermilion", "r": "blue", "s": "green", "t": "grey"}
    assert roles == {role: style.COLOURS[name].lower() for role, name in named.items()}
    classes = dict(re.findall(r"\.explored \.c(\d) \{ color: (#[0-9a-f]{6})", css))
    assert classes == {str(k): colour.lower() for k, colour in enumerate(style.CLASSES)}
