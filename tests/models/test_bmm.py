import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from precision import close

from dgm.data.tensors import ImageData, treat
from dgm.models import bmm
from dgm.models.bmm import Config, e_step, em_iteration, fit, initialise, log_penalty, m_step
from dgm.runtime.streams import Generators
from dgm.settings import parse
from dgm.training.loop import Context


def mixture(seed, k=3, d=4):
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand((k, d), generator=generator, dtype=torch.float64) * 0.9 + 0.05
    mix_p = torch.rand((k, 1), generator=generator, dtype=torch.float64) + 0.1
    return p, mix_p / mix_p.sum()


def every_image(d):
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=d)), dtype=torch.float64)


def test_probabilities_of_all_images_sum_to_one():
    p, mix_p = mixture(0, d=8)
    assert float(e_step(every_image(8), p, mix_p)[1].exp().sum()) == pytest.approx(1, abs=1e-12)


def test_responsibilities_and_likelihood_agree_with_exact_fractions():
    p = [[Fraction(9, 10), Fraction(1, 5)], [Fraction(3, 10), Fraction(7, 10)]]
    mix = [Fraction(2, 5), Fraction(3, 5)]
    for x in itertools.product([0, 1], repeat=2):
        joint = [w * np.prod([q if v else 1 - q for q, v in zip(row, x, strict=True)]) for w, row in zip(mix, p, strict=True)]
        eta, log_likelihood = e_step(
            torch.tensor([x], dtype=torch.float64),
            torch.tensor([[float(q) for q in row] for row in p], dtype=torch.float64),
            torch.tensor([[float(w)] for w in mix], dtype=torch.float64),
        )
        # logarithms of up to 4 in size are exponentiated again
        close(log_likelihood.exp(), float(sum(joint)), terms=4, scale=4 * float(sum(joint)))
        close(eta[0], [float(j / sum(joint)) for j in joint], terms=4, scale=4)


def test_no_underflow_with_784_pixels_at_the_floor():
    x = torch.zeros((2, 784), dtype=torch.float64)
    p = torch.full((3, 784), 1 - 1e-6, dtype=torch.float64)
    eta, log_likelihood = e_step(x, p, torch.full((3, 1), 1 / 3, dtype=torch.float64))
    assert torch.isfinite(eta).all()
    assert float(log_likelihood[0]) == pytest.approx(784 * np.log(1e-6), rel=1e-9)
    assert eta.sum(1).tolist() == pytest.approx([1, 1], abs=1e-12)


def brute_force_expected_complete_log_likelihood(x, eta, p, mix_p):
    """Sum over all component assignments of their posterior times log p(Z, X): K^n terms."""
    n, k = eta.shape
    total = 0.0
    for assignment in itertools.product(range(k), repeat=n):
        weight = float(np.prod([eta[i, z] for i, z in enumerate(assignment)]))
        log_joint = sum(
            float(np.log(mix_p[z]) + (x[i] * np.log(p[z]) + (1 - x[i]) * np.log(1 - p[z])).sum()) for i, z in enumerate(assignment)
        )
        total += weight * log_joint
    return total


def test_m_step_maximises_the_expected_complete_log_likelihood_found_by_enumeration():
    x = torch.tensor([[1.0, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 1]], dtype=torch.float64)
    p, mix_p = mixture(1, k=2, d=3)
    eta, _ = e_step(x, p, mix_p)
    new_p, new_mix = m_step(x, eta)

    def objective(p, mix):
        return brute_force_expected_complete_log_likelihood(x.numpy(), eta.numpy(), p, mix[:, 0])

    best = objective(new_p.numpy(), new_mix.numpy())
    rng = np.random.default_rng(0)
    for _ in range(20):
        other_p = np.clip(new_p.numpy() + 0.05 * rng.standard_normal(new_p.shape), 1e-3, 1 - 1e-3)
        other_mix = np.abs(new_mix.numpy() + 0.05 * rng.standard_normal(new_mix.shape))
        assert objective(other_p, other_mix / other_mix.sum()) < best


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 6), n=st.integers(2, 40))
def test_likelihood_never_falls_in_float64(seed, k, n):
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand((n, 12), generator=generator) < torch.rand(12, generator=generator)).double()
    p, mix_p = initialise(x, k, generator)
    previous = -np.inf
    for _ in range(25):
        p, mix_p, total = em_iteration(x, p, mix_p, chunk=7)
        assert float(total) >= previous - 1e-10 * abs(float(total))
        previous = float(total)
        assert float(mix_p.sum()) == pytest.approx(1, abs=1e-12)
        assert ((p >= 1e-6) & (p <= 1 - 1e-6)).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 6), n=st.integers(6, 40), smoothing=st.sampled_from([0.1, 1.0, 5.0]))
def test_smoothed_em_never_lowers_the_penalised_likelihood(seed, k, n, smoothing):
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand((n, 12), generator=generator) < torch.rand(12, generator=generator)).double()
    means = x.mean(0)
    p, mix_p = initialise(x, k, generator, "images")
    previous = -np.inf
    for _ in range(25):
        penalty = float(log_penalty(p, smoothing, means))
        p, mix_p, total = em_iteration(x, p, mix_p, chunk=7, smoothing=smoothing, means=means)
        assert float(total) + penalty >= previous - 1e-10 * abs(float(total))
        previous = float(total) + penalty


def test_smoothing_adds_images_with_the_pixel_means():
    """The M step of equation (4) averages the images and, for every component, s more in the proportions of the mean."""
    x = every_image(4)[1:]  # without the blank image no pixel is on in half of them
    p, mix_p = mixture(5, k=3, d=4)
    eta = e_step(x, p, mix_p)[0]
    means = x.mean(0)
    smoothed, weights = m_step(x, eta, smoothing=2.0, means=means)
    for k in range(3):
        expected = np.average(np.vstack([x.numpy(), means.numpy()]), axis=0, weights=[*eta[:, k].tolist(), 2.0])
        close(smoothed[k], expected, terms=len(x) + 1, scale=1)
    close(weights[:, 0], eta.mean(0), terms=len(x))


def test_smoothing_maximises_the_penalised_objective():
    x = every_image(3)
    p, mix_p = mixture(4, k=2, d=3)
    eta = e_step(x, p, mix_p)[0]
    means = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    best = m_step(x, eta, smoothing=1.5, means=means)[0]

    def objective(q):
        own = (eta.T[:, :, None] * (x * q.log()[:, None] + (1 - x) * torch.log1p(-q)[:, None])).sum()
        return float(own + log_penalty(q, 1.5, means))

    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        other = (best + 0.05 * torch.randn(best.shape, generator=generator, dtype=torch.float64)).clamp(1e-3, 1 - 1e-3)
        assert objective(other) < objective(best)


def test_without_smoothing_the_pixel_means_do_not_matter():
    x = every_image(6)
    p, mix_p = mixture(2, k=4, d=6)
    plain, given_means = em_iteration(x, p, mix_p), em_iteration(x, p, mix_p, smoothing=0.0, means=x.mean(0))
    assert all(torch.equal(a, b) for a, b in zip(plain, given_means, strict=True))


def test_a_start_from_images_gives_every_component_an_image_of_its_own():
    x = (torch.rand((40, 784), generator=torch.Generator().manual_seed(1)) < 0.3).double()
    p, mix_p = initialise(x, 40, torch.Generator().manual_seed(0), "images")
    assert mix_p[:, 0].tolist() == [1 / 40] * 40
    images = (p - 0.5 * x.mean(0)) * 4 - 0.5  # undone: the image of each row
    assert sorted(torch.cdist(images, x).argmin(1).tolist()) == list(range(40))
    torch.testing.assert_close(images[0].round(), images[0], atol=1e-9, rtol=0)


def test_a_new_pixel_is_no_catastrophe_with_smoothing(images, context):
    """Test images have pixels on that no image of a component had; smoothing leaves them a probability."""
    common = {"components": 40, "restarts": 1, "start": "images", "treatment": "statically binarised"}
    x = treat(images.test_images, "statically binarised", torch.Generator())
    plain, smoothed = (fit(Config(**common, smoothing=s), images, context) for s in (0.0, 1.0))
    scores = [float(fitted.model.log_prob(x).mean()) for fitted in (plain, smoothed)]
    assert scores[1] > scores[0] + 10


def test_the_fit_is_to_the_treatment_of_its_settings(images, context):
    stored = fit(Config(components=1, restarts=1, treatment="statically binarised"), images, context).model
    plain = fit(Config(components=1, restarts=1), images, context).model
    assert (stored.treatment, plain.treatment) == ("statically binarised", "thresholded")
    # the fit of one component is the pixel means
    for model in (stored, plain):
        x = treat(images.train_images, model.treatment, torch.Generator()).double()
        torch.testing.assert_close(model.p[0], x.mean(0).clamp(1e-6, 1 - 1e-6), rtol=1e-9, atol=1e-12)
    again = fit(Config(components=1, restarts=1, treatment="statically binarised"), images, Context("b", Generators(9)))
    assert torch.equal(stored.p, again.model.p)


def test_chunks_change_nothing():
    x = every_image(6)
    p, mix_p = mixture(2, k=4, d=6)
    whole, pieces = em_iteration(x, p, mix_p, chunk=1000), em_iteration(x, p, mix_p, chunk=5)
    for a, b in zip(whole, pieces, strict=True):
        close(a, b, terms=len(x))
    eta, log_likelihood = e_step(x, p, mix_p)
    close(whole[0], m_step(x, eta)[0], terms=len(x))
    close(whole[2], log_likelihood.sum(), terms=len(x))


def test_an_empty_component_stays_finite_and_keeps_weight_zero():
    x = every_image(3)
    eta = torch.zeros((8, 2), dtype=torch.float64)
    eta[:, 0] = 1
    p, mix_p = m_step(x, eta)
    assert mix_p[:, 0].tolist() == [1, 0]
    assert p[1].tolist() == [0.5] * 3


def test_known_parameters_are_recovered(context):
    generator = torch.Generator().manual_seed(0)
    truth = (torch.rand((3, 784), generator=generator) < 0.3).double() * 0.8 + 0.1
    component = torch.randint(3, (200,), generator=generator)
    x = (torch.rand((200, 784), generator=generator, dtype=torch.float64) < truth[component]).double()
    pictures = (255 * x).to(torch.uint8).view(-1, 28, 28)
    data = ImageData(pictures, component, pictures[:10], component[:10])
    p = fit(Config(components=3, restarts=8), data, context).model.p
    distances = torch.cdist(truth, p, 1) / 784
    assert sorted(distances.argmin(1).tolist()) == [0, 1, 2]
    assert float(distances.min(1).values.max()) < 0.06  # a mean of about 67 coin flips each


def test_fit_keeps_the_best_start_and_its_trace(images, context):
    fitted = fit(Config(components=3, restarts=4, iterations=30), images, context)
    finals = {}
    for _, _, _, term, value in fitted.history:
        finals[term] = value
    assert finals["log_likelihood"] == max(value for term, value in finals.items() if "start" in term)


def test_samples_have_the_model_s_means_and_covariance():
    model = bmm.Model(Config(components=2))
    generator = torch.Generator().manual_seed(0)
    model.p[:] = torch.rand((2, 784), generator=generator, dtype=torch.float64)
    model.mix_p[:] = torch.tensor([[0.3], [0.7]], dtype=torch.float64)
    drawn = model.sample(20_000, generator)["samples"].flatten(1).double()
    mean = (model.mix_p * model.p).sum(0)
    assert float((drawn.mean(0) - mean).abs().max()) < 5 * 0.5 / np.sqrt(20_000)
    # between two pixels only the choice of the component correlates
    expected = float((model.mix_p[:, 0] * model.p[:, 3] * model.p[:, 9]).sum() - mean[3] * mean[9])
    assert float(torch.cov(drawn[:, [3, 9]].T)[0, 1]) == pytest.approx(expected, abs=0.01)


def test_parameter_counts():
    assert [bmm.Model(Config(components=k)).parameter_count() for k in (5, 10, 20)] == [3924, 7849, 15699]


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"components": 3, "images": 5000}, "images = 5000, but the training set has 200"),
        ({"components": 30, "images": 20}, "30 components need at least as many images; got 20"),
    ],
)
def test_impossible_sizes_are_refused(images, context, settings_, message):
    with pytest.raises(ValueError, match=message):
        fit(Config(**settings_), images, context)


def test_bad_settings_name_path_value_and_rule():
    with pytest.raises(ValueError, match=r"runs\.x\.settings\.components: got 0; .*greater than or equal to 1"):
        parse(Config, {"components": 0}, "runs.x.settings")
    with pytest.raises(ValueError, match=r"runs\.x\.settings\.komponents: unknown key; .*components"):
        parse(Config, {"components": 2, "komponents": 3}, "runs.x.settings")
    with pytest.raises(ValueError, match=r"runs\.x\.settings\.treatment: got 'stored'; .*'thresholded' or 'statically binarised'"):
        parse(Config, {"components": 2, "treatment": "stored"}, "runs.x.settings")
    with pytest.raises(ValueError, match=r"runs\.x\.settings\.components: missing"):
        parse(Config, {}, "runs.x.settings")
