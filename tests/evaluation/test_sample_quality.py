import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import polynomial_kernel

from dgm.evaluation import sample_quality


def of_arrays(measure):
    """The measure of tensors, of arrays."""
    return lambda *arrays, **named: measure(*map(torch.as_tensor, arrays), **named)


frechet_distance, kernel_distance, neighbourhoods = map(
    of_arrays, (sample_quality.frechet_distance, sample_quality.kernel_distance, sample_quality.neighbourhoods)
)


def with_moments(n, mean, covariance, rng):
    """Rows whose mean and covariance are exactly the given ones."""
    rows = rng.standard_normal((n, len(mean)))
    rows -= rows.mean(0)
    rows @= np.linalg.inv(np.linalg.cholesky(np.cov(rows.T).reshape(len(mean), -1))).T
    return rows @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_in_one_dimension_is_that_of_means_and_of_deviations():
    rng = np.random.default_rng(0)
    real = with_moments(50, np.array([1.0]), np.array([[4.0]]), rng)
    generated = with_moments(70, np.array([4.0]), np.array([[0.25]]), rng)
    assert frechet_distance(real, generated).value == pytest.approx(3**2 + (2 - 0.5) ** 2)


def test_frechet_distance_is_the_closed_form_of_two_gaussians():
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((6, 6)) for _ in range(2))
    means, covariances = rng.standard_normal((2, 6)), (a @ a.T + np.eye(6), b @ b.T + np.eye(6))
    real, generated = (with_moments(40, *moments, rng) for moments in zip(means, covariances, strict=True))
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(real, generated).value == pytest.approx(expected)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    assert frechet_distance(real @ turn, generated @ turn).value == pytest.approx(expected)
    assert frechet_distance(generated, real).value == pytest.approx(expected)


def test_frechet_distance_of_equal_sets_is_zero_also_with_a_feature_that_never_varies():
    rows = np.random.default_rng(2).standard_normal((30, 5))
    rows[:, 3] = 0
    rows = np.concatenate([rows, rows[:, :2]], 1)  # and a covariance without inverse
    assert frechet_distance(rows, rows).value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_the_standard_error_is_the_spread_over_repeated_samples(distance):
    rng = np.random.default_rng(3)
    real = rng.standard_normal((300, 4))
    found = [distance(real, 1.3 * rng.standard_normal((300, 4)) + 0.5) for _ in range(60)]
    spread = np.std([measured.value for measured in found], ddof=1)
    assert np.mean([measured.stderr for measured in found]) == pytest.approx(spread, rel=0.25)
    assert {measured.n for measured in found} == {300}


def test_kernel_distance_is_the_double_sum_over_pairs(monkeypatch):
    rng = np.random.default_rng(4)
    real, generated = rng.standard_normal((37, 3)), rng.standard_normal((43, 3)) + 0.3
    real_pairs, pairs, across = (
        polynomial_kernel(x, y, degree=3, gamma=1 / 3, coef0=1)
        for x, y in ((real, real), (generated, generated), (real, generated))
    )
    np.fill_diagonal(real_pairs, 0)
    np.fill_diagonal(pairs, 0)
    expected = real_pairs.sum() / (37 * 36) + pairs.sum() / (43 * 42) - 2 * across.mean()
    assert kernel_distance(real, generated).value == pytest.approx(expected)
    monkeypatch.setattr(sample_quality, "ROWS", 8)
    assert kernel_distance(real, generated).value == pytest.approx(expected)


def test_the_jackknife_of_the_kernel_distance_leaves_out_a_tenth_at_a_time():
    rng = np.random.default_rng(5)
    real, generated = rng.standard_normal((30, 3)), rng.standard_normal((45, 3)) + 1
    without = [kernel_distance(real, np.delete(generated, np.s_[g::10], axis=0)).value for g in range(10)]
    expected = math.sqrt(9 / 10 * sum((value - np.mean(without)) ** 2 for value in without))
    assert kernel_distance(real, generated).stderr == pytest.approx(expected)


def test_kernel_distance_is_right_on_average_for_equal_laws():
    rng = np.random.default_rng(6)
    values = [kernel_distance(*rng.standard_normal((2, 40, 3))).value for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(400)
    assert min(values) < 0  # an estimate that could not be negative would be too large on average


def clouds():
    rng = np.random.default_rng(7)
    return rng.normal(size=(60, 3)), 0.7 * rng.normal(size=(60, 3)) + [0.8, 0, 0]


def test_neighbourhoods_are_those_of_the_reference_library():
    """The values are what ``compute_prdc`` of prdc 0.2 returns for the same arrays."""
    found = neighbourhoods(*clouds(), k=5)
    expected = {"precision": 0.9833333333333333, "recall": 0.75, "density": 0.6533333333333333, "coverage": 0.75}
    assert {name: found[name].value for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbourhoods_follow_their_definitions(k, monkeypatch):
    monkeypatch.setattr(sample_quality, "ROWS", 7)
    real, generated = clouds()
    generated = generated[:50]

    def radius(points, i):
        return sorted(np.linalg.norm(points[i] - points[j]) for j in range(len(points)) if j != i)[k - 1]

    def within(centres, i, point):
        return bool(np.linalg.norm(centres[i] - point) <= radius(centres, i))

    balls = np.array([[within(real, i, y) for y in generated] for i in range(len(real))])
    other = np.array([[within(generated, j, x) for j in range(len(generated))] for x in real])
    found = neighbourhoods(real, generated, k=k)
    assert found["precision"].value == pytest.approx(balls.any(0).mean())
    assert found["recall"].value == pytest.approx(other.any(1).mean())
    assert found["density"].value == pytest.approx(balls.sum(0).mean() / k)
    assert found["coverage"].value == pytest.approx(balls.any(1).mean())

    union, label = np.concatenate([real, generated]), np.repeat([0, 1], [len(real), len(generated)])
    distances = pairwise_distances(union)
    np.fill_diagonal(distances, np.inf)
    assert found["neighbour_accuracy"].value == pytest.approx((label[distances.argmin(1)] == label).mean())


def test_what_each_neighbourhood_measure_sees():
    rng = np.random.default_rng(8)
    real = rng.standard_normal((300, 4))
    far = neighbourhoods(real, rng.standard_normal((300, 4)) + 50)
    assert [far[name].value for name in ("precision", "recall", "density", "coverage", "neighbour_accuracy")] == [0, 0, 0, 0, 1]
    alike = neighbourhoods(real, rng.standard_normal((300, 4)))
    assert abs(alike["neighbour_accuracy"].value - 0.5) < 0.07
    assert min(alike[name].value for name in ("precision", "recall", "coverage")) > 0.9
    one = neighbourhoods(real, 0.01 * rng.standard_normal((300, 4)))
    assert one["precision"].value == 1
    assert one["recall"].value < 0.05
    narrow = neighbourhoods(real, 0.5 * rng.standard_normal((300, 4)))
    assert narrow["density"].value > 1.2 > alike["density"].value
    copies = neighbourhoods(real, real + 1e-6)
    assert copies["neighbour_accuracy"].value == 0


def test_class_distance_is_total_variation():
    real, generated = np.repeat(np.arange(10), 20), np.repeat(np.arange(9), 20)
    assert sample_quality.class_distance(real, real).value == 0
    assert sample_quality.class_distance(real, generated).value == pytest.approx(0.1)
    assert sample_quality.class_distance(np.zeros(5, int), np.ones(5, int)).value == 1


def test_the_standard_error_of_class_distance_is_its_spread():
    rng = np.random.default_rng(9)
    real = np.repeat(np.arange(10), 100)
    found = [sample_quality.class_distance(real, rng.choice(10, 500, p=[0.15, 0.05] * 5)) for _ in range(300)]
    assert np.mean([m.stderr for m in found]) == pytest.approx(np.std([m.value for m in found]), rel=0.2)


def test_missing_classes_counts_recognised_samples_only():
    p = np.full((1000, 10), 0.5 / 9)
    p[np.arange(1000), np.arange(1000) % 10] = 0.5
    assert sample_quality.missing_classes(np.log(p), sure=0.9, common=0.01).value == 10
    p[:] = 0.05 / 9
    p[np.arange(1000), np.minimum(np.arange(1000) // 9, 9)] = 0.95  # of 0 to 8 nine samples each: just too few
    assert sample_quality.missing_classes(np.log(p), sure=0.9, common=0.01).value == 9
    assert sample_quality.missing_classes(np.log(p), sure=0.9, common=0.009).value == 0


def test_two_sample_accuracy_tells_laws_apart_and_guesses_when_they_are_equal():
    rng = np.random.default_rng(10)
    real = rng.standard_normal((1000, 5))
    equal = sample_quality.two_sample_accuracy(real, rng.standard_normal((1000, 5)), seed=0)
    assert abs(equal.value - 0.5) < 3.5 * equal.stderr
    assert equal.n == 1000
    apart = sample_quality.two_sample_accuracy(real, rng.standard_normal((1000, 5)) + 5, seed=0)
    assert apart.value > 0.99
    # shifted by 1 along one axis: the best rule is right with probability Phi(1/2)
    near = sample_quality.two_sample_accuracy(real, rng.standard_normal((1000, 5)) + np.eye(5)[0], seed=0)
    assert near.value == pytest.approx(0.6915, abs=4 * near.stderr)


def test_two_sample_accuracy_is_of_images_not_learned_from():
    """With as many features as images everything learned from is told apart."""
    rng = np.random.default_rng(11)
    found = sample_quality.two_sample_accuracy(*rng.standard_normal((2, 200, 300)), seed=0)
    assert abs(found.value - 0.5) < 4 * found.stderr


def test_nearest_distances_are_exact_and_zero_for_copies(monkeypatch):
    monkeypatch.setattr(sample_quality, "ROWS", 16)
    generator = torch.Generator().manual_seed(0)
    x, known = torch.rand((50, 784), generator=generator), torch.rand((200, 784), generator=generator)
    x[7] = known[123]
    found = sample_quality.nearest_distances(x, known)
    np.testing.assert_allclose(found, pairwise_distances(x.numpy(), known.numpy()).min(1), rtol=1e-5, atol=1e-6)
    assert found[7] == 0


def test_the_distance_ratio_of_copies_is_zero_and_of_equals_one():
    rng = np.random.default_rng(12)
    distances = rng.gamma(9.0, size=400)
    assert sample_quality.distance_ratio(np.zeros(400), distances).value == 0
    assert sample_quality.distance_ratio(distances, distances).value == 1
    assert sample_quality.distance_ratio(2 * distances, distances).value == pytest.approx(2)
    assert math.isnan(sample_quality.distance_ratio(distances, np.zeros(400)).value)
    found = [sample_quality.distance_ratio(rng.gamma(9.0, size=400), rng.gamma(9.0, size=400)) for _ in range(200)]
    assert np.mean([m.stderr for m in found]) == pytest.approx(np.std([m.value for m in found]), rel=0.2)


def test_too_few_images_are_refused():
    few, many = np.zeros((4, 3)), np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(ValueError, match=r"needs at least 11 images on either side; got \[20, 4\]"):
        frechet_distance(many, few)
    with pytest.raises(ValueError, match=r"needs at least 11 images on either side; got \[4, 20\]"):
        kernel_distance(few, many)
    with pytest.raises(ValueError, match="need more than 5 images; got 20 and 4"):
        neighbourhoods(many, few)
