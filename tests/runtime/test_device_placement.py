"""Every path of config.yaml on a GPU made of main memory: no tensor is on the wrong device, and no training step waits for it."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_up_device import MadeUpDevice, Misplaced, Wait, made_up_device
from tiny_results import plan_of_points, run_stages, write_data
from tiny_runs import RUNS, smaller
from workflows import SHIPPED

from dgm.maths import decoder_quadrature
from dgm.runtime.device import acquire
from dgm.training.loop import Checkpoint
from dgm.workflow.plan import Plan

IMAGES, TEST_IMAGES = 60, 24

STEPS = {("loop.py:train", "step"), ("restarts.py:best_of", "improve")}
"""Who calls a step of a training, and what its function is called."""

ALLOWED = {
    (
        "models/bmm.py:improve",
        "__float__",
    ): "an iteration of EM is a pass over all images, and its likelihood decides whether another follows",
    ("models/bmm.py:improve", "__bool__"): "the same, where the likelihood is not finite",
    ("models/bmm.py:<genexpr>", "move to the GPU"): "once, after a stop: the parameters of the start under way come from a file",
}
"""Waits within a step, by function, that are as they should be."""


class Stopped(Exception):
    """Takes the place of a kill."""


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """A checkpoint after every step, and coarse grids for the exact likelihood."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGM_CHECKPOINT_SECONDS", "0")
        patch.setitem(decoder_quadrature.log_likelihood.__kwdefaults__, "sides", (10, 20))
        patch.setattr("dgm.stages.estimate.QUICK_SIDES", (10, 20))
        yield


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of_points(40)


@pytest.fixture(scope="module")
def classified(plan: Plan, quick: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, MadeUpDevice]]:
    """Data, and the classifiers that measure the samples of all other runs."""
    folder = tmp_path_factory.mktemp("placement")
    write_data(plan, folder, IMAGES, TEST_IMAGES)
    return folder, {run: through(plan, run, folder) for run in SHIPPED["judges"]}


def through(plan: Plan, run: str, folder: Path) -> MadeUpDevice:
    """Take a run through its stages on the made-up GPU; its training is stopped after the first checkpoint of each phase."""
    stopped: set[Path] = set()
    save = Checkpoint.save

    def save_once(checkpoint: Checkpoint, state: Any) -> None:
        save(checkpoint, state)
        if checkpoint.path not in stopped:
            stopped.add(checkpoint.path)
            raise Stopped

    with made_up_device() as gpu, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_once)
        while True:
            try:
                run_stages(plan, run, folder, gpu=1, images=IMAGES, smaller=smaller(plan.kind(run)))
            except Stopped:
                continue
            return gpu


def in_steps(waits: list[Wait]) -> dict[tuple[str, str], str]:
    """Function and kind of the waits within steps of a training, each with a place."""
    return {
        (wait.function, wait.what): wait.where
        for wait in waits
        if any((outer, inner.partition(":")[2]) in STEPS for outer, inner in pairwise(wait.functions))
    }


@pytest.mark.parametrize("run", [*SHIPPED["judges"], *RUNS])
def test_a_run_keeps_to_its_device_and_no_step_waits(
    run: str, plan: Plan, classified: tuple[Path, dict[str, MadeUpDevice]]
) -> None:
    folder, known = classified
    gpu = known.get(run) or through(plan, run, folder)
    assert gpu.waits, "the stages computed elsewhere"
    assert not {key: place for key, place in in_steps(gpu.waits).items() if key not in ALLOWED}


def on_gpu(*shape: int) -> torch.Tensor:
    return torch.ones(shape, device="cuda")


@pytest.mark.parametrize(
    "fault",
    [
        lambda: on_gpu(2) + torch.ones(2),
        lambda: torch.nn.functional.linear(on_gpu(2), torch.ones(2, 2)),
        lambda: torch.nn.Linear(2, 2)(on_gpu(2)),
        lambda: torch.stack([on_gpu(), torch.ones(())]),
        lambda: torch.where(on_gpu(2) > 0, on_gpu(2), torch.ones(2)),
        lambda: torch.ones(2)[on_gpu(2).long()],
        lambda: on_gpu(2).index_put_((on_gpu(1).long(),), torch.ones(1)),
        lambda: on_gpu(2).numpy(),
        lambda: np.asarray(on_gpu(2)),
        lambda: torch.rand(2, device="cuda", generator=torch.Generator()),
        lambda: torch.rand(2, generator=torch.Generator("cuda")),
        lambda: on_gpu(2).normal_(generator=torch.Generator("cpu")),
        lambda: torch.cat([torch.nn.Linear(2, 2).to("cuda").weight, torch.ones(2, 2)]),
    ],
)
def test_what_cuda_refuses_is_refused(fault: Callable[[], object]) -> None:
    with made_up_device(), pytest.raises(Misplaced):
        fault()


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (lambda x: x.sum().item(), ["item"]),
        (lambda x: float(x.sum()), ["__float__"]),
        (lambda x: bool((x > 0).all()), ["__bool__"]),
        (lambda x: x.tolist(), ["tolist"]),
        (lambda x: x.cpu(), ["move to the processor"]),
        (lambda x: x.to("cpu", torch.float64).numpy(), ["move to the processor"]),
        (lambda x: torch.ones(2).to(x), ["move to the GPU"]),
        (lambda x: torch.tensor([1.0], device="cuda"), ["tensor on another device"]),
        (lambda x: x[[0, 1]], ["index by a list"]),
        (lambda x: x[torch.tensor([0, 1])], ["index from the processor"]),
        (lambda x: x[x > 0], ["index by a mask"]),
        (lambda x: x.copy_(torch.zeros(3)), ["copy_ across devices"]),
        (lambda x: x.unique(), ["unique"]),
        (lambda x: torch.where(x > 0), ["where"]),
        (lambda x: (x[1:] * 2 + x[0].square()).sum().log(), []),
        (lambda x: x.masked_fill(x > 0, 1.0).softmax(0)[x.long() - 1], []),
        (lambda x: torch.zeros(3, device=x.device).add_(torch.randn(3, device="cuda", generator=torch.Generator("cuda"))), []),
    ],
)
def test_what_waits_is_noted(work: Callable[[torch.Tensor], object], expected: list[str]) -> None:
    with made_up_device() as gpu:
        work(on_gpu(3))
    assert [wait.what for wait in gpu.waits] == expected


def test_gradients_and_copies_lie_where_their_tensors_do() -> None:
    with made_up_device():
        layer = torch.nn.Linear(2, 2).to("cuda")
        layer(on_gpu(1, 2)).sum().backward()
        assert layer.weight.grad is not None and layer.weight.grad.is_cuda
        assert layer.weight.detach().view(-1)[1:].device.type == "cuda"
        assert layer.weight.cpu().device.type == "cpu"
        with acquire(1) as held:
            assert held.type == "cuda"
