"""The schema of the config: generated, current, and clear about what is wrong."""

import copy
from typing import Any

import pytest
import yaml
from pydantic import Field

from dgm import models
from dgm.assignments import PACKAGE
from dgm.settings import Settings, parse
from dgm.workflow import schema
from dgm.workflow.schema import faults, generate, nearest

REPOSITORY = PACKAGE.parents[1]


class Plain(Settings):
    """Made-up settings without a default for ``width``."""

    width: int = Field(ge=1, le=64, description="units")
    rate: float = Field(1e-3, gt=0)
    mode: str | None = None
    sizes: list[int] = Field([1, 2])


class Other(Settings):
    """Made-up settings of another kind."""

    depth: int = Field(2, ge=0)


SCHEMA = generate({"plain": Plain, "other": Other})


def config(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "assignments": ["toy"],
        "dataset": "mnist-5k",
        "seed": 0,
        "limits": {},
        "runs": {
            "a": {"kind": "plain", "settings": {"width": 3}, "settings_for": {"mnist": {"rate": 0.5}}},
            "b": {"kind": "other"},
        },
    }
    return {**made, **changes}


def run(**changes: Any) -> dict[str, Any]:
    return config(runs={"a": {"kind": "plain", "settings": {"width": 3}, **changes}})


def test_a_good_config_has_no_faults() -> None:
    assert faults(config(), SCHEMA) == []
    assert faults(run(settings={"width": 3, "mode": None, "rate": 1, "sizes": []}), SCHEMA) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            config(sed=1),
            "sed: unknown key (did you mean seed or seeds?); known here: address, assignments, data_dir, dataset, judges, limits",
        ),
        (config(dataset="mnits"), "dataset: unknown data set 'mnits' (did you mean mnist or kmnist?); known: mnist-5k, mnist"),
        (config(seed=-1), "seed: got -1; allowed: a whole number, at least 0"),
        (config(seed=1.0), "seed: got 1.0; allowed: a whole number"),
        (config(seed=True), "seed: got True; allowed: a whole number"),
        (config(seeds=0), "seeds: got 0; allowed: a whole number, at least 1"),
        (config(seeds="3"), "seeds: got the text '3' (write it without quotes"),
        (config(seed="7"), "seed: got the text '7' (write it without quotes"),
        (config(variant="A/b"), "variant: got 'A/b'; allowed: lower-case letters"),
        (config(address="example.org"), "address: got 'example.org'; allowed: an address that begins with http:// or https://"),
        (config(address="https://example.org"), "address: got 'https://example.org'; allowed: an address that begins"),
        (config(limits={"steps": 0}), "limits.steps: got 0; allowed: a whole number, at least 1 or null"),
        (config(limits={"step": 5}), "limits.step: unknown key (did you mean steps?); known here: repeats, samples, steps"),
        (config(runs={}), "runs: got an empty block; allowed: a block of keys, 1 or more entries"),
        (config(runs=None), "runs: got nothing; allowed: a block of keys"),
        (config(runs={"Bad name": {"kind": "other"}}), "runs.Bad name: got this as a name; allowed: lower-case letters"),
        (config(runs={"a": {}}), "runs.a.kind: missing; it has no default"),
        (
            config(runs={"a": {"kind": "pain"}}),
            "runs.a.kind: unknown kind of run 'pain' (did you mean plain?); known: plain, other",
        ),
        (config(runs={"a": {"kind": "plain"}}), "runs.a.settings: missing; it has no default"),
        (run(settings={}), "runs.a.settings.width: missing; it has no default"),
        (run(settings={"width": 65}), "runs.a.settings.width: got 65; allowed: a whole number, at least 1, at most 64"),
        (run(settings={"width": 3, "rate": "1e-3"}), "runs.a.settings.rate: got the text '1e-3' (YAML takes a number with a dot"),
        (run(settings={"width": 3, "rate": 0}), "runs.a.settings.rate: got 0; allowed: a number, above 0"),
        (run(settings={"width": 3, "mode": 4}), "runs.a.settings.mode: got 4; allowed: a text or null"),
        (run(settings={"width": 3, "sizes": [1, "x"]}), "runs.a.settings.sizes.1: got 'x'; allowed: a whole number"),
        (run(settings={"width": 3, "depth": 1}), "runs.a.settings.depth: unknown key"),
        (run(settings_for={"mnits": {}}), "runs.a.settings_for.mnits: unknown key (did you mean mnist"),
        (run(settings_for={"mnist": {"rat": 1}}), "runs.a.settings_for.mnist.rat: unknown key (did you mean rate?)"),
        (run(steps=3), "runs.a.steps: unknown key; known here: data, estimates, estimates_for, kind, seed, settings, settings_for"),
    ],
)
def test_each_fault_is_one_sentence_with_path_value_and_what_is_allowed(wrong: dict[str, Any], sentence: str) -> None:
    found = faults(wrong, SCHEMA)
    assert len(found) == 1
    assert found[0].startswith(sentence)


BAD_NAMES = [
    "",
    "-x",
    "--force",
    "_x",
    ".",
    "..",
    "a.b",
    "a b",
    "a/b",
    "/a",
    "a\n",
    "a\nb",
    "a$b",
    "a;b",
    "a'b",
    "a{b}",
    "<a>",
    "A",
]
BAD_NAMES += ["é", "٣"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_a_path_or_a_shell_could_misread_is_refused(name: str) -> None:
    wrong = [config(runs={name: {"kind": "other"}}), config(rings={name: {"radius": 1.0}})]
    if name:
        wrong.append(config(variant=name))
    for each in wrong:
        assert [line for line in faults(each, SCHEMA) if "allowed: lower-case letters, digits" in line], each


@pytest.mark.parametrize("name", ["a", "7", "a-b", "vae_b_s0", "a-", "5k"])
def test_a_plain_name_is_taken(name: str) -> None:
    assert faults(config(runs={name: {"kind": "other"}}, rings={name: {"radius": 1.0}}), SCHEMA) == []
    assert faults(config(variant=name.replace("_", "-")), SCHEMA) == []


def test_all_faults_are_listed_at_once() -> None:
    found = faults(config(dataset="x", seed=-1, limits={"steps": 0}), SCHEMA)
    assert [line.partition(":")[0] for line in found] == ["dataset", "limits.steps", "seed"]


@pytest.mark.parametrize("settings", [{"width": 0}, {"width": 3, "rate": -1}, {"width": 3, "x": 1}, {"width": 1.5}, {}])
def test_the_schema_refuses_what_the_class_refuses(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"runs\.a"):
        parse(Plain, settings, "runs.a")
    assert faults(run(settings=settings), SCHEMA)


def test_generating_leaves_nothing_behind_between_kinds() -> None:
    once = generate({"plain": Plain})
    assert once == generate({"plain": Plain})
    assert "other" not in once["$defs"]


def test_the_written_schema_is_current() -> None:
    assert schema.FILE.read_text() == schema.text(generate()), "run `make schema`"


def test_the_written_schema_reads_back() -> None:
    assert schema.read() == generate()


def test_the_shipped_config_has_no_faults_and_every_class_takes_its_settings() -> None:
    shipped = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    assert faults(shipped, schema.read()) == []
    for name, block in shipped["runs"].items():
        settings = models.load(block["kind"]).Config
        for overrides in [{}, *block.get("settings_for", {}).values()]:
            parse(settings, {**block.get("settings", {}), **overrides}, f"runs.{name}")


def test_the_quick_config_holds_a_variant_and_limits_only() -> None:
    shipped = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    quick = yaml.safe_load((REPOSITORY / "tests" / "smoke.yaml").read_text())
    assert set(quick) == {"variant", "limits"}
    assert quick["variant"]
    assert faults({**copy.deepcopy(shipped), **quick}, schema.read()) == []


def test_nearest_names() -> None:
    assert nearest("nise", ["nice", "vae"]) == " (did you mean nice?)"
    assert nearest("gan", ["nice", "vae"]) == ""
