"""One EM iteration of the Bernoulli mixture against the two matrix products inside it.

    python benchmarks/em_speed.py [--images 60000] [--components 20] [--rounds 15] [--threads 1] [--dtype float32]

The E step needs X log(p / (1 - p))^T, the M step eta^T X; nothing that computes them can be quicker than these products alone. They
are timed bare, into arrays that exist already, over the whole of X at once and in the chunks that the pipeline uses; the quicker of
the two counts. Rounds alternate. Goal: at most 1.3 times the bare products.
"""

import argparse
import statistics
import time
from collections.abc import Callable

PIXELS = 784
GOAL = 1.3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--components", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float64", help="the pipeline fits in float64")
    arguments = parser.parse_args()

    import torch

    from dgm.models.bmm import Config, em_iteration, initialise
    from dgm.runtime.device import use_threads

    use_threads(arguments.threads)
    dtype = getattr(torch, arguments.dtype)
    generator = torch.Generator().manual_seed(0)
    # a fifth of the pixels is ink, as in thresholded digits
    X = (torch.rand((arguments.images, PIXELS), generator=generator) < 0.2).to(dtype)
    p, mix_p = initialise(X, arguments.components, generator)
    weights = torch.logit(p).T.contiguous()
    eta = torch.full((arguments.images, arguments.components), 1 / arguments.components, dtype=dtype)
    scores, sums = torch.empty_like(eta), torch.empty_like(p)
    chunk = Config(components=arguments.components).chunk

    def whole() -> None:
        torch.mm(X, weights, out=scores)
        torch.mm(eta.T, X, out=sums)

    def chunked() -> None:
        sums.zero_()
        for rows, responsibilities, out in zip(X.split(chunk), eta.split(chunk), scores.split(chunk), strict=True):
            torch.mm(rows, weights, out=out)
            sums.addmm_(responsibilities.T, rows)

    sides: dict[str, Callable[[], object]] = {
        "EM iteration": lambda: em_iteration(X, p, mix_p, chunk=chunk),
        "two products, whole": whole,
        "two products, in chunks": chunked,
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(arguments.rounds + 1):
        for name, side in sides.items():
            started = time.perf_counter()
            side()
            if turn:  # the first turn warms up
                seconds[name].append(time.perf_counter() - started)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), {arguments.dtype}, "
        f"N = {arguments.images}, K = {arguments.components}, D = {PIXELS}"
    )
    for name, measured in seconds.items():
        print(f"  {name:24s} best {1e3 * min(measured):7.1f} ms, median {1e3 * statistics.median(measured):7.1f} ms")
    ours, *bare = seconds.values()
    best = min(ours) / min(min(side) for side in bare)
    median = statistics.median(ours) / min(statistics.median(side) for side in bare)
    verdict = "reached" if best <= GOAL else "MISSED"
    print(f"  ratio                    best {best:7.2f},    median {median:7.2f}; goal {GOAL:g}: {verdict}")


if __name__ == "__main__":
    main()
