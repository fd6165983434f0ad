"""A build with several seeds: numbers become means, what follows "±" an interval, verdicts are decided by tests over seeds."""

import numpy as np
import pytest
from conftest import Example
from scipy import stats

from dgm.report.build import build
from dgm.report.macros import Templates
from dgm.report.numbers import plain
from dgm.report.results import SCATTER, Results

LIKELIHOODS = {"flow": -99.347, "flow-seed1": -97.0, "flow-seed2": -98.2, "mix": -152.54, "mix-seed1": -150.0, "mix-seed2": -155.1}
ACCURACIES = {"flow": 0.91, "flow-seed1": 0.93, "flow-seed2": 0.95, "mix": 0.93, "mix-seed1": 0.92, "mix-seed2": 0.90}


@pytest.fixture
def repeated(example: Example) -> Example:
    """The example with three seeds of both runs; the flow's parameters stand in its first seed alone, as do all numbers of tiny."""
    path = example.results / "tables" / "metrics.csv"
    rows = [
        f"{run},kind,{metric},{value},0.5,1000,test,{unit}"
        for metric, unit, values in (("log_likelihood", "nats", LIKELIHOODS), ("accuracy", "", ACCURACIES))
        for run, value in values.items()
        if "-seed" in run
    ]
    path.write_text(path.read_text() + "\n".join(rows) + "\n")
    example.config |= {"seeds": 3, "instances": {f"{run}-seed{i}": run for run in ("flow", "mix") for i in (1, 2)}}
    return example


def said(example: Example, call: str) -> str:
    templates = Templates(example.load(), Results(example.results, example.config))
    return plain(templates.text(f"<< {call} >>", "here.md")).replace("\u00a0", " ")


def over(values: dict[str, float], run: str) -> list[float]:
    return [value for name, value in values.items() if name.startswith(run)]


def test_numbers_are_means_with_half_their_interval(repeated: Example) -> None:
    interval = stats.ttest_1samp(over(LIKELIHOODS, "flow"), 0).confidence_interval(0.95)
    half = (interval.high - interval.low) / 2
    metric = Results(repeated.results, repeated.config).metric("flow", "log_likelihood")
    assert metric.value == pytest.approx(np.mean(over(LIKELIHOODS, "flow")))
    assert metric.spread == pytest.approx(half) and metric.seeds == 3
    assert said(repeated, 'num("flow", "log_likelihood", digits=3)') == "−98.182"
    assert said(repeated, 'num("flow", "log_likelihood", field="seeds")') == "3"
    assert said(repeated, 'pm("flow", "log_likelihood", digits=2)') == f"−98.18 ± {half:.2f}"


def test_what_has_one_seed_keeps_its_standard_error(repeated: Example, example: Example) -> None:
    assert said(repeated, 'num("flow", "parameters", field="seeds")') == "1"
    assert said(repeated, 'num("tiny", "rate", field="seeds")') == "1"
    example.config |= {"seeds": 1, "instances": {}}
    assert said(example, 'pm("flow", "log_likelihood")') == "−99.3 ± 0.4"


def test_a_verdict_is_that_of_a_test_over_seeds(repeated: Example) -> None:
    expected = stats.ttest_ind(over(LIKELIHOODS, "flow"), over(LIKELIHOODS, "mix"), equal_var=False)
    half = (expected.confidence_interval().high - expected.confidence_interval().low) / 2
    difference = np.mean(over(LIKELIHOODS, "flow")) - np.mean(over(LIKELIHOODS, "mix"))
    call = 'better("{}", "{}", "log_likelihood", labels=("A", "B"), digits=2)'
    assert expected.pvalue < 0.05
    assert said(repeated, call.format("flow", "mix")) == f"A is better, by {difference:.2f} ± {half:.2f} nats (3 and 3 seeds)"
    assert said(repeated, call.format("mix", "flow")) == f"B is better, by {difference:.2f} ± {half:.2f} nats (3 and 3 seeds)"


def test_a_difference_within_the_spread_of_seeds_is_none(repeated: Example) -> None:
    assert stats.ttest_ind(over(ACCURACIES, "flow"), over(ACCURACIES, "mix"), equal_var=False).pvalue > 0.05
    assert said(repeated, 'better("flow", "mix", "accuracy")').startswith("no difference found between `flow` and `mix` (0.01")


def test_tables_say_what_they_show(repeated: Example) -> None:
    path = repeated.report / "tables.yaml"
    path.write_text(path.read_text().replace("  notes:", "    - {label: Seeds, metric: log_likelihood, field: seeds}\n  notes:"))
    report = repeated.build()
    remark = "In this build: mean over 3 seeds, ± half its 95\u00a0% interval; one seed of runs that are not repeated."
    assert f'<p class="notes">{remark}</p>' in report.html
    assert remark.replace("%", "\\%") in report.tex
    table = report.html.partition('id="tab-scores"')[2].partition("</table>")[0]
    assert table.count("<td>3</td>") == 2
    assert "−98" in table and "±" in table


def test_tables_can_show_what_repeated_trainings_and_other_classifiers_change(example: Example) -> None:
    columns = "".join(
        f"    - {{label: {field}, metric: log_likelihood, field: {field}, digits: 2}}\n" for field in ("scatter", "judged")
    )
    table = example.report / "tables.yaml"
    table.write_text(table.read_text().replace("  notes:", f"{columns}  notes:"))
    path = example.folder / "scatter.csv"
    path.write_text(f"{','.join(SCATTER)}\ntoys,flow,log_likelihood,test,10,-100,30.25,9,4.75\n")
    found = build(example.load(), Results(example.results, example.config, path), example.folder).html
    rows = found.partition('id="tab-scores"')[2].partition("</table>")[0]
    assert "<td>30.25</td><td>4.75</td>" in rows.replace("\n", "")
    assert "<td>–</td><td>–</td>" in rows.replace("\n", "")


def test_tables_of_one_seed_say_nothing_of_seeds(example: Example) -> None:
    report = example.build()
    assert "In this build" not in report.html and "In this build" not in report.tex


def test_costs_are_numbers_like_others(example: Example) -> None:
    header = "run,kind,metric,value,stderr,n,split,unit\n"
    (example.results / "tables" / "costs.csv").write_text(header + "flow,nice,peak_memory,1234.5,nan,1,train,MB\n")
    assert said(example, 'num("flow", "peak_memory", split="train", digits=0)') == "1234"
    assert said(example, 'device("flow")') == "CPU"
    with pytest.raises(ValueError, match="no record of stage 'sample' for 'mix'"):
        said(example, 'device("mix", "sample")')
