"""The claims about the adversarial game and the shifted intervals fail when a formula, a published value or a drawing is wrong."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from shipped import claims

from dgm.claims.evidence import Evidence
from dgm.maths import adversarial_game, divergences
from dgm.runtime.files import load_arrays, save_arrays

DEMONSTRATIONS = ("shifted_intervals", "optimal_discriminator")
CHECKS = {name: claims("vaegan")[name] for name in (f"vaegan-3{part}" for part in "abcde")}


@pytest.fixture
def results(tiny_results: Path) -> Path:
    """A build's arrays of the demonstrations, which no budget limits."""
    return tiny_results


def false_claims(question: str, results: Path) -> list[str]:
    """Statements of the claims that do not hold."""
    return [claim.statement for claim in CHECKS[question](Evidence(results)) if not claim.passed]


@pytest.mark.parametrize("question", CHECKS)
def test_claims_hold(question: str, results: Path) -> None:
    tested = list(CHECKS[question](Evidence(results)))
    assert [claim.statement for claim in tested if not claim.passed] == []
    statements = [claim.statement for claim in tested]
    assert len(set(statements)) == len(statements) >= 8


def swapped_value(data, model, discriminator):
    """The value with the two players' laws exchanged."""
    return float((model * np.log(discriminator) + data * np.log(1 - discriminator)).sum())


MUTATIONS: list[tuple[str, object, str, Callable[..., object]]] = [
    ("vaegan-3a", adversarial_game, "value", swapped_value),
    ("vaegan-3a", adversarial_game, "value", lambda p, g, d: float((p * np.log(d) - g * np.log(1 - d)).sum())),
    ("vaegan-3a", adversarial_game, "generated_law", lambda outputs, noise, points: np.array([0.5, 0.5, 0.0])),
    ("vaegan-3b", adversarial_game, "generated_law", lambda outputs, noise, points: noise[:points]),
    ("vaegan-3b", adversarial_game, "value", lambda p, g, d: float((p * np.log(d) + g * np.log(1 - d)).mean())),
    ("vaegan-3c", adversarial_game, "best_discriminator", lambda p, g: np.asarray(g) / (np.asarray(p) + g + 1e-300)),
    ("vaegan-3c", adversarial_game, "best_discriminator", lambda p, g: np.asarray(p) / (np.maximum(p, g) + 1e-300)),
    ("vaegan-3c", adversarial_game, "shortfall", lambda p, g, d: 2 * adversarial_game.jensen_shannon(p, g)),
    ("vaegan-3d", adversarial_game, "jensen_shannon", lambda p, q: adversarial_game.kl_discrete((p + q) / 2, p)),
    ("vaegan-3d", adversarial_game, "best_value", lambda p, g: -math.log(2) + 2 * adversarial_game.jensen_shannon(p, g)),
    ("vaegan-3d", adversarial_game, "best_value", lambda p, g: -math.log(4) + adversarial_game.jensen_shannon(p, g)),
    ("vaegan-3d", adversarial_game, "best_discriminator", lambda p, g: p),
    ("vaegan-3e", divergences, "kl_uniform", lambda p, q: 0.0),
    ("vaegan-3e", adversarial_game, "wasserstein_uniform", adversarial_game.overlap),
    ("vaegan-3e", adversarial_game, "jensen_shannon_uniform", lambda p, q: (1 - adversarial_game.overlap(p, q)) / 2),
    ("vaegan-3e", adversarial_game, "kl_uniform_to_smoothed", lambda p, q, b, e: math.log(1 / e)),
]


@pytest.mark.parametrize(
    ("question", "owner", "name", "wrong"), MUTATIONS, ids=[f"{row[0]}-{row[2]}-{i}" for i, row in enumerate(MUTATIONS)]
)
def test_a_wrong_formula_is_rejected(
    question: str, owner: object, name: str, wrong: Callable[..., object], results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, results)


def test_a_generator_fed_with_data_is_rejected(results: Path) -> None:
    """The question's text gives the generator the argument x; the game would then be won by copying."""
    (claim,) = (claim for claim in CHECKS["vaegan-3a"](Evidence(results)) if claim.published is not None)
    assert claim.published == pytest.approx(-2 * math.log(2))
    assert not dataclasses.replace(claim, stated=claim.published, published=None).passed


@pytest.mark.parametrize(
    ("question", "demonstration", "array"),
    [
        ("vaegan-3c", "optimal_discriminator", "discriminator"),
        ("vaegan-3c", "optimal_discriminator", "best"),
        ("vaegan-3e", "shifted_intervals", "wasserstein"),
        ("vaegan-3e", "shifted_intervals", "jensen_shannon"),
        ("vaegan-3e", "shifted_intervals", "smoothed"),
        ("vaegan-3e", "shifted_intervals", "infinite"),
    ],
)
def test_a_drawing_of_other_numbers_is_rejected(
    question: str, demonstration: str, array: str, results: Path, tmp_path: Path
) -> None:
    for name in DEMONSTRATIONS:
        arrays = load_arrays(results / "arrays" / f"{name}.npz")
        if name == demonstration:
            values = arrays[array]
            arrays[array] = ~values if values.dtype == bool else 0.9 * values
        save_arrays(tmp_path / "arrays" / f"{name}.npz", arrays)
    assert any("drawn" in statement for statement in false_claims(question, tmp_path))
