"""Settings: typed, immutable, and rejected with the path of the key that is wrong.

Every model declares a subclass of :class:`Settings` named ``Config``; :func:`parse` turns a block of
``config.yaml`` into it. The same classes generate the JSON schema that the workflow validates before any job starts
(:mod:`dgm.workflow.schema`).
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["Limits", "Ring", "Settings", "parse"]


class Settings(BaseModel):
    """An immutable block of settings; unknown keys and lossy conversions are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Limits(Settings):
    """Caps for a quick build. ``None`` means no cap."""

    train_images: int | None = Field(None, ge=100, description="keep this many training images")
    test_images: int | None = Field(None, ge=50, description="keep this many test images")
    steps: int | None = Field(None, ge=1, description="stop every training after this many optimiser steps")
    samples: int | None = Field(None, ge=16, description="draw at most this many samples a run")
    repeats: int | None = Field(None, ge=2, description="repeat a simulated experiment at most this often")


class Ring(Settings):
    """A simulated data set: points of a mixture of Gaussians whose means lie on a circle (:mod:`dgm.maths.ring_mixture`)."""

    radius: float = Field(gt=0, description="of the circle of the means, in standard deviations of a component")
    components: int = Field(10, ge=2, description="number of Gaussians, equally spaced and equally likely")
    points: int = Field(1000, ge=20, description="of each of the three splits: train, validation, test")


S = TypeVar("S", bound=Settings)


def parse(settings: type[S], block: Mapping[str, Any], where: str) -> S:
    """Turn a mapping into ``settings``.

    Raises:
        ValueError: with one line a fault: the path of the key, what came and what is allowed.
    """
    try:
        return settings.model_validate(dict(block))
    except ValidationError as error:
        raise ValueError("\n".join(_sentence(settings, where, fault) for fault in error.errors())) from None


def _sentence(settings: type[Settings], where: str, fault: Any) -> str:
    path = ".".join([where, *(str(part) for part in fault["loc"])])
    if fault["type"] == "extra_forbidden":
        return f"{path}: unknown key; {settings.__module__}.{settings.__name__} takes {sorted(settings.model_fields)}"
    if fault["type"] == "missing":
        return f"{path}: missing; it has no default"
    if not fault["loc"]:  # a fault between keys: the message says which, the whole block would bury it
        return f"{path}: {fault['msg']}"
    return f"{path}: got {fault['input']!r}; {fault['msg']}"
