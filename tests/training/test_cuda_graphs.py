"""A training step from a CUDA graph, on graphs made of main memory: recordable, and the same bytes as without."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_up_device import NotRecordable, made_up_device
from made_up_graph import Graph, made_up_graphs
from tiny_results import affordable, plan_of_points, write_data
from tiny_runs import BATCH, RUNS, is_batched, smaller
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from dgm import models
from dgm.data import tensors
from dgm.runtime.streams import Generators
from dgm.training.cuda_graphs import CUDA_GRAPHS, WARM_UP, wanted
from dgm.training.loop import Context, ascent, train

IMAGES, EPOCHS = 50, 3
PLAN = plan_of_points(40)
KINDS = {PLAN.kind(run): run for run in reversed([PLAN.judges[0], *RUNS]) if is_batched(PLAN.kind(run))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("graphs")
    write_data(PLAN, made, IMAGES, 24)
    return made


@contextmanager
def rates_in_float32() -> Iterator[None]:
    """Inside, optimisers take a learning rate that a schedule has made as a graph gives it, rounded to float32."""
    kept: dict[int, float] = {}

    def before(optimiser: Any, *_: Any) -> None:
        for group in optimiser.param_groups:
            if "initial_lr" in group and isinstance(group["lr"], float):
                kept[id(group)], group["lr"] = group["lr"], float(np.float32(group["lr"]))

    def after(optimiser: Any, *_: Any) -> None:
        for group in optimiser.param_groups:
            group["lr"] = kept.pop(id(group), group["lr"])

    hooks = register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def fit(run: str, folder: Path, graphs: bool) -> tuple[Any, list[Graph]]:
    """A narrow training of a run, and the graphs that it replayed."""
    module = models.load(PLAN.kind(run))
    settings = affordable(json.loads(PLAN.settings(run)), IMAGES) | smaller(PLAN.kind(run))
    for name, entry in module.Config.model_fields.items():
        if name.endswith("epochs") and isinstance(settings.get(name, entry.default), int):
            settings[name] = EPOCHS
    with made_up_device() as gpu, rates_in_float32(), made_up_graphs(gpu) if graphs else nullcontext([]) as made:
        data = tensors.load(folder / "data" / f"{PLAN.data(run)}.npz", "cuda")
        context = Context(run, Generators(0, "cuda"), torch.device("cuda"))
        return module.fit(module.Config(**settings), data, context), made


@pytest.mark.parametrize("run", KINDS.values(), ids=KINDS.keys())
def test_a_training_from_graphs_gives_the_same_bytes(run: str, folder: Path) -> None:
    plain, none = fit(run, folder, graphs=False)
    fitted, graphs = fit(run, folder, graphs=True)
    whole_batches = EPOCHS * (len(dataset_of(run, folder)) // BATCH)
    assert not none and graphs and all(graph.replays == whole_batches - WARM_UP > 0 for graph in graphs)
    assert fitted.history == plain.history
    for name, value in plain.model.state_dict().items():
        assert torch.equal(fitted.model.state_dict()[name], value), name


def dataset_of(run: str, folder: Path) -> Any:
    """What the run is fitted to."""
    data = tensors.load(folder / "data" / f"{PLAN.data(run)}.npz")
    return data.train_images if hasattr(data, "train_images") else data.train


class Toy:
    """Least squares with noise from a named stream, by a step that a test may spoil."""

    def __init__(self, graphs: bool, spoil: Any = None, scheduled: bool = False) -> None:
        self.spoil = spoil or (lambda toy, loss: loss)
        self.calls = 0
        with made_up_device() as gpu, made_up_graphs(gpu) if graphs else nullcontext():
            self.generators, cuda = Generators(1, "cuda"), torch.device("cuda")
            with self.generators.default("initialise"):
                self.model = nn.Linear(3, 1).to(cuda)
            self.x = torch.randn((40, 3), generator=torch.Generator().manual_seed(0)).to(cuda)
            optimiser = torch.optim.Adam(self.model.parameters(), lr=0.5, fused=True)
            state: dict[str, Any] = {"model": self.model, "optimiser": optimiser}
            if scheduled:  # halves are exact in float32
                state["schedule"] = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5**step)
            context = Context("toy", self.generators, cuda)
            step = ascent(self.terms, objective="fit", optimiser=optimiser, precision="float32", context=context)
            self.history = train(step, n=40, batch_size=16, epochs=4, state=state, context=context)

    def terms(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        self.calls += 1
        noise = torch.randn((len(batch), 1), generator=self.generators["noise"], device="cuda")
        x = self.x[batch]
        return {"fit": -self.spoil(self, (self.model(x) - x.sum(1, keepdim=True) - noise).square().mean())}

    def weights(self) -> list[float]:
        return self.model.weight.detach().flatten().tolist()


def test_python_runs_for_the_first_steps_the_recording_and_odd_batches_alone() -> None:
    plain, graph = Toy(graphs=False), Toy(graphs=True)
    assert graph.weights() == plain.weights() and graph.history == plain.history
    assert plain.calls == 4 * 3
    assert graph.calls == WARM_UP + 1 + 4  # and four last batches of 8


def test_a_schedule_moves_on_between_replays() -> None:
    plain, graph = (Toy(graphs, scheduled=True) for graphs in (False, True))
    assert graph.weights() == plain.weights() != Toy(graphs=False).weights()


def test_what_python_decides_is_decided_once() -> None:
    def counted(toy: Toy, loss: torch.Tensor) -> torch.Tensor:
        return loss * toy.calls

    plain, graph = (Toy(graphs, spoil=counted) for graphs in (False, True))
    assert graph.history[0] == plain.history[0]
    assert graph.history[-1] != plain.history[-1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda toy, loss: loss * loss.item(),
        lambda toy, loss: loss if loss > 0 else -loss,
        lambda toy, loss: loss + torch.tensor(1.0, device="cuda"),
        lambda toy, loss: loss + toy.x[toy.x > 0].sum(),
        lambda toy, loss: loss + torch.randn((), generator=toy.generators.fresh("other"), device="cuda"),
    ],
)
def test_a_step_that_waits_or_draws_in_secret_cannot_be_recorded(spoil: Any) -> None:
    Toy(graphs=False, spoil=spoil)
    with pytest.raises(NotRecordable):
        Toy(graphs=True, spoil=spoil)


def test_graphs_are_off_unless_asked_for_and_on_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CUDA_GRAPHS, raising=False)
    assert not wanted("cuda")
    monkeypatch.setenv(CUDA_GRAPHS, "1")
    assert wanted("cuda") and not wanted("cpu")
    monkeypatch.setenv(CUDA_GRAPHS, "yes")
    with pytest.raises(ValueError, match=r"DGM_CUDA_GRAPHS: got 'yes'; allowed: 1 .* 0 not to"):
        wanted("cpu")
