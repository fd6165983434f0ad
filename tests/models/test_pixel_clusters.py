import numpy as np
import pytest
import torch
from precision import close
from scipy.stats import multivariate_normal
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from dgm.data.tensors import treat
from dgm.models.pixel_clusters import Config, Model, fit
from dgm.settings import parse


def config(**settings):
    return parse(Config, settings, "runs.x.settings")


def pixels(images):
    return treat(images, "grey", torch.Generator())


@pytest.fixture
def noisy(images):
    """The bars with noise of each image's own, so that clusters overlap."""
    rng = np.random.default_rng(1)

    def disturbed(pictures):
        return torch.from_numpy(np.clip(pictures.numpy() + rng.normal(0, 80, pictures.shape), 0, 255).astype(np.uint8))

    return images.__class__(disturbed(images.train_images), images.train_labels, disturbed(images.test_images), images.test_labels)


def tables(model):
    return [table.numpy() for table in (model.weights, model.means, model.variances)]


def test_k_means_labels_are_scikit_learn_s_own(noisy, context):
    fitted = fit(config(components=7, starts=1), noisy, context)
    seed = context.generators.seed_of("start/0") % 2**32
    own = KMeans(7, n_init=1, random_state=seed).fit(pixels(noisy.train_images).double().numpy())
    found = fitted.model.responsibilities(pixels(noisy.test_images))
    assert found.argmax(1).tolist() == own.predict(pixels(noisy.test_images).double().numpy()).tolist()
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert [row[4] for row in fitted.history] == pytest.approx([own.inertia_ / 200], rel=1e-9)


@pytest.mark.parametrize("axes", [None, 5])
def test_gaussian_responsibilities_are_scikit_learn_s_own(noisy, context, axes):
    made = fit(config(method="Gaussian mixture", components=4, starts=2, principal_axes=axes, variance_floor=0.05), noisy, context)
    train, test = (pixels(part).double().numpy() for part in (noisy.train_images, noisy.test_images))
    if axes is not None:
        reduction = PCA(axes, svd_solver="full").fit(train)
        train, test = reduction.transform(train), reduction.transform(test)
    seeds = [context.generators.seed_of(f"start/{start}") % 2**32 for start in range(2)]
    fits = [
        GaussianMixture(4, covariance_type="diag", init_params="k-means++", max_iter=300, reg_covar=0.05, random_state=seed).fit(
            train
        )
        for seed in seeds
    ]
    best = max(fits, key=lambda one: one.score(train))
    np.testing.assert_allclose(made.model.responsibilities(pixels(noisy.test_images)), best.predict_proba(test), atol=1e-7)
    assert [row[4] for row in made.history] == pytest.approx([one.score(train) for one in fits], rel=1e-9)


@pytest.mark.parametrize("axes", [None, 3])
def test_gaussian_responsibilities_are_bayes_rule(axes):
    model = Model(config(method="Gaussian mixture", components=3, principal_axes=axes))
    generator = torch.Generator().manual_seed(0)
    for table in model.buffers():
        table.copy_(torch.rand(table.shape, generator=generator, dtype=torch.float64) + 0.1)
    model.weights /= model.weights.sum()
    model.means *= 0.1  # close enough together that no decision is certain
    model.variances += 1
    if axes is not None:
        model.origin.fill_(0.5)
        model.axes -= 0.6
    x = torch.rand((6, 784), generator=generator)
    y = x.double().numpy()
    if axes is not None:
        y = np.stack([[float((row - model.origin.numpy()) @ axis) for axis in model.axes.numpy()] for row in y])
        model.variances.mul_(20)
    weights, means, variances = tables(model)
    density = np.stack([multivariate_normal(m, np.diag(v)).logpdf(y) for m, v in zip(means, variances, strict=True)], 1)
    joint = np.log(weights) + density
    expected = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    found = model.responsibilities(x)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    assert ((found > 1e-4) & (found < 0.999)).sum() >= 6


def test_the_best_start_is_kept(noisy, context):
    made = fit(config(components=9, starts=6), noisy, context)
    x = pixels(noisy.train_images).double()
    inertia = float(torch.cdist(x, made.model.means).square().min(1).values.mean())
    assert inertia == pytest.approx(min(row[4] for row in made.history), rel=1e-6)
    assert len({row[4] for row in made.history}) > 1  # the starts differ


def test_clear_clusters_are_found(images, context):
    for method in ("k-means", "Gaussian mixture"):
        made = fit(config(method=method, starts=5), images, context)
        clusters = made.model.responsibilities(pixels(images.test_images)).argmax(1)
        assert len({(int(a), int(b)) for a, b in zip(clusters, images.test_labels, strict=True)}) == 10


def test_no_more_images_than_asked_for_are_used(images, context):
    made = fit(config(components=3, images=50, starts=1), images, context)
    few = images.__class__(images.train_images[:50], images.train_labels[:50], images.test_images, images.test_labels)
    close(made.model.means, fit(config(components=3, images=None, starts=1), few, context).model.means, terms=50)


def test_parameter_counts():
    assert Model(config()).parameter_count() == 7840
    assert Model(config(method="Gaussian mixture")).parameter_count() == 2 * 7840 + 9
    assert Model(config(method="Gaussian mixture", principal_axes=5)).parameter_count() == 2 * 50 + 9 + 6 * 784


@pytest.mark.parametrize("settings", [{"components": 300}, {"principal_axes": 201}])
def test_too_few_images_are_refused(images, context, settings):
    with pytest.raises(ValueError, match=r"run made-up: (300|201) clusters or axes need at least as many images; got 200"):
        fit(config(**settings), images, context)


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match=r"runs\.x\.settings\.method: got 'DBSCAN'; .*'k-means' or 'Gaussian mixture'"):
        config(method="DBSCAN")
