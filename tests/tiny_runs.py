"""The runs of config.yaml that pass through different code, and settings that make them narrow."""

from typing import Any

from workflows import SHIPPED

from dgm import models

__all__ = ["BATCH", "RUNS", "is_batched", "smaller"]

SMALLER = {
    "nice": {"hidden_units": 40},
    "vqvae": {"hidden_channels": 8, "residual_channels": 4, "prior_width": 8, "prior_layers": 1},
    "gan": {"grid_images": 4},
    "ebm": {"hidden_units": 16},
    "vae_conv": {"hidden_channels": 8, "residual_channels": 4},
    "vade": {"hidden": [24, 16]},
}
"""The same layers, narrower."""

BATCH = 20
"""Images a step: a training that is stopped after its first step is in the middle of an epoch."""


def path_of(block: dict[str, Any]) -> tuple[object, ...]:
    """What settles which code a run passes through: its kind and settings, without sizes and rates."""
    settings = {**block.get("settings", {}), **block.get("settings_for", {}).get(SHIPPED["dataset"], {})}
    chosen = sorted((name, value if isinstance(value, str) or not value else "given") for name, value in settings.items())
    return block["kind"], *chosen, "estimates" in block


PATHS = {path_of(block): run for run, block in reversed(SHIPPED["runs"].items())}
RUNS = [run for run in SHIPPED["runs"] if run in PATHS.values() and run not in SHIPPED["judges"]]


def is_batched(kind: str) -> bool:
    """Whether a kind is trained in batches, by :func:`dgm.training.loop.train`."""
    return "batch_size" in models.load(kind).Config.model_fields


def smaller(kind: str) -> dict[str, Any]:
    """Settings of the narrow one."""
    return SMALLER.get(kind, {}) | ({"batch_size": BATCH} if is_batched(kind) else {})
