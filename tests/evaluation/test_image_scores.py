import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from dgm.evaluation import image_scores
from dgm.maths import clustering
from dgm.maths import measured as measurements
from dgm.maths.measured import Measured


def test_mean_and_its_standard_error_cover_the_truth():
    rng = np.random.default_rng(0)
    measured = [measurements.mean(rng.standard_normal(50) * 3 + 1) for _ in range(400)]
    inside = [abs(m.value - 1) < 1.96 * m.stderr for m in measured]
    assert 0.91 < np.mean(inside) < 0.98


def test_median_and_its_standard_error():
    rng = np.random.default_rng(0)
    measured = [measurements.median(rng.standard_normal(400)) for _ in range(200)]
    assert np.mean([m.stderr for m in measured]) == pytest.approx(np.std([m.value for m in measured]), rel=0.2)


def test_bits_per_dim_of_the_published_value():
    assert image_scores.bits_per_dim(Measured(1988.944, 7.84), 784).value == pytest.approx(4.34, abs=1e-4)
    # a uniform density on [0, 1) is exactly eight bits a pixel
    assert image_scores.bits_per_dim(Measured(0.0), 784).value == pytest.approx(8)


def test_clustering_scores_ignore_the_names_of_clusters():
    labels = np.repeat(np.arange(10), 7)
    renamed = (labels * 3 + 4) % 10
    assert clustering.clustering_accuracy(labels, renamed).value == 1
    assert clustering.purity(labels, renamed).value == 1
    assert clustering.adjusted_rand_index(labels, renamed) == 1
    assert clustering.normalised_mutual_information(labels, renamed) == pytest.approx(1)


@pytest.mark.parametrize(("labels", "clusters"), [(10, 10), (3, 25), (7, 1), (1, 1), (1, 4)])
def test_indices_are_those_of_the_library(labels, clusters):
    rng = np.random.default_rng(0)
    for n in (30, 1000):
        one = rng.integers(0, labels, n).astype(np.uint8)
        other = np.where(rng.random(n) < 0.3, one % clusters, rng.integers(0, clusters, n))
        assert clustering.adjusted_rand_index(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)
        information = clustering.normalised_mutual_information(one, other)
        assert information == pytest.approx(normalized_mutual_info_score(one, other), abs=1e-12)


def test_clustering_accuracy_is_never_above_purity():
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels, clusters = rng.integers(0, 10, 300), rng.integers(0, 10, 300)
        assert clustering.clustering_accuracy(labels, clusters).value <= clustering.purity(labels, clusters).value


def test_purity_by_hand():
    assert clustering.purity(np.array([0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1])).value == pytest.approx(4 / 5)


def test_more_clusters_than_labels_is_an_error():
    with pytest.raises(ValueError, match="20 clusters against 10 labels"):
        clustering.clustering_accuracy(np.arange(100) % 10, np.arange(100) % 20)


def test_entropy_bounds():
    assert image_scores.class_entropy(np.arange(100) % 10).value == pytest.approx(np.log(10))
    assert image_scores.class_entropy(np.zeros(50, dtype=int)).value == 0
    assert image_scores.pixel_entropy(np.full((2, 28, 28), 0.5)).value == pytest.approx(np.log(2))
    assert image_scores.pixel_entropy(np.array([[0.0, 1.0]])).value == pytest.approx(0, abs=1e-9)


def test_class_information_is_the_difference_of_two_entropies_and_wants_both_certainty_and_variety():
    rng = np.random.default_rng(0)
    log_p = np.log(rng.dirichlet(np.full(10, 0.3), 500))

    def entropy(p):
        return -(p * np.log(p)).sum(-1)

    p = np.exp(log_p)
    assert image_scores.class_information(log_p).value == pytest.approx(entropy(p.mean(0)) - entropy(p).mean())
    sure = np.log(np.eye(10) * (1 - 1e-9) + 1e-10)
    assert image_scores.class_information(sure[np.arange(200) % 10]).value == pytest.approx(np.log(10), abs=1e-6)
    assert image_scores.class_information(sure[np.zeros(200, dtype=int)]).value == pytest.approx(0, abs=1e-9)
    assert image_scores.class_information(np.full((200, 10), -np.log(10))).value == pytest.approx(0, abs=1e-9)


def test_the_standard_error_of_class_information_matches_repeated_sampling():
    rng = np.random.default_rng(1)
    measured = [image_scores.class_information(np.log(rng.dirichlet(np.full(10, 0.3), 300))) for _ in range(200)]
    assert np.mean([m.stderr for m in measured]) == pytest.approx(np.std([m.value for m in measured]), rel=0.15)


def test_independent_pixels_do_not_correlate_and_strokes_do():
    rng = np.random.default_rng(0)
    clusters = np.repeat([0, 1], 400)
    prototypes = rng.random((2, 28, 28))
    noise = (rng.random((800, 28, 28)) < prototypes[clusters]).astype(np.uint8)
    assert abs(image_scores.neighbour_correlation(noise, clusters).value) < 0.01
    strokes = np.repeat((rng.random((800, 28, 14)) < 0.5).astype(np.uint8), 2, axis=2)
    assert image_scores.neighbour_correlation(strokes, clusters).value == pytest.approx(14 / 27, abs=0.02)


def test_correlation_within_clusters_ignores_what_clusters_differ_in():
    pictures = np.zeros((40, 28, 28))
    pictures[20:] = 1
    assert np.isnan(image_scores.neighbour_correlation(pictures, np.repeat([0, 1], 20)).value)  # nothing varies within
