"""What jobs ask of a scheduler: the shipped file, and the messages for a wrong one."""

from pathlib import Path

import pytest
import yaml

from dgm.assignments import PACKAGE
from dgm.workflow.fingerprint import names
from dgm.workflow.plan import Plan
from dgm.workflow.resources import STAGES, Requests

REPOSITORY = PACKAGE.parents[1]
EVERY_RUN = {stage: {"threads": 1, "gpu": 1, "mem_mb": 1000, "runtime": 10} for stage in STAGES}
KINDS = {"nice": "nice", "vae": "vae_mlp", "vae_other": "vae_mlp"}


def requests(folder: Path, **blocks: object) -> Requests:
    path = folder / "resources.yaml"
    path.write_text(yaml.safe_dump({"every_run": EVERY_RUN, **blocks}))
    return Requests(path, KINDS, names("models"))


def test_every_job_of_the_shipped_config_has_a_request() -> None:
    plan = Plan(yaml.safe_load((REPOSITORY / "config.yaml").read_text()) | {"seeds": 2}, REPOSITORY)
    for run in plan.trained:
        for stage in STAGES:
            assert plan.request(stage, run).runtime > 0
    on_the_cpu = {run for run in plan.runs if plan.kind(run) == "pixel_clusters"}
    assert on_the_cpu and all(plan.request("train", run).gpu == 0 for run in on_the_cpu)
    assert plan.request("train", "nice").gpu == 1
    assert plan.request("train", "nice-seed1") == plan.request("train", "nice")


def test_a_kind_and_then_a_run_are_laid_over(tmp_path: Path) -> None:
    found = requests(tmp_path, kinds={"vae_mlp": {"train": {"runtime": 20}}}, runs={"vae_other": {"train": {"threads": 4}}})
    assert found.of("train", "nice").runtime == 10
    assert (found.of("train", "vae").runtime, found.of("train", "vae").threads) == (20, 1)
    assert (found.of("train", "vae_other").runtime, found.of("train", "vae_other").threads) == (20, 4)
    assert found.of("sample", "vae_other") == found.of("sample", "nice")


def test_a_long_training_has_more_threads_where_cores_are_many(tmp_path: Path) -> None:
    request = requests(tmp_path, kinds={"nice": {"train": {"threads_from": {16: 8, 4: 2}}}}).of("train", "nice")
    asked = {1: 1, 3: 1, 4: 2, 15: 2, 16: 8, 64: 8, None: 1}
    assert {cores: request.threads_with(cores) for cores in asked} == asked


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"kinds": {"vea_mlp": {}}}, "kinds: no kind 'vea_mlp'; nearest: 'vae_mlp'"),
        ({"runs": {"nise": {}}}, "runs: no run 'nise'; nearest: 'nice'"),
        ({"kinds": {"nice": {"traine": {}}}}, "kinds.nice: no stage 'traine'; nearest: 'train'"),
        ({"kinds": {"nice": {"train": {"gpu": 2}}}}, r"train of run nice\.gpu: got 2"),
        ({"kinds": {"nice": {"train": {"memory": 2}}}}, r"train of run nice\.memory: unknown key"),
        ({"kinds": {"nice": {"train": {"threads_from": {4: 0}}}}}, r"train of run nice\.threads_from\.4: got 0"),
        ({"every_run": {**EVERY_RUN, "sample": {}}}, r"sample of run nice\.threads: missing"),
        ({"each": {}}, "no block 'each'"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, blocks: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        requests(tmp_path, **blocks)
    assert "resources.yaml" in str(caught.value)
