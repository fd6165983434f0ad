"""bfloat16 on a processor without units for it: products of rounded factors, summed in float32."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from precision import close
from torch import Tensor, nn

from dgm.runtime.streams import Generators
from dgm.training import precision
from dgm.training.loop import Context, ascent
from dgm.training.precision import RoundedProducts, products

CPU = torch.device("cpu")


def draw(*shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))).to(dtype)


CALLS: dict[str, Any] = {
    "matrix": lambda: (torch.mm, [draw(20, 300), draw(300, 30)]),
    "matrix and bias": lambda: (torch.addmm, [draw(30), draw(20, 300), draw(300, 30)]),
    "linear": lambda: (nn.functional.linear, [draw(20, 300), draw(30, 300), draw(30)]),
    "batch of matrices": lambda: (torch.bmm, [draw(4, 20, 300), draw(4, 300, 5)]),
    "convolution": lambda: (nn.functional.conv2d, [draw(2, 16, 9, 9), draw(4, 16, 3, 3), draw(4)]),
    "transposed convolution": lambda: (nn.functional.conv_transpose2d, [draw(2, 16, 5, 5), draw(16, 4, 4, 4), draw(4)]),
}


def results(name: str, dtype: torch.dtype, context: Any) -> list[Tensor]:
    """The product and its gradients."""
    function, factors = CALLS[name]()
    factors = [factor.to(dtype).requires_grad_() for factor in factors]
    with context:
        product = function(*factors)
        gradients = torch.autograd.grad(product, factors, draw(*product.shape).to(dtype))
    return [product.detach(), *gradients]


@pytest.mark.parametrize("name", CALLS)
def test_a_product_is_the_exact_one_rounded_once(name: str) -> None:
    for found, exact in zip(
        results(name, torch.bfloat16, RoundedProducts()), results(name, torch.float64, nullcontext()), strict=True
    ):
        assert found.dtype == torch.bfloat16 and found.shape == exact.shape
        # half a step of bfloat16, and what sums in float32 lose, which matters where terms cancel
        step = exact.abs() * 2.0**-8
        assert ((found.double() - exact).abs() <= step + 300 * 2.0**-23 * exact.abs().max()).all()


@pytest.mark.parametrize("name", CALLS)
def test_products_of_float32_are_left_alone(name: str) -> None:
    for inside, outside in zip(
        results(name, torch.float32, RoundedProducts()), results(name, torch.float32, nullcontext()), strict=True
    ):
        assert torch.equal(inside, outside)


@pytest.mark.parametrize("name", CALLS)
def test_torchs_own_kernels_of_bfloat16_give_the_same(name: str) -> None:
    for found, own in zip(
        results(name, torch.bfloat16, RoundedProducts()), results(name, torch.bfloat16, nullcontext()), strict=True
    ):
        close(found, own)


@pytest.mark.parametrize(
    ("asked", "units", "expected"),
    [
        ("bfloat16", False, RoundedProducts),
        ("bfloat16", True, nullcontext),
        ("float32", False, nullcontext),
        ("auto", False, nullcontext),
    ],
)
def test_only_bfloat16_without_units_needs_them(asked: Any, units: bool, expected: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_units", lambda device: units)
    assert isinstance(products(asked, CPU), expected)


def test_a_step_takes_them_forwards_and_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_units", lambda device: False)
    seen: list[str] = []

    class Watched(RoundedProducts):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func in precision.PRODUCTS:
                seen.append(str(args[-1].dtype))
            return super().__torch_dispatch__(func, types, args, kwargs)

    monkeypatch.setattr(precision, "RoundedProducts", Watched)
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 8)), draw(50, 8, dtype=torch.float32)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    step = ascent(
        lambda batch: {"fit": -(model(x[batch]).float() - x[batch]).square().mean()},
        objective="fit",
        optimiser=optimiser,
        precision="bfloat16",
        context=Context("toy", Generators(0)),
    )
    step(torch.arange(50))
    # two layers forwards; backwards the gradients of two weights and of the hidden layer
    assert seen == ["torch.bfloat16"] * 5
    assert all(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
