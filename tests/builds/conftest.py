"""What tests of the page share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import CHROMIUM
from playwright.sync_api import Browser, sync_playwright
from workflows import smoke_build


@pytest.fixture(scope="module")
def file() -> Path:
    """The page of the quick build."""
    return smoke_build() / "results" / "mnist-5k-smoke" / "report" / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def wrong() -> list[str]:
    """What pages asked for besides themselves, and what they complained about."""
    return []
