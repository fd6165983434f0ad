"""Measure one fitted model and its samples."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.runtime import stage
from dgm.runtime.device import acquire
from dgm.runtime.interruption import deferred


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and evaluate."""
    parser = stage.run_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--samples", type=Path, help="what the sample stage wrote, for models that sample")
    parser.add_argument("--classifiers", type=Path, nargs="*", default=[], help="the models that measure samples")
    parser.add_argument("--references", type=Path, nargs="*", default=[], help="what each of them makes of real images")
    parser.add_argument("--scale", action="store_true", help="also say how real images score")
    parser.add_argument("--train-record", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--evaluations", type=Path, required=True)
    return stage.run(_evaluate, parser.parse_args(argv), "evaluate")


def _evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    say = stage.logger(arguments.log)
    with acquire(arguments.gpu, arguments.threads, say=say) as device:
        with deferred():  # compiled code that is being imported aborts when a signal handler raises
            from dgm.data import tensors
            from dgm.evaluation.evaluate import evaluate
            from dgm.evaluation.quality import Judge
            from dgm.evaluation.references import ARRAYS
            from dgm.metrics_table import save
            from dgm.models import kind_of, load_classifier, load_model
            from dgm.runtime.files import Damaged, load_arrays, load_record, require, save_arrays
            from dgm.runtime.streams import Generators

        train_record = load_record(arguments.train_record, ("kind",))
        kind = train_record["kind"]
        model = load_model(arguments.model, device.type)
        if kind_of(model) != kind:
            raise Damaged(arguments.model, f"holds a model of kind {kind_of(model)}; the one that was trained is of kind {kind}")
        samples = load_arrays(arguments.samples) if arguments.samples else None
        if samples is not None:
            require(arguments.samples, ("samples",), samples)
        judges = []
        for path, references in zip(arguments.classifiers, arguments.references, strict=True):
            known = load_arrays(references)
            require(references, ARRAYS, known)
            judges.append(Judge(load_classifier(path, device.type), known))
        rows, arrays = evaluate(
            arguments.run,
            model,
            tensors.load(arguments.data, device.type),
            Generators(arguments.seed, device.type),
            samples=samples,
            judges=judges,
            scale=arguments.scale,
            train_record=train_record,
        )

        save_arrays(arguments.evaluations, arrays)
        save(
            arguments.metrics,
            ((row.run, kind if row.run == arguments.run else "data", (row.metric, row.split, row.measured)) for row in rows),
        )
        say(f"{len(rows)} metrics")
        return {"run": arguments.run, **device.record()}


if __name__ == "__main__":
    sys.exit(main())
