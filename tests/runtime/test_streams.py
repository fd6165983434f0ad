import torch

from dgm.runtime.seeds import derived_seed
from dgm.runtime.streams import Generators


def test_streams_are_independent_of_each_other():
    one, two = Generators(3), Generators(3)
    torch.rand(5, generator=one["a"])  # a draw in one stream …
    assert torch.equal(torch.rand(4, generator=one["b"]), torch.rand(4, generator=two["b"]))  # … changes no other


def test_names_and_seeds_give_different_streams():
    seeds = {derived_seed(seed, name) for seed in (0, 1) for name in ("a", "b", "shuffle/1", "shuffle/2")}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_saved_state_continues_where_it_was():
    first = Generators(0)
    torch.rand(10, generator=first["x"])
    state = first.state_dict()
    expected = torch.rand(3, generator=first["x"])
    second = Generators(0)
    second.load_state_dict(state)
    assert torch.equal(torch.rand(3, generator=second["x"]), expected)


def test_default_generator_is_borrowed_and_given_back():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    with Generators(0).default("initialise"):
        first = torch.rand(2)
    assert torch.equal(torch.rand(3), expected)
    with Generators(0).default("initialise"):
        assert torch.equal(torch.rand(2), first)


def test_permutation_depends_on_name_and_seed_alone():
    generators = Generators(5)
    first = generators.permutation(50, "shuffle/0")
    torch.rand(9, generator=generators["other"])
    assert torch.equal(first, generators.permutation(50, "shuffle/0"))
    assert not torch.equal(first, generators.permutation(50, "shuffle/1"))
    assert torch.equal(first.sort().values, torch.arange(50))
