"""Make the PDF from ``report.tex`` with pdflatex. Equal sources give equal bytes."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.runtime import stage
from dgm.runtime.files import load_text, write_bytes

__all__ = ["main"]

TOLERATED_POINTS = 20.0
"""Lines that stick out into the margin by more than this are reported."""

MAXIMUM_RUNS = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--tex", type=Path, required=True)
    options.add_argument("--pdf", type=Path, required=True)
    return stage.run(work, options.parse_args(argv), "typeset")


def work(arguments: Namespace) -> dict[str, Any]:
    """Run pdflatex in a scratch folder until its references settle."""
    tex: Path = arguments.tex
    load_text(tex)
    program = shutil.which("pdflatex")
    if program is None:
        raise ValueError("pdflatex is not installed; on Debian: texlive-latex-base texlive-latex-recommended lmodern")
    # the clock of the document stands still, so that the same source gives the same file
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    with tempfile.TemporaryDirectory(prefix="dgm-typeset-") as scratch:
        command = [program, "-interaction=nonstopmode", "-halt-on-error", "-file-line-error", "-no-shell-escape"]
        command += [f"-output-directory={scratch}", tex.name]
        written: dict[str, bytes] = {}
        runs = 0
        while runs < MAXIMUM_RUNS:
            runs += 1
            done = subprocess.run(command, cwd=tex.parent, env=environment, capture_output=True, check=False)
            path = Path(scratch) / f"{tex.stem}.log"
            log = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else done.stdout.decode(errors="replace")
            if done.returncode != 0:
                raise ValueError(_error(log, tex))
            # what one run leaves for the next: labels, contents, bookmarks, widths of tables
            previous, written = written, {file.suffix: file.read_bytes() for file in Path(scratch).glob(f"{tex.stem}.[ato]*")}
            if previous == written:
                break
        content = (Path(scratch) / f"{tex.stem}.pdf").read_bytes()
    nowhere = [
        line for line in log.splitlines() if re.search(r"undefined on input line|has been referenced but does not exist", line)
    ]
    if nowhere:
        raise ValueError(f"{tex}: references that lead nowhere: " + "; ".join(nowhere[:5]))
    warnings = overfull(log)
    say = stage.logger(arguments.log)
    for warning in warnings:
        say(f"{tex.name}: {warning}")
    write_bytes(arguments.pdf, content)
    pages = re.search(r"Output written on .*\((\d+) pages?", log)
    return {"warnings": warnings, "pages": int(pages.group(1)) if pages else None, "runs": runs}


def overfull(log: str, tolerated: float = TOLERATED_POINTS) -> list[str]:
    """Messages about lines that stick out by more than ``tolerated`` points."""
    found = re.finditer(r"Overfull \\hbox \(([0-9.]+)pt too wide\)[^\n]*", log)
    return [match.group().strip() for match in found if float(match.group(1)) > tolerated]


def _error(log: str, tex: Path) -> str:
    """The first error of a log, and the lines of the source around it."""
    lines = log.splitlines()
    at = next((index for index, line in enumerate(lines) if line.startswith("!") or re.match(r"^[^:\s]+:\d+: ", line)), None)
    if at is None:
        return f"{tex}: pdflatex failed; the end of its log:\n" + "\n".join(lines[-15:])
    message = "\n".join(line for line in lines[at : at + 8] if line.strip())
    number = re.match(r"^[^:\s]+:(\d+): ", lines[at]) or re.search(r"^l\.(\d+) ", "\n".join(lines[at : at + 15]), re.MULTILINE)
    if not number:
        return f"{tex}: {message}"
    line = int(number.group(1))
    source = tex.read_text(encoding="utf-8").splitlines()
    context = [f"{index + 1:>6} {source[index][:160]}" for index in range(max(0, line - 4), min(len(source), line + 2))]
    return f"{tex}: line {line}: {message}\n" + "\n".join(context)


if __name__ == "__main__":
    sys.exit(main())
