"""What a config asks for, and what is found wrong before any job starts."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dgm.assignments import PACKAGE
from dgm.settings import Limits
from dgm.workflow.fingerprint import names
from dgm.workflow.plan import LIMITS_OF, Plan, flags, gpu_limit

REPOSITORY = PACKAGE.parents[1]
SHIPPED: dict[str, Any] = yaml.safe_load((REPOSITORY / "config.yaml").read_text())


def plan(**changes: Any) -> Plan:
    return Plan({**SHIPPED, **changes}, REPOSITORY)


def test_results_of_data_sets_and_variants_never_share_a_folder() -> None:
    folders = [plan(dataset=dataset, variant=variant).results for dataset in ("mnist-5k", "mnist") for variant in ("", "smoke")]
    assert folders == ["results/mnist-5k", "results/mnist-5k-smoke", "results/mnist", "results/mnist-smoke"]


@pytest.mark.parametrize(("dataset", "variant"), [("mnist", "5k"), ("mnist", "5k-smoke")])
def test_a_variant_that_would_lead_into_the_folder_of_another_data_set_is_refused(dataset: str, variant: str) -> None:
    with pytest.raises(ValueError, match=f"^variant: got '{variant}'; results/mnist-5k.* would be a folder of data set mnist-5k"):
        plan(dataset=dataset, variant=variant)
    assert plan(dataset="mnist", variant="5k2").results == "results/mnist-5k2"
    assert plan(dataset="mnist-5k", variant="5k").results == "results/mnist-5k-5k"


@pytest.mark.parametrize("name", ["a{run}", "}", "<results>", "<"])
def test_a_folder_that_reads_as_a_placeholder_is_refused(name: str, repository: Path) -> None:
    with pytest.raises(ValueError, match=r"^data_dir: .*holds one of \{ \} < >"):
        plan(dataset="mnist", data_dir=name)
    moved = repository.rename(repository.with_name(f"{repository.name}{name}"))
    with pytest.raises(ValueError, match=r"^the workflow's folder .*holds one of \{ \} < >"):
        Plan(SHIPPED, moved)


def test_settings_of_a_data_set_are_laid_over_the_others() -> None:
    runs = {
        **SHIPPED["runs"],
        "nice": {"kind": "nice", "settings": {"epochs": 9, "batch_size": 4}, "settings_for": {"mnist-5k": {"epochs": 7}}},
    }
    assert json.loads(plan(runs=runs).settings("nice")) == {"epochs": 7, "batch_size": 4}
    assert json.loads(plan(runs=runs, dataset="kmnist").settings("nice")) == {"epochs": 9, "batch_size": 4}


def test_the_report_is_told_all_settings_in_force() -> None:
    runs = {**SHIPPED["runs"], "nice": {"kind": "nice", "settings": {"epochs": 9}, "settings_for": {"mnist-5k": {"epochs": 7}}}}
    told = json.loads(plan(runs=runs).config_json())["runs"]
    assert told["nice"]["settings"]["epochs"] == 7  # laid over for the data set
    assert told["nice"]["settings"]["couplings"] == 4  # a default of the kind
    assert (told["nice"]["data"], told["gmm_r1"]["data"]) == ("images", "ring_r1")


def test_a_known_address_reaches_the_report_and_changes_no_run() -> None:
    before, after = plan(), plan(address="https://example.org/a/")
    assert json.loads(after.config_json())["address"] == "https://example.org/a/"
    for run in before.trained:
        assert (after.settings(run), after.seed_of(run)) == (before.settings(run), before.seed_of(run))


def test_the_order_of_keys_decides_nothing() -> None:
    def settings(*keys: str) -> str:
        block = {"kind": "nice", "settings": dict.fromkeys(keys, 3)}
        return plan(runs={**SHIPPED["runs"], "nice": block}).settings("nice")

    assert settings("epochs", "batch_size") == settings("batch_size", "epochs")


def test_each_stage_is_told_the_limits_it_acts_on() -> None:
    limited = plan(limits={"steps": 3, "samples": 16, "test_images": 50, "train_images": None})
    assert json.loads(limited.limits_of("prepare")) == {"test_images": 50}
    assert json.loads(limited.limits_of("train")) == {"steps": 3}
    assert json.loads(limited.limits_of("sample")) == {"samples": 16}
    assert json.loads(limited.limits_of("estimate")) == {"steps": 3, "samples": 16}
    assert json.loads(limited.limits_of("check")) == {"steps": 3, "samples": 16, "test_images": 50}
    assert set().union(*LIMITS_OF.values()) == set(Limits.model_fields)


def test_code_differs_between_kinds_and_stages() -> None:
    made = plan()
    digests = {made.code(stage, f"models.{kind}") for stage in ("train", "sample") for kind in names("models")}
    assert len(digests) == 2 * len(names("models"))


def test_only_models_that_sample_are_sampled() -> None:
    assert "classifier" not in plan().sampled_runs
    assert set(plan().runs) - set(plan().sampled_runs) == {"classifier", "classifier_second", "kmeans_pixels", "gmm_pixels"}


@pytest.mark.parametrize("missing", ["classifier", "classifier_second"])
def test_a_config_without_a_classifier_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=f"judges: no run '{missing}'"):
        plan(runs={name: block for name, block in SHIPPED["runs"].items() if name != missing})


def test_there_is_a_sample_for_every_test_image() -> None:
    assert {plan(dataset=name).draws("nice") for name in ("mnist", "fashion-mnist", "kmnist")} == {10_000}
    assert plan().draws("nice") >= 1_000
    assert plan(dataset="mnist").draws("kde_r1") == plan().draws("kde_r1") == 2_000


def test_samples_of_images_are_measured_with_both_classifiers() -> None:
    made = plan()
    assert made.evidence("nice") == {
        "classifiers": ["models/classifier.pt", "models/classifier_second.pt"],
        "references": ["references/classifier.npz", "references/classifier_second.npz"],
        "samples": ["samples/nice.npz"],
    }
    assert all(made.evidence(run) == {} for run in ("kde_r1", "classifier", "classifier_second"))
    assert [run for run in made.runs if made.scale(run)] == ["classifier"]
    assert {job for job in made.jobs() if job.startswith("reference/")} == {"reference/classifier", "reference/classifier_second"}


def test_all_faults_of_a_config_come_at_once() -> None:
    with pytest.raises(ValueError, match="dataset: unknown") as caught:
        plan(dataset="cifar", seed=-1)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["dataset", "seed"]


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data_dir: .* lacks train-images-idx3-ubyte"):
        plan(dataset="mnist", data_dir=str(tmp_path))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one assignment that reads all runs, with a single figure and table."""
    for name in ("templates", "bibliography.yaml"):
        (tmp_path / "report").mkdir(exist_ok=True)
        copy = shutil.copytree if name == "templates" else shutil.copy
        copy(REPOSITORY / "report" / name, tmp_path / "report" / name)
    for part in ("schemas", "resources.yaml"):
        copy = shutil.copytree if part == "schemas" else shutil.copy
        copy(REPOSITORY / "workflow" / part, tmp_path / "workflow" / part)
    write(tmp_path)
    return tmp_path


def write(repository: Path, figure: dict[str, Any] | None = None, table: dict[str, Any] | None = None, **change: Any) -> None:
    """Write the assignment."""
    folder = repository / "assignments" / "toy"
    folder.mkdir(parents=True, exist_ok=True)
    question = {"id": "toy-1", "title": "T", "statement": "S"}
    declared = {"title": "Toys", "runs": list(SHIPPED["runs"]), "questions": [question], **change}
    (folder / "assignment.yaml").write_text(yaml.safe_dump(declared))
    (folder / "figures.yaml").write_text(yaml.safe_dump({"curve": figure or FIGURE}))
    (folder / "tables.yaml").write_text(yaml.safe_dump({"scores": table} if table else {}))


TOY = {**SHIPPED, "assignments": ["toy"]}
FIGURE = {"draw": "learning_curves", "from": {"nice": "history/nice.csv"}, "caption": "C", "alt": "A"}


def test_a_figure_belongs_to_the_part_of_the_report_that_shows_it(repository: Path) -> None:
    answers = repository / "assignments" / "toy" / "answers"
    assert Plan(TOY, repository).category("curve") == "Shown nowhere"
    answers.mkdir()
    (answers / "toy-1.md").write_text("---\nquestion: toy-1\nfigures: [curve]\n---\nText.\n")
    assert Plan(TOY, repository).category("curve") == "Toys"
    (answers / "toy-1.md").unlink()
    chapters = repository / "report" / "chapters"
    chapters.mkdir()
    (chapters / "more.md").write_text("---\ntitle: More\nplace: end\nfigures: [curve]\n---\nText.\n")
    assert Plan(TOY, repository).category("curve") == "More"


def test_a_figure_names_its_sources(repository: Path) -> None:
    assert Plan(TOY, repository).sources("curve") == ["history/nice.csv"]


def test_a_caption_does_not_redraw_a_figure(repository: Path) -> None:
    before = Plan(TOY, repository).drawing("curve")
    write(repository, {**FIGURE, "caption": "Better"})
    assert Plan(TOY, repository).drawing("curve") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"draw": "learning_curve"},
            r"curve\.draw: no module of assignments\.toy\.drawings or dgm\.figures named 'learning_curve'; "
            r"nearest: 'learning_curves'",
        ),
        (
            {"from": {"x": "history/nise.csv"}},
            r"curve\.from\.x: no file of its runs called 'history/nise\.csv'; nearest: 'history/nice",
        ),
        ({"from": {"x": "samples/classifier.npz"}}, "no file of its runs called 'samples/classifier.npz'"),
    ],
)
def test_a_figure_of_what_is_not_made_is_refused(repository: Path, change: dict[str, Any], message: str) -> None:
    write(repository, {**FIGURE, **change})
    with pytest.raises(ValueError, match=message):
        Plan(TOY, repository)


def test_a_table_of_an_unknown_run_is_refused(repository: Path) -> None:
    table = {"caption": "C", "rows": [{"label": "L", "run": "nise"}], "columns": [{"label": "M", "metric": "m"}]}
    write(repository, table=table)
    with pytest.raises(ValueError, match=r"tables\.yaml: scores: no run 'nise'; nearest: 'nice'"):
        Plan(TOY, repository)


def test_files_become_options() -> None:
    assert flags({"model": "a.pt", "train_record": "b c.json"}) == ["--model", "a.pt", "--train-record", "b c.json"]


def test_the_gpu_limit_is_what_the_user_said_or_the_machine_has() -> None:
    assert gpu_limit(["_cores"], 4) == 4
    assert gpu_limit(["_cores"], 4, jobs=3) == 12
    assert gpu_limit(["_cores", "gpu"], 4) is None
    assert gpu_limit(["_cores"], 0) is None


def test_trainings_start_in_the_order_of_the_config() -> None:
    plan = Plan(SHIPPED)
    priorities = [plan.priority(run) for run in plan.runs]
    assert priorities == sorted(set(priorities), reverse=True)
    assert min(priorities) > 0  # the stages that follow a training have priority 0


def runs_with(**changed: Any) -> dict[str, Any]:
    return {**SHIPPED["runs"], **changed}


def test_a_run_is_fitted_to_the_ring_it_names_or_to_the_images() -> None:
    made = plan()
    assert made.data("gmm_r1") == "ring_r1"
    assert made.data("nice") == "images"
    assert {made.data(run) for run in made.runs} == {"images", *made.rings}
    assert not made.judged("ebm_r10")  # the digit classifier has no say about points
    assert made.judged("nice")


@pytest.mark.parametrize(
    ("name", "block", "message"),
    [
        ("kde_x", {"kind": "kde"}, r"runs\.kde_x\.data: missing; a run of kind kde needs one of: ring_r10, ring_r1"),
        ("kde_x", {"kind": "kde", "data": "ring_r11"}, r"runs\.kde_x\.data: no ring 'ring_r11'; nearest: 'ring_r1"),
        ("nice", {"kind": "nice", "data": "ring_r1"}, r"runs\.nice\.data: got 'ring_r1'; a run of kind nice .* takes no such key"),
        ("nice", {"kind": "nice", "data": "images"}, r"runs\.nice\.data: got 'images'"),
    ],
)
def test_data_that_do_not_fit_a_kind_are_refused(name: str, block: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(runs=runs_with(**{name: block}))


def test_without_rings_no_model_of_points_can_be_fitted() -> None:
    with pytest.raises(ValueError, match="needs one of: no ring"):
        plan(rings={}, runs=runs_with(kde_x={"kind": "kde"}))


@pytest.mark.parametrize("name", ["gmm_r10", "two_mode_fits", "real_test", "images"])
def test_a_ring_with_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: names more than one run, ring or demonstration"):
        plan(rings={**SHIPPED["rings"], name: {"radius": 2.0}})


def test_a_run_called_like_an_illustration_is_refused() -> None:
    with pytest.raises(ValueError, match="mean_field: names more than one"):
        plan(runs=runs_with(mean_field={"kind": "nice"}))


def test_a_seed_of_a_run_stands_in_for_the_common_one() -> None:
    made = plan(seed=4, runs=runs_with(nice={"kind": "nice", "seed": 7}))
    assert made.seed_of("nice") == 7
    assert made.seed_of("gmm_r10") == 4


# seeds


def test_one_seed_repeats_nothing() -> None:
    assert plan().instances == {} and plan().trained == plan().runs
    without = {key: value for key, value in SHIPPED.items() if key != "seeds"}
    assert Plan(without, REPOSITORY).instances == {}


def test_runs_of_images_without_a_seed_of_their_own_are_repeated(repository: Path) -> None:
    write(repository, {**FIGURE, "from": {}}, runs=[])
    runs = {
        "classifier": {"kind": "classifier"},
        "classifier_second": {"kind": "classifier"},
        "floor": {"kind": "resample"},
        "flow_a-b": {"kind": "nice", "settings_for": {"mnist-5k": {"epochs": 7}}},
        "seeded": {"kind": "nice", "seed": 0},
        "points": {"kind": "kde", "data": "ring_r1"},
    }
    made = Plan({**TOY, "runs": runs, "seed": 4, "seeds": 3}, repository)
    assert made.instances == {"flow_a-b-seed1": "flow_a-b", "flow_a-b-seed2": "flow_a-b"}
    assert made.runs == list(runs) and made.trained == [*runs, *made.instances]
    assert [made.seed_of(run) for run in ("flow_a-b", *made.instances, "seeded", "points")] == [4, 5, 6, 0, 4]
    for instance in made.instances:
        for asked in (made.kind, made.settings, made.data, made.samples, made.judged, made.priority):
            assert asked(instance) == asked("flow_a-b")
        assert {f"{stage}/{instance}" for stage in ("train", "sample", "evaluate")} <= set(made.jobs())
        assert f"metrics/{instance}.csv" in made.metric_files()
        assert not any(instance in name for name in (*made.records(), *made.artefacts(), *made.measured))
    assert json.loads(made.config_json())["instances"] == made.instances and made.repeated == ["flow_a-b"]


def test_a_run_whose_likelihood_is_estimated_is_so_with_every_seed() -> None:
    made = plan(seeds=2)
    estimated = [run for run in made.estimated_runs if f"{run}-seed1" in made.instances]
    assert estimated
    for run in estimated:
        assert made.estimates(f"{run}-seed1") == made.estimates(run)
        assert {f"estimate/{run}", f"estimate/{run}-seed1"} <= set(made.jobs())
        assert {f"estimates/{run}.csv", f"estimates/{run}-seed1.csv"} <= set(made.metric_files())
    assert set(made.estimated_runs) <= set(made.runs)


def test_the_pattern_matches_what_is_trained_and_nothing_else() -> None:
    for seeds in (1, 2, 12):
        made = plan(seeds=seeds)
        # Snakemake puts the pattern into a path, so what follows the name is a slash or a dot
        pattern = re.compile(f"(?P<run>{made.pattern})[.]pt$")
        assert [pattern.match(f"{name}.pt")["run"] for name in made.trained] == made.trained
        others = [f"nice-seed{seeds}", "nice-seed0", "nice-seed01", "classifier-seed1", "ring_r10", *made.demonstrations]
        assert [name for name in others if pattern.match(f"{name}.pt")] == []


def test_the_pattern_does_not_grow_with_runs_times_seeds() -> None:
    few, many = (plan(seeds=seeds) for seeds in (2, 102))
    assert len(many.trained) - len(few.trained) == 100 * len(many.repeated)
    assert len(many.pattern) - len(few.pattern) < 100 * len("-seed100")


def test_more_seeds_leave_the_jobs_of_the_runs_as_they_are() -> None:
    few, many = plan(), plan(seeds=3)
    for run in few.runs:
        for asked in ("seed_of", "settings", "kind", "data"):
            assert getattr(few, asked)(run) == getattr(many, asked)(run)


@pytest.mark.parametrize("named", ["runs", "rings"])
def test_a_name_that_a_repeated_run_gets_is_refused_once(named: str) -> None:
    taken = {"kind": "nice", "seed": 1} if named == "runs" else {"radius": 2.0}
    changed = {named: {**SHIPPED[named], "nice-seed2": taken}}
    assert plan(**changed, seeds=2)
    with pytest.raises(
        ValueError, match=r"^nice-seed2: is what run nice is called with another seed \(seeds: 3\); call it otherwise$"
    ):
        plan(**changed, seeds=3)


def test_impossible_rings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rings\.ring_r1\.radius"):
        plan(rings={**SHIPPED["rings"], "ring_r1": {"radius": -1.0}})


def test_likelihoods_are_estimated_where_the_config_asks_for_it() -> None:
    block = {**SHIPPED["runs"]["vae_full_s0"], "estimates": {"images": 7}}
    made = plan(runs=runs_with(vae_full_s0=block))
    assert "vae_full_s0" in made.estimated_runs
    assert json.loads(made.estimates("vae_full_s0")) == {"images": 7}
    assert "estimate/vae_full_s0" in made.records()
    assert {"estimates/vae_full_s0.npz", "estimates/vae_full_s0.csv"} <= set(made.artefacts())
    assert "estimates/nice.npz" not in made.artefacts()


def test_a_data_set_may_have_budgets_of_its_own() -> None:
    block = {**SHIPPED["runs"]["vae_full_s0"], "estimates": {"images": 7, "chains": 2}, "estimates_for": {"mnist": {"images": 9}}}
    assert json.loads(plan(runs=runs_with(vae_full_s0=block)).estimates("vae_full_s0")) == {"images": 7, "chains": 2}
    assert json.loads(plan(runs=runs_with(vae_full_s0=block), dataset="mnist").estimates("vae_full_s0")) == {
        "images": 9,
        "chains": 2,
    }
    del block["estimates"]
    with pytest.raises(
        ValueError, match=r"^runs\.vae_full_s0\.estimates_for: nothing to lay it over; the run needs a key estimates"
    ):
        plan(runs=runs_with(vae_full_s0=block))


@pytest.mark.parametrize("run", ["nice", "bmm_k20", "gmm_r10", "classifier"])
def test_estimates_of_a_model_without_a_decoder_are_refused(run: str) -> None:
    block = {**SHIPPED["runs"][run], "estimates": {}}
    with pytest.raises(ValueError, match=rf"^runs\.{run}\.estimates: a model of kind {block['kind']} has no decoder") as caught:
        plan(runs=runs_with(**{run: block}))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("estimates", "message"), [({"image": 3}, "unknown key"), ({"chains": 0}, "got 0; allowed: a whole number, at least 1")]
)
def test_impossible_budgets_of_estimates_are_refused(estimates: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"runs\.vae_mlp\.estimates\.\w+: {message}"):
        plan(runs=runs_with(vae_mlp={"kind": "vae_mlp", "estimates": estimates}))


def test_reading_the_workflow_imports_no_library_that_computes() -> None:
    """Every call of Snakemake does it, a dry run and each job of a cluster among them."""
    code = "import sys, dgm.workflow.plan; print(sorted({'torch', 'pandas', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
