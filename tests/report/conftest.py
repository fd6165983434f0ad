"""A small made-up report: two chapters, two answers, an open question, a figure, a table, two runs with invented numbers."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from dgm.claims.tables import COLUMNS
from dgm.figures import style
from dgm.figures._files import save
from dgm.report.build import Report, build
from dgm.report.catalogue import Catalogue, load
from dgm.report.results import Results
from dgm.runtime.files import load_record, save_arrays, save_json, write_text
from dgm.stages import render

ROOT = Path(__file__).resolve().parents[2]

TOY = """
title: Toys
intro: 'Two questions on $\\KL(q \\,\\|\\, p)$ & more.'
questions:
  - id: toy-1
    title: The value of $\\log 4$
    statement: |
      Compute $\\int_0^1 \\log 4\\,dx$, and say why.
    kind: numeric
  - id: toy-2
    title: Which model is better?
    statement: Train both and compare.
    kind: program
"""

LATE = """
title: Later
questions:
  - {id: late-1, title: Not now, statement: 'Find $x$ with $x^2 = 2$.', kind: numeric}
"""

FIRST = """
---
question: toy-1
figures: []
tables: []
correction: {fault: wrong, printed: 'The value $\\log 5$, from $\\KL(q \\,\\|\\, p)$ & a slip.'}
argued: 'That $\\log$ is natural, a matter of convention.'
---
::: result
It is $\\log 4$, that is << check("toy-1/integral", digits=4) >> nats.
:::

By substitution,
$$\\begin{aligned} \\int_0^1 \\log 4\\,dx &= \\log 4 \\\\ &= 2\\log 2, \\end{aligned}$$
so $x_1$, $x_2$; and see << answer("toy-2") >> or << answer("toy-2", "the comparison") >>.[^a] Naïve “quotes” — and σ² ≥ 0.

[^a]: A note with $a^2$.

## A heading

| name | value |
|:-----|------:|
| $a$  | 1     |
| `b_c`| 2     |

<< code("dgm.report.macros", "duration") >>

::: correction
The published value is $\\log 5$, that is << published("toy-1/integral", digits=4) >>.
:::
"""

SECOND = """
---
question: toy-2
figures: [wiggle]
tables: [scores]
---
On << dataset.name >> with << dataset.train >> images, the flow reaches << num("flow", "log_likelihood") >> nats, that is
<< pm("flow", "log_likelihood") >>; in a formula, $\\mathcal L = << num("mix", "log_likelihood") >>$ and
$<< num("flow", "parameters") >> = << num("tiny", "rate") >>$. Outside, << num("flow", "parameters") >> and
<< num("tiny", "rate") >>.
Verdict: << better("flow", "mix", "log_likelihood", labels=("the flow", "the mixture")) >>; otherwise
<< better("flow", "mix", "accuracy") >>. It took << seconds("flow") >> with << setting("flow", "epochs") >> epochs
at rate << setting("flow", "rate") >>.

<< fig("wiggle") >>

See << ref("wiggle") >> and << ref("scores") >>, << cite("kingma2014") >> and << cite("kingma2014", "dinh2015", note="Table 2") >>,
<< cite("dinh2015", text=True) >>.

<< table("scores") >>
"""

CHAPTERS = {
    "preface": """
        ---
        title: Before & after
        place: before
        everywhere: true
        ---
        << count("questions") >> questions, << count("corrections", "wrong") >> wrong; see << answer("toy-1") >>,
        << answer("late-1") >> and << chapter("outlook") >>.

        Term
        :   What it means.
        """,
    "outlook": """
        ---
        title: Outlook
        place: after
        ---
        Back to << chapter("preface", "the preface") >>, << ref("wiggle") >> and << cite("dinh2015") >>.
        """,
}

FIGURES = """
wiggle:
  draw: wiggle
  from: {samples: samples/flow.npz, history: history/flow.csv}
  settings: {columns: 4}
  caption: Samples $x \\sim p$ after << setting("flow", "epochs") >> epochs.
  alt: 'Sixteen "noisy" tiles & a curve, << num("flow", "log_likelihood") >> nats'
  width: 0.8
"""

TABLES = """
scores:
  caption: All scores in nats.
  rows:
    - label: Flow
      run: flow
      group: '*Dequantised* << dataset.name >>'
      texts: {published: '$-1.5$ << cite("dinh2015", note="Table 2") >>'}
    - {label: 'Mixture, $K=5$', run: mix}
  columns:
    - {label: '$\\log p$', metric: log_likelihood, stderr: true}
    - {label: Parameters, metric: parameters, optional: true}
    - {label: Published, text: published, optional: true}
  notes: Larger is better.
"""

BIBLIOGRAPHY = """
kingma2014:
  authors: ['Kingma, Diederik P.', 'Welling, Max']
  title: 'Auto-Encoding Variational Bayes'
  year: 2014
  where: International Conference on Learning Representations
  url: https://arxiv.org/abs/1312.6114
dinh2015: {authors: ['Dinh, Laurent', 'Krueger, David', 'Bengio, Yoshua'], title: 'NICE', year: 2015}
uncited: {authors: ['Nobody, N.'], title: Never cited, year: 1999}
"""

METRICS = """run,kind,metric,value,stderr,n,split,unit
flow,nice,log_likelihood,-99.347,0.42,1000,test,nats
flow,nice,accuracy,0.91,0.02,1000,test,
flow,nice,parameters,19158352,,,test,
mix,bmm,log_likelihood,-152.54,1.3,1000,test,nats
mix,bmm,accuracy,0.93,0.02,1000,test,
tiny,bmm,rate,-0.0000123,,,test,
"""


def _row(**filled: object) -> str:
    """A line of ``tables/checks.csv``."""
    return ",".join(str(filled.get(column, "")) for column in COLUMNS)


TRUE = {"passed": True, "error": 0.0, "tolerance": 1e-12}
TOY_1 = {"question": "toy-1", **TRUE, "function": "assignments/toy/claims/toy.py:1 toy_1"}
TOY_2 = {"question": "toy-2", "function": "assignments/toy/claims/toy.py:9 toy_2"}
INTEGRAL = {"stated": 1.3862943611198906, "found": 1.38629436111989, "error": 6.7e-16}
LEADS = {"verdict": "shown", "threshold": "above 0.0", "found": 0.12, "stderr": 0.02, "n": 1000, "scatter": 0.01}
TRAININGS = {"trainings": 10, "shown": 10, "undecided": 0, "contradicted": 0}
CHECKED = (
    TOY_1 | INTEGRAL | {"id": "integral", "claim": "the integral of log 4 over [0; 1] is $\\log 4$", "method": "quadrature"},
    TOY_1
    | {"id": "bound", "claim": "E_q[log p] <= log p for all q", "method": "enumeration"}
    | {"stated": True, "found": True, "tolerance": 0.0},
    TOY_2
    | TRUE
    | {"id": "size", "claim": "the flow has its size", "method": "recomputation"}
    | {"stated": 1, "found": 2, "passed": "skipped"},
    TOY_2
    | LEADS
    | TRAININGS
    | {"id": "leads", "claim": "the flow recognises more digits than the mixture", "method": "measurement"},
)
CHECKS = "\n".join([",".join(COLUMNS), *(_row(**row) for row in CHECKED), ""])

CORRECTIONS = """question,fault,printed,id,claim,method,published,source,found,tolerance
toy-1,wrong,The value,integral,the integral of log 4 over [0; 1] is $\\log 4$,quadrature,1.6094379124341003,printed,1.38629436,1e-12
"""

CONFIG = {
    "dataset": "toys",
    "seed": 7,
    "variant": "",
    "limits": {},
    "runs": {
        "flow": {"kind": "nice", "data": "images", "settings": {"epochs": 12, "rate": 1e-3}},
        "mix": {"kind": "bmm", "data": "images", "settings": {"components": 5, "restarts": 10}},
    },
}


@dataclass
class Example:
    """A report folder and a results folder that tests may change before building."""

    folder: Path
    config: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(CONFIG)))

    @property
    def report(self) -> Path:
        return self.folder / "report"

    @property
    def results(self) -> Path:
        return self.folder / "results" / "toys"

    @property
    def assignments(self) -> list[Path]:
        return [self.folder / "assignments" / name for name in ("toy", "late")]

    @property
    def first(self) -> Path:
        return self.assignments[0] / "answers" / "toy-1.md"

    @property
    def second(self) -> Path:
        return self.assignments[0] / "answers" / "toy-2.md"

    def load(self) -> Catalogue:
        """What is declared."""
        return load(self.report, self.assignments)

    def replace(self, path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, text: str) -> None:
        """Add a line to the first answer."""
        with self.first.open("a") as file:
            file.write("\n" + text + "\n")

    def render(self) -> int:
        """Run the render stage."""
        folder = self.results / "report"
        words = {
            "--config-json": json.dumps(self.config),
            "--results": self.results,
            "--report-dir": self.report,
            "--html": folder / "index.html",
            "--tex": folder / "report.tex",
            "--checks": folder / "checks.tex",
            "--parts": folder / "toy.tex",
            "--record": self.results / "records" / "render" / "report.json",
            "--log": self.results / "logs" / "render" / "report.log",
        }
        folders = ["--assignments", *map(str, self.assignments)]
        return render.main([*folders, *(str(word) for pair in words.items() for word in pair)])

    def change_record(self, stage: str, name: str, **changed: Any) -> None:
        """Write a record anew, with other or more entries."""
        path = self.results / "records" / stage / f"{name}.json"
        save_json(path, {**load_record(path), **changed})

    def build(self, incomplete: bool = False) -> Report:
        return build(self.load(), Results(self.results, self.config), self.results / "report", incomplete)


def _record(folder: Path, stage: str, name: str, **extra: Any) -> None:
    record = {
        "stage": stage,
        "name": name,
        "command": f"python -m dgm.stages.{stage} --settings '{{\"a\": 1}}' --out results/toys/{name}",
        "started": "2030-01-01T00:00:00+00:00",
        "seconds": 12.3,
        "python": "3.11.0",
        "versions": {"numpy": "2.0"},
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        **extra,
    }
    save_json(folder / "records" / stage / f"{name}.json", record)


def make(folder: Path) -> Example:
    """Write the example into ``folder``."""
    example = Example(folder)
    shutil.copytree(ROOT / "report" / "templates", example.report / "templates")
    for path, text in {
        example.assignments[0] / "assignment.yaml": TOY,
        example.assignments[1] / "assignment.yaml": LATE,
        example.report / "figures.yaml": FIGURES,
        example.report / "tables.yaml": TABLES,
        example.report / "bibliography.yaml": BIBLIOGRAPHY,
        example.first: FIRST,
        example.second: SECOND,
        example.results / "tables" / "metrics.csv": METRICS,
        example.results / "tables" / "checks.csv": CHECKS,
        example.results / "tables" / "corrections.csv": CORRECTIONS,
        **{example.report / "chapters" / f"{name}.md": text for name, text in CHAPTERS.items()},
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (120, 28, 28), dtype=np.uint8)
    labels = np.zeros(120, np.uint8)
    save_arrays(
        example.results / "data" / "images.npz",
        {"train_images": pixels[:100], "train_labels": labels[:100], "test_images": pixels[100:], "test_labels": labels[100:]},
    )
    write_text(example.results / "data" / "provenance.json", json.dumps({"images": {"train": 100, "test": 20}}))
    with style.context():
        drawn, axes = style.figure(1, 2)
        axes[0, 0].plot([0, 1, 2], [1, 0, 1])
        style.show_images(axes[0, 1], pixels[:8], columns=4)
        save(drawn, "wiggle", example.results / "figures" / "wiggle.svg", example.results / "figures" / "wiggle.pdf")
    _record(example.results, "train", "flow", seconds=200.0, device="CPU", settings={"epochs": 12, "rate": 1e-3, "extra": None})
    _record(example.results, "train", "mix", dirty=True)
    for stage, name in (("plot", "wiggle"), ("sample", "flow"), ("evaluate", "flow"), ("tabulate", "metrics"), ("prepare", "data")):
        _record(example.results, stage, name)
    return example


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The example that the others are copied from; not to be changed."""
    return make(tmp_path_factory.mktemp("original"))


@pytest.fixture
def example(original: Example, tmp_path: Path) -> Example:
    """An example to change."""
    return Example(shutil.copytree(original.folder, tmp_path / "example"))


@pytest.fixture(scope="session")
def finished(original: Example, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """An example whose report was rendered by the stage; not to be changed."""
    example = Example(shutil.copytree(original.folder, tmp_path_factory.mktemp("finished") / "example"))
    assert example.render() == 0
    return example


@pytest.fixture(scope="session")
def built(original: Example) -> Report:
    """The report of the unchanged example."""
    return original.build()
