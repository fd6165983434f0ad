import math

import torch
from precision import close, tolerance

from dgm.layers.codebook import Codebook, nearest, straight_through


def cloud(n=200, d=5, seed=0):
    return torch.randn((n, d), generator=torch.Generator().manual_seed(seed))


def codebook(vectors, decay=0.9, least=1e-3):
    made = Codebook(len(vectors), vectors.shape[1], decay, least)
    made.vectors[:], made.sums[:], made.counts[:] = vectors, vectors, 1.0
    return made


def test_the_nearest_code_is_that_of_a_search_over_all():
    z, vectors = cloud(), cloud(17, seed=1)
    by_hand = [min(range(17), key=lambda j: math.dist(point, vectors[j].tolist())) for point in z.tolist()]
    assert nearest(z, vectors).tolist() == by_hand


def test_codes_do_not_depend_on_the_precision_in_force():
    z = cloud(2000)
    made = codebook(cloud(64, seed=1))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = made(z)
    assert torch.equal(rounded, nearest(z, made.vectors))


def test_the_gradient_goes_past_the_choice_to_the_encoding_and_not_to_the_code():
    z = torch.tensor([0.8, 0.7], requires_grad=True)
    vectors = torch.tensor([[0.0, 0.0], [1.0, 1.0]], requires_grad=True)
    quantised = straight_through(z[None], vectors[nearest(z[None], vectors)])
    assert torch.equal(quantised.detach(), torch.tensor([[1.0, 1.0]]))
    (quantised - torch.tensor([[2.0, 0.0]])).square().sum().backward()
    close(z.grad, torch.tensor([-2.0, 2.0]))
    assert vectors.grad is None


def test_moving_averages_are_the_recursion_written_out():
    z, made = cloud(), codebook(cloud(4, seed=1), decay=0.8)
    counts, sums = torch.ones(4), made.sums.clone()
    for seed in range(3):
        batch = cloud(seed=seed)
        codes = made(batch)
        for j in range(4):
            counts[j] = 0.8 * counts[j] + 0.2 * float((codes == j).sum())
            sums[j] = 0.8 * sums[j] + 0.2 * batch[codes == j].sum(0)
        made.update(batch, codes, torch.Generator())
        scale = float(batch.abs().sum(0).max() / counts.min())
        close(made.vectors, sums / counts[:, None], terms=len(batch), scale=scale)
    assert not torch.equal(made(z), torch.zeros(len(z), dtype=torch.int64))


def test_a_fixed_assignment_leads_to_the_mean_and_an_idle_code_stays():
    pair, made = torch.tensor([[0.9, 1.1], [1.3, 0.7]]), codebook(torch.tensor([[5.0, 5.0], [-3.0, 1.0]]), least=1e-30)
    for _ in range(400):
        made.update(pair, torch.zeros(2, dtype=torch.int64), torch.Generator())
    # an average over the last 1 / (1 - 0.9) batches
    close(made.vectors, torch.tensor([[1.1, 0.9], [-3.0, 1.0]]), terms=10)


def test_an_unused_code_starts_again_at_a_vector_of_the_batch():
    z, made = cloud(), codebook(torch.cat([cloud(3, seed=1), torch.full((1, 5), 50.0)]), decay=0.5, least=0.6)
    codes = made(z)
    assert 3 not in codes.tolist()
    made.update(z, codes, torch.Generator().manual_seed(0))
    nearest_of_batch = (z - made.vectors[3]).abs().amax(1).min()  # it is kept as a sum and a count
    assert float(nearest_of_batch) <= tolerance(torch.float32, 1, float(z.abs().max()))
    close(made.counts[3], 0.6)


def test_a_new_codebook_takes_its_codes_from_the_first_batch():
    z, made = cloud(), Codebook(16, 5, 0.99, 2.0**20)
    made.update(z, made(z), torch.Generator().manual_seed(0))
    assert all((z == vector).all(1).any() for vector in made.vectors)


def test_codes_settle_on_clusters():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    generator = torch.Generator().manual_seed(3)
    made = Codebook(16, 2, 0.9, 0.5)
    for _ in range(200):
        z = centres[torch.randint(4, (100,), generator=generator)] + 0.1 * torch.randn((100, 2), generator=generator)
        made.update(z, made(z), generator)
    assert float(torch.cdist(centres, made.vectors).min(1).values.max()) < 0.2  # every cluster has a code
