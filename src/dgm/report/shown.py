"""What figures and tables say, as data that ``shown.html.j2`` and ``shown.tex.j2`` of the templates lay out."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dgm.evaluation.registry import Metric, declared
from dgm.report import origin
from dgm.report.catalogue import Catalogue, Column, Row, Table
from dgm.report.macros import MISSING, Templates
from dgm.report.numbers import number, with_error
from dgm.report.results import Results
from dgm.runtime.files import load_bytes, load_text

__all__ = ["Contents", "in_script"]

POINTS_TO_PIXELS = 96 / 72


@dataclass(frozen=True)
class Contents:
    """Contents of the figures and tables of one output.

    Args:
        catalogue: what figures and tables the report declares.
        results: the files of a build.
        templates: which of them the answers show, and whether parts of the build may be missing.
        texts: captions, notes, labels and cells that are prose, rendered for this output (:mod:`dgm.report.document`).
        escaped: makes a plain text one of this output.
    """

    catalogue: Catalogue
    results: Results
    templates: Templates
    texts: Mapping[str, str]
    escaped: Callable[[str], str]

    def _common(self, name: str) -> dict[str, Any]:
        return {"name": name, "label": self.templates.shown.label(name), "caption": self.texts[f"caption {name}"]}

    def image(self, name: str, suffix: str) -> Path | None:
        """The file of a figure; None where it is missing and may be. Raises ValueError where it must not."""
        path = self.results.folder / "figures" / f"{name}{suffix}"
        if path.is_file():
            return path
        if self.templates.incomplete:
            return None
        raise ValueError(f"{path}: no such file; figure {name!r} was not drawn")

    def figure(self, name: str, alt: str) -> dict[str, Any]:
        """A figure without its image, and the text that describes it."""
        entry = self.catalogue.figures[name]
        made = origin.of_figure(name, entry, self.results)
        data = sorted(set(entry.sources.values()))
        return self._common(name) | {"width": f"{entry.width:g}", "alt": alt, "origin": made, "data": data}

    def embedded(self, name: str, alt: str) -> dict[str, Any]:
        """A figure with its SVG, for a page that needs no other file."""
        path = self.image(name, ".svg")
        shown = self.figure(name, alt) | {"image": None, "percent": f"{100 * self.catalogue.figures[name].width:.0f}"}
        if path is not None:
            content = load_bytes(path)
            width, height = _svg_size(content, path)
            shown["image"] = {"data": _as_address(content), "width": f"{width:.0f}", "height": f"{height:.0f}"}
        return shown | {"explore": self.explored(name)}

    def explored(self, name: str) -> dict[str, Any] | None:
        """What a reader can change in a figure, with its numbers as JSON; None where that is nothing or they are missing."""
        entry = self.catalogue.figures[name].explore
        path = self.results.folder / "explorables" / f"{name}.json"
        if entry is None or (self.templates.incomplete and not path.is_file()):
            return None
        return {"title": entry.title, "about": entry.about, "data": in_script(load_text(path))}

    def included(self, name: str, alt: str, folder: Path) -> dict[str, Any]:
        """A figure with the path of its PDF from the folder of the document."""
        path = self.image(name, ".pdf")
        return self.figure(name, alt) | {"image": Path(os.path.relpath(path, folder)).as_posix() if path else None}

    def table(self, name: str) -> dict[str, Any]:
        """A table of metrics: heads, rows of cells, remarks below it."""
        entry = self.catalogue.tables[name]
        notes = self.texts[f"notes {name}"] if entry.notes else ""
        on_seeds = self.escaped(self._on_seeds(entry))
        return self._common(name) | {
            "heads": [
                {
                    "prose": bool(column.text),
                    "text": self.texts[f"column {name} {index}"],
                    "metric": declared(column.metric) if column.metric else None,
                }
                for index, column in enumerate(entry.columns)
            ],
            "rows": [
                {
                    "group": self.texts[f"group {name} {i}"] if row.group else "",
                    "label": self.texts[f"row {name} {i}"],
                    "cells": [
                        {"prose": bool(column.text), "text": self._cell(name, row, column, f"cell {name} {i} {j}")}
                        for j, column in enumerate(entry.columns)
                    ],
                }
                for i, row in enumerate(entry.rows)
            ],
            "remarks": [remark for remark in (notes, on_seeds) if remark],
            "origin": origin.of_table(entry, self.results),
        }

    def metrics(self) -> list[Metric]:
        """The metrics that the tables show, by label."""
        columns = [
            column for name in self.templates.shown.tables for column in self.catalogue.tables[name].columns if column.metric
        ]
        found = {metric.metric: metric for column in columns if (metric := declared(column.metric))}
        return sorted(found.values(), key=lambda metric: metric.label.casefold())

    def _cell(self, name: str, row: Row, column: Column, key: str) -> str:
        """One cell, in the language of the output: a text that was rendered already, or a number."""
        if column.text:
            return self.texts[key] if column.text in row.texts else "–"
        return self.escaped(self._number(name, row, column))

    def _number(self, name: str, row: Row, column: Column) -> str:
        split = row.split or column.split
        if column.optional and not self.results.has_metric(row.run, column.metric, split):
            return "–"
        try:
            found = self.results.metric(row.run, column.metric, split)
            if column.field == "seeds":
                return number(found.seeds)
            if column.field in ("scatter", "judged"):
                scatter = found.field(column.field) * abs(column.scale)
                return number(scatter, column.digits) if math.isfinite(scatter) else "–"
            value, spread = found.value * column.scale, found.spread * abs(column.scale)
            shown = column.stderr and math.isfinite(spread)
            return with_error(value, spread, column.digits) if shown else number(value, column.digits, spread)
        except ValueError as error:
            if self.templates.incomplete:
                return MISSING
            raise ValueError(f"{self.catalogue.homes[name]}: {name}: column {column.label!r}: {error}") from None

    def _on_seeds(self, table: Table) -> str:
        """A remark on the errors of a table: those of one training, or of runs that were repeated; empty where there are none."""
        keys = [
            (column, (row.run, column.metric, row.split or column.split))
            for row in table.rows
            for column in table.columns
            if column.metric and column.field == "value"
        ]
        found = [(column.stderr, self.results.metric(*key)) for column, key in keys if self.results.has_metric(*key)]
        seeds = max((metric.seeds for _, metric in found), default=1)
        if seeds == 1:
            trained = set(self.results.runs)
            counts = {
                int(metric.n)
                for (stderr, metric) in found
                if stderr and metric.run in trained and math.isfinite(metric.stderr) and metric.n > 1
            }
            if not counts:
                return ""
            n = number(min(counts)) + (f" to {number(max(counts))}" if len(counts) > 1 else "")
            return f"±: one standard error of {n} values; one training of each model, whose scatter is not in it."
        remark = f"In this build: mean over {seeds} seeds"
        if any(stderr and metric.seeds > 1 for stderr, metric in found):
            remark += ", ± half its 95\u00a0% interval"
        single = [stderr and math.isfinite(metric.stderr) for stderr, metric in found if metric.seeds == 1]
        if single:
            remark += "; one seed of runs that are not repeated" + (", ± one standard error" if any(single) else "")
        return f"{remark}."


def in_script(json: str) -> Markup:
    """JSON that can stand in a script element, which "</" could end."""
    return Markup(json.replace("</", "<\\/"))  # nosec B704  # "<\\/" is the same text in JSON


def _as_address(svg: bytes) -> Markup:
    """An SVG as the rest of a ``data:`` address in double quotes: its text, in which only what would end either is coded."""
    text = re.sub(r"\s+", " ", svg.decode())
    if "'" not in text:
        text = text.replace('"', "'")
    return Markup(re.sub('[%#&"]', lambda found: f"%{ord(found.group()):02X}", text))  # nosec B704  # quotes are coded


def _svg_size(content: bytes, path: Path) -> tuple[float, float]:
    """Width and height of an SVG in CSS pixels."""
    head = content[:4000].decode(errors="replace")
    sizes = {name: re.search(rf'<svg[^>]*\s{name}="([0-9.]+)(pt|px)?"', head) for name in ("width", "height")}
    found = [match for match in sizes.values() if match]
    if len(found) != 2:
        raise ValueError(f"{path}: not an SVG file with width and height")
    width, height = (float(match.group(1)) * (POINTS_TO_PIXELS if match.group(2) == "pt" else 1) for match in found)
    return width, height
