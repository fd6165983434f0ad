import itertools

import pytest
import torch
from precision import close, tolerance

from dgm.layers.causal_transformer import CausalTransformer

SYMBOLS, POSITIONS = 3, 5
FANS = 2 * (12 + POSITIONS + 12 + 12 + 4 * 12) + 12
"""Terms of the sums of its layers, one after another: of each block the projections, attention and both linear layers."""


def made(symbols=SYMBOLS, positions=POSITIONS, seed=0):
    torch.manual_seed(seed)
    model = CausalTransformer(symbols, positions, width=12, heads=3, layers=2)
    with torch.no_grad():  # large weights, so that every dependence there is shows
        for parameter in model.parameters():
            parameter.normal_(std=0.6, generator=torch.Generator().manual_seed(parameter.numel()))
    return model.eval()


def every(symbols=SYMBOLS, positions=POSITIONS):
    return torch.tensor(list(itertools.product(range(symbols), repeat=positions)))


def test_probabilities_of_all_sequences_sum_to_one():
    with torch.no_grad():
        log_p = made().log_prob(every()).double()
        total = log_p.exp().sum()
    close(total, 1, torch.float32, terms=FANS + POSITIONS * SYMBOLS, scale=float(-log_p.max()))  # logarithms exponentiated again


@pytest.mark.parametrize("changed", range(POSITIONS))
def test_a_position_sees_the_symbols_before_it_and_none_else(changed):
    codes = torch.tensor([[0, 1, 2, 1, 0]])
    other = codes.clone()
    other[0, changed] = (other[0, changed] + 1) % SYMBOLS
    with torch.no_grad():
        before, after = made()(codes), made()(other)
    close(before[:, : changed + 1], after[:, : changed + 1], terms=FANS)
    if changed < POSITIONS - 1:
        rounding = tolerance(torch.float32, FANS, float(before.abs().max()))
        assert float((before[:, changed + 1 :] - after[:, changed + 1 :]).abs().max(2).values.min()) > 50 * rounding


def test_draws_have_the_probabilities_that_the_model_states():
    model = made(3, 3)
    with torch.no_grad():
        drawn = model.sample(40_000, torch.Generator().manual_seed(0))
        probabilities = model.log_prob(every(3, 3)).exp()
    place = (drawn * torch.tensor([9, 3, 1])).sum(1)
    frequencies = torch.bincount(place, minlength=27) / len(drawn)
    error = (probabilities * (1 - probabilities) / len(drawn)).sqrt()
    assert float(((frequencies - probabilities) / error.clamp(min=1e-4)).abs().max()) < 5


def test_damaged_conditions_change_what_is_seen_but_not_what_is_scored():
    model, codes = made(), every()[40:50]
    seen = codes.flip(1)
    with torch.no_grad():
        log_p = model(seen).log_softmax(2)
        expected = sum(log_p[:, t].gather(1, codes[:, t : t + 1])[:, 0] for t in range(POSITIONS))
        close(model.log_prob(codes, seen), expected, terms=POSITIONS)
        close(model.log_prob(codes, codes), model.log_prob(codes), terms=FANS)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="5 attention heads do not divide a width of 12"):
        CausalTransformer(3, 4, width=12, heads=5, layers=1)
