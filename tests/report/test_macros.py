"""Every call an answer may make: what it inserts, and what it says when a name is wrong."""

import math

import numpy as np
import pytest
from conftest import Example

from dgm.maths.significance import DECISIVE
from dgm.report.macros import Templates, citation, duration
from dgm.report.numbers import plain
from dgm.report.results import SCATTER, Results
from dgm.runtime.files import save_arrays

ONE_SEED = "$n=1000$, one seed each, whose scatter is not in the error"


@pytest.fixture
def templates(original: Example) -> Templates:
    return Templates(original.load(), Results(original.results, original.config))


def said(templates: Templates, call: str) -> str:
    """What a call inserts, as a reader sees it."""
    return plain(templates.text(f"<< {call} >>", "here.md")).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('num("flow", "log_likelihood")', "−99.3"),
        ('num("flow", "log_likelihood", digits=2)', "−99.35"),
        ('num("flow", "log_likelihood", field="stderr")', "0.4"),
        ('num("flow", "log_likelihood", field="n")', "1000"),
        ('num("flow", "parameters", scale=1e-6, digits=1)', "19.2"),
        ('num("flow", "parameters")', "19,158,352"),
        ('pm("mix", "log_likelihood")', "−152.5 ± 1.3"),
        ('check("toy-1/integral", digits=4)', "1.3863"),
        ('check("toy-1/integral", field="stated", digits=2)', "1.39"),
        ('check("toy-1/bound")', "true"),
        ('published("toy-1/integral", digits=3)', "1.609"),
        ('setting("flow", "epochs")', "12"),
        ('setting("flow", "rate")', "0.001"),
        ('setting("mix", "components")', "5"),
        ('setting("mix", "kind")', "bmm"),
        ('seconds("flow")', "3 min 20 s"),
        ('seconds("flow", "sample")', "12 s"),
        ("dataset.name", "toys"),
        ("dataset.train", "100"),
        ("dataset.test", "20"),
        ('has_metric("mix", "parameters")', "False"),
        ('better("flow", "mix", "log_likelihood")', f"`flow` is better, by 53.2 ± 1.4 nats ({ONE_SEED})"),
        ('better("mix", "flow", "log_likelihood", labels=("M", "F"))', f"F is better, by 53.2 ± 1.4 nats ({ONE_SEED})"),
        ('better("mix", "flow", "accuracy")', f"no difference found between `mix` and `flow` (0.02 ± 0.03; {ONE_SEED})"),
    ],
)
def test_values(templates: Templates, call: str, expected: str) -> None:
    assert said(templates, call) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('num("flaw", "log_likelihood")', "no run with metrics 'flaw'; nearest: 'flow'"),
        ('num("flow", "log_likelyhood")', "no metric of run 'flow' 'log_likelyhood'; nearest: 'log_likelihood'"),
        ('num("flow", "accuracy", split="train")', "no split of metric 'accuracy' of run 'flow' 'train'; there are: 'test'"),
        ('num("flow", "accuracy", field="stdev")', "no field of metrics.csv 'stdev'; nearest: 'stderr'"),
        ('num("flow", "parameters", field="n")', "n of 'parameters' of run 'flow' (test) is not a number"),
        ('pm("flow", "parameters")', "'parameters' of run 'flow' (test): there is no standard error"),
        ('check("toy-1/integrals")', "no claim 'toy-1/integrals'; nearest: 'toy-1/integral'"),
        ('check("toy-2/leads")', "no claim 'toy-2/leads'; "),  # which is a finding
        ('check("toy-1/bound", field="computed")', "no field of checks.csv 'computed'; "),
        ('published("toy-1/bound")', "no claim that rejects a published value 'toy-1/bound'; "),
        ('setting("flow", "epoch")', "no setting of run 'flow' 'epoch'; nearest: 'epochs'"),
        ('setting("flaw", "epochs")', "no run in the config 'flaw'; nearest: 'flow'"),
        ('seconds("mix", "sample")', "no record of stage 'sample' for 'mix'; there are: 'flow'"),
        ('ref("wigle")', "no figure or table 'wigle'; nearest: 'wiggle'"),
        ('answer("toy-9")', "no question 'toy-9'; nearest: 'toy-"),
        ('cite("kingma2013")', "no paper in bibliography.yaml 'kingma2013'; nearest: 'kingma2014'"),
        ("cite()", "cite needs the key of a paper"),
        ('better("flow", "mix", "parameters")', "no metric of run 'mix' 'parameters'"),
        ('better("tiny", "tiny", "rate")', "a comparison: no metric 'rate'"),
        ('code("dgm.report.macros", "duratoin")', "nearest: 'duration'"),
        ('nun("flow", "accuracy")', "no call 'nun'; nearest: 'num'"),
        ('fig("wiggle")', "no call 'fig'"),
    ],
)
def test_messages_name_file_and_nearest_names(templates: Templates, call: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"here\.md") as caught:
        templates.text(f"First line.\n\nThird << {call} >>.", "here.md")
    assert message in str(caught.value)
    assert "line 3" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('fig("wiggle")', 'fig("wigle")', "line 14: no figure 'wigle'; nearest: 'wiggle'"),
        ('table("scores")', 'table("score")', "no table 'score'; nearest: 'scores'"),
        ('<< fig("wiggle") >>', "", "the header lists figures ['wiggle'], which the text never shows"),
        ("figures: [wiggle]", "figures: []", "figure 'wiggle' is shown but not in the header"),
        ('<< table("scores") >>', '<< fig("wiggle") >>\n', "already; refer to it with ref('wiggle')"),
        ("<< dataset.name >>", "<% if %>", "line 6: "),
        ("<< dataset.name >>", "<< dataset.size >>", "line 6: 'dict object' has no attribute 'size'"),
    ],
)
def test_messages_about_an_answer_name_its_line(example: Example, old: str, new: str, message: str) -> None:
    example.replace(example.second, old, new)
    with pytest.raises(ValueError, match=r"toy-2\.md") as caught:
        example.build()
    assert message in str(caught.value)


def test_a_verdict_follows_the_numbers_in_both_directions(example: Example) -> None:
    metrics = example.results / "tables" / "metrics.csv"
    row = "{run},bmm,{metric},{value},0.5,100,test,nats\n"
    for difference in (-3.0, -0.9, 0.0, 0.9, 3.0):
        for metric, upwards in (("log_likelihood", True), ("bits_per_dim", False)):
            text = "run,kind,metric,value,stderr,n,split,unit\n"
            text += row.format(run="one", metric=metric, value=difference) + row.format(run="two", metric=metric, value=0.0)
            metrics.write_text(text)
            templates = Templates(example.load(), Results(example.results, example.config))
            verdict = said(templates, f'better("one", "two", "{metric}", labels=("A", "B"))')
            if abs(difference) <= DECISIVE * math.hypot(0.5, 0.5):
                assert verdict.startswith("no difference found between A and B")
            else:
                assert verdict.startswith("A is better" if (difference > 0) == upwards else "B is better")


def test_a_comparison_is_paired_where_both_runs_saw_the_same_images(example: Example) -> None:
    """A difference that unpaired errors hide is found in pairs, and numbers of images and trainings are said."""
    rng = np.random.default_rng(0)
    images = rng.normal(-100, 20, 400)
    metrics, folder = example.results / "tables" / "metrics.csv", example.results / "evaluations"
    text = "run,kind,metric,value,stderr,n,split,unit\n"
    for run, values in (("flow", images), ("mix", images - 1 + rng.normal(0, 1, 400))):
        save_arrays(folder / f"{run}.npz", {"log_likelihood_test": values})
        text += f"{run},kind,log_likelihood,{values.mean()},{values.std() / 20},400,test,nats\n"
    metrics.write_text(text)
    call = 'better("flow", "mix", "log_likelihood", labels=("A", "B"), digits=2)'
    verdict = said(Templates(example.load(), Results(example.results, example.config)), call)
    assert verdict.startswith("A is better, by 1.0") and "$n=400$, paired, one seed each" in verdict
    save_arrays(folder / "mix.npz", {"log_likelihood_test": images[:300]})
    verdict = said(Templates(example.load(), Results(example.results, example.config)), call)
    assert verdict.startswith("no difference found") and "$n=400$, one seed each" in verdict


def test_the_scatter_of_training_is_in_the_error_where_it_is_known(example: Example) -> None:
    path = example.folder / "scatter.csv"
    rows = [f"toys,{run},log_likelihood,test,10,-100,30,," for run in ("flow", "mix")]
    path.write_text("\n".join([",".join(SCATTER), *rows]) + "\n")
    templates = Templates(example.load(), Results(example.results, example.config, path))
    verdict = said(templates, 'better("flow", "mix", "log_likelihood", labels=("A", "B"))')
    assert (
        verdict == "no difference found between A and B (53 ± 42 nats; $n=1000$, one seed each, error with the scatter of training)"
    )
    trial = example.config | {"limits": {"steps": 2}}
    assert Results(example.results, trial, path).metric("flow", "log_likelihood").scatter != 30


def test_durations() -> None:
    assert [duration(seconds).replace("\u00a0", " ") for seconds in (0.04, 9.96, 119, 120, 200, 3599.6, 4000, math.nan)] == [
        "0.0 s", "10 s", "119 s", "2 min", "3 min 20 s", "1 h", "1 h 7 min", "unknown time",
    ]  # fmt: skip


def test_citations(example: Example) -> None:
    papers = example.load().papers
    assert citation(papers["kingma2014"]) == "Kingma & Welling"
    assert citation(papers["dinh2015"]) == "Dinh et\u00a0al."
    assert citation(papers["uncited"]) == "Nobody"
