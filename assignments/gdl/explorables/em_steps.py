"""EM for a mixture of Bernoulli vectors, one step at a time, on a few hundred small digits.

Images: 300 training images, every second row and column, a pixel on where the grey value is at least 128: D = 196.
Start: prototype k is 1/4 + x/2 for an image x that is drawn at random; equal weights.
E step: eta_ik = pi_k p(x_i | p_k) / sum over k. M step: p_kd = (sum_i eta_ik x_id + 0.01) / (N_k + 0.02), pi_k = N_k / N. The small
terms keep every probability off 0 and 1; with them an iteration raises the log-likelihood plus
0.01 sum_kd [log p_kd + log(1 - p_kd)].
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp, xlog1py, xlogy

from dgm.report.explorables import packed

__all__ = ["TOLERANCE", "TRIES", "export", "numbers"]

START = {"components": 5, "start": 0, "image": 0}

IMAGES, LARGEST, STARTS, MANY, EXTRA = 300, 12, 6, 5, 0.01
"""Images, most components, starts, iterations of a press of "run", and what the M step adds to a count."""

TRIES: Sequence[tuple[Mapping[str, float], Sequence[str]]] = (
    ({}, ()),
    ({}, ("expect",)),
    ({}, ("expect", "maximise")),
    ({"components": 2, "start": 3, "image": 7}, ("run", "run")),
    ({"components": 12, "start": 5, "image": 11}, ("run", "expect", "maximise", "maximise")),
    ({"components": 1}, ("run",)),
)

TOLERANCE = {"abs": 1e-5}
"""In nats for an image, and in probability."""


def export(sources: Mapping[str, Any]) -> dict[str, Any]:
    """The images, and which of them the prototypes start from."""
    images = _images(sources)
    return {
        "first": START,
        "largest": LARGEST,
        "many": MANY,
        "extra": EXTRA,
        "images": packed(images, "uint8"),
        "starts": packed(_starts(len(images)), "int16"),
    }


def numbers(sources: Mapping[str, Any], setting: Mapping[str, float], pressed: Sequence[str]) -> dict[str, float]:
    """The numbers shown at a setting, after the buttons."""
    at = START | dict(setting)
    x = _images(sources).astype(np.float64)
    p = 0.25 + 0.5 * x[_starts(len(x))[int(at["start"]), : int(at["components"])]]
    pi = np.full(len(p), 1 / len(p))
    eta = _expect(x, p, pi)[0]
    iterations = 0
    for name in (word for press in pressed for word in (("expect", "maximise") * MANY if press == "run" else (press,))):
        if name == "expect":
            eta = _expect(x, p, pi)[0]
        else:
            counts = eta.sum(0)
            p, pi = (eta.T @ x + EXTRA) / (counts[:, None] + 2 * EXTRA), counts / len(x)
            iterations += 1
    shown = eta[int(at["image"])]
    return {
        "log_likelihood": float(_expect(x, p, pi)[1].mean()),
        "iterations": iterations,
        "largest": float(shown.max()),
        "entropy": float(-xlogy(shown, shown).sum()),
    }


def _images(sources: Mapping[str, Any]) -> np.ndarray:
    """Binary images [n, 196]."""
    small = sources["data"]["train_images"][:IMAGES, ::2, ::2]
    return np.asarray(small >= 128, dtype=np.uint8).reshape(len(small), -1)


def _starts(images: int) -> np.ndarray:
    """Numbers of images [starts, components]."""
    draws = np.random.default_rng(0)
    return np.stack([draws.permutation(images)[:LARGEST] for _ in range(STARTS)])


def _expect(x: np.ndarray, p: np.ndarray, pi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Responsibilities [n, K] and log-likelihoods [n]."""
    joint = np.log(pi) + np.stack([(xlogy(x, each) + xlog1py(1 - x, -each)).sum(1) for each in p], axis=1)
    total = logsumexp(joint, axis=1)
    return np.exp(joint - total[:, None]), total
