import math
import signal

import numpy as np
import pytest
import torch
from precision import close, tolerance

from dgm.maths.clustering import clustering_accuracy
from dgm.maths.distributions import bernoulli_log_prob
from dgm.maths.mixture_prior import EXAMPLE
from dgm.models import vade
from dgm.models.vade import Config, Model, Prior, bound_terms, log_geometric_responsibilities, log_responsibilities
from dgm.runtime.interruption import Interrupted, listening
from dgm.runtime.streams import Generators
from dgm.training.fitted import Fitted
from dgm.training.loop import Checkpoint, Context

SMALL = Config(
    hidden=[24, 16], latent=3, layer_epochs=2, autoencoder_epochs=2, epochs=2, batch_size=64, mixture_starts=1, precision="float32"
)


def model(**settings):
    torch.manual_seed(0)
    made = Model(SMALL.model_copy(update=settings)).eval()
    with torch.no_grad():
        made.means.normal_(0, 1)
        made.log_variances.normal_(0, 0.5)
        made.weight_logits.normal_(0, 1)
    return made


def grey(n=6):
    return torch.rand((n, 784), generator=torch.Generator().manual_seed(1))


def inputs(n=5, k=4, j=3):
    generator = torch.Generator().manual_seed(2)
    draw = lambda *shape: torch.randn(shape, generator=generator, dtype=torch.float64)  # noqa: E731
    return draw(n, j), draw(n, j), Prior(draw(k).log_softmax(0), draw(k, j), draw(k, j))


def test_the_default_has_the_published_sizes():
    with torch.device("meta"):
        made = Model(Config())
    one_way = 784 * 500 + 500 + 500 * 500 + 500 + 500 * 2000 + 2000
    encoder = one_way + 2 * (2000 * 10 + 10)
    decoder = 10 * 2000 + 2000 + 2000 * 500 + 500 + 500 * 500 + 500 + 500 * 784 + 784
    assert sum(parameter.numel() for parameter in made.parameters()) == encoder + decoder + 10 + 2 * 10 * 10


def test_closed_form_agrees_with_the_example_that_is_integrated():
    f64 = torch.float64
    prior = Prior(*(torch.tensor(values, dtype=f64) for values in (EXAMPLE.weights, EXAMPLE.means, EXAMPLE.variances)))
    prior = Prior(prior.log_weights.log(), prior.means[:, None], prior.log_variances.log()[:, None])
    gamma = torch.tensor([[0.8, 0.2]], dtype=f64)
    mean, log_variance = torch.full((1, 1), EXAMPLE.q_mean, dtype=f64), torch.full((1, 1), math.log(EXAMPLE.q_variance), dtype=f64)
    terms = bound_terms(torch.zeros(1, dtype=f64), gamma.log(), mean, log_variance, prior)
    z = torch.linspace(-6, 7, 20_001, dtype=f64)
    decoder = torch.trapezoid(
        torch.distributions.Normal(z.new_tensor(0.4), 0.6).log_prob(z).exp() * torch.from_numpy(EXAMPLE.log_likelihood(z)), z
    )
    assert float(terms.bound + decoder) == pytest.approx(-2.9619850728, abs=1e-8)
    geometric = log_geometric_responsibilities(mean, log_variance, prior).exp()
    np.testing.assert_allclose(geometric[0], EXAMPLE.geometric(), atol=1e-12)
    np.testing.assert_allclose(log_responsibilities(mean, prior).exp()[0], EXAMPLE.responsibilities(EXAMPLE.q_mean), atol=1e-12)


def test_closed_form_kl_equals_monte_carlo_within_its_interval():
    mean, log_variance, prior = inputs(n=1)
    log_gamma = torch.tensor([[0.4, 0.3, 0.2, 0.1]], dtype=torch.float64).log()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((200_000, 3), generator=generator, dtype=torch.float64)
    c = torch.multinomial(log_gamma.exp()[0], len(noise), replacement=True, generator=generator)
    code, law = (
        torch.distributions.Normal(mean, (0.5 * log_variance).exp()),
        torch.distributions.Normal(prior.means[c], (0.5 * prior.log_variances[c]).exp()),
    )
    z = mean + (0.5 * log_variance).exp() * noise
    ratio = code.log_prob(z).sum(1) + log_gamma[0, c] - law.log_prob(z).sum(1) - prior.log_weights[c]
    kl = bound_terms(torch.zeros(1), log_gamma, mean, log_variance, prior).kl
    assert float(kl) == pytest.approx(float(ratio.mean()), abs=4 * float(ratio.std()) / len(z) ** 0.5)


def test_responsibilities_are_bayes_rule():
    z, _, prior = inputs()
    normal = torch.distributions.Normal(prior.means, (0.5 * prior.log_variances).exp())
    joint = prior.log_weights + normal.log_prob(z[:, None]).sum(2)
    close(log_responsibilities(z, prior).exp(), joint.softmax(1), terms=3, scale=float(joint.abs().max()))


def test_the_geometric_law_maximises_the_bound():
    mean, log_variance, prior = inputs()
    best = log_geometric_responsibilities(mean, log_variance, prior)
    logits = best.clone().requires_grad_()
    bound = bound_terms(torch.zeros(5), logits.log_softmax(1), mean, log_variance, prior).bound
    bound.sum().backward()
    assert float(logits.grad.abs().max()) < 1e-12
    for rival in (log_responsibilities(mean, prior), torch.full_like(best, -math.log(4))):
        lost = bound - bound_terms(torch.zeros(5), rival, mean, log_variance, prior).bound
        close(lost, (rival.exp() * (rival - best)).sum(1), terms=4 * 3, scale=float(bound.detach().abs().max()))


def test_gradients_stay_finite_when_a_cluster_is_impossible():
    made = model()
    with torch.no_grad():
        made.means[0] += 1e4
    (-made.bound(grey(), torch.Generator().manual_seed(0))["bound"].mean()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in made.parameters())


@pytest.mark.parametrize("form", ["averaged", "geometric"])
def test_bound_is_the_sum_of_its_terms(form):
    made = model(responsibilities=form)
    terms = made.bound(grey(), torch.Generator().manual_seed(0))
    close(terms["bound"], terms["reconstruction"] - terms["kl"])
    parts = [terms[name].detach() for name in ("prior", "assignment", "entropy")]
    close(terms["kl"], -sum(parts), terms=3, scale=float(sum(part.abs() for part in parts).max()))
    if form == "geometric":
        assert (terms["kl"] >= 0).all()


def test_the_two_forms_share_their_reconstruction_and_the_geometric_bound_is_higher():
    averaged, geometric = (
        model(responsibilities=form).bound(grey(), torch.Generator().manual_seed(3)) for form in ("averaged", "geometric")
    )
    close(averaged["reconstruction"], geometric["reconstruction"], terms=784)
    slack = tolerance(torch.float32, 10 * 3, float(averaged["kl"].detach().abs().max()))
    assert (geometric["kl"] <= averaged["kl"] + slack).all()


def test_importance_weighted_bound_lies_above_the_bound():
    made, x = model(responsibilities="geometric"), (grey(16) < 0.3).float()
    with torch.no_grad():
        many = torch.stack([made.importance_weighted_bound(x, 30, torch.Generator().manual_seed(s)) for s in range(6)]).mean()
        one = torch.stack([made.importance_weighted_bound(x, 1, torch.Generator().manual_seed(s)) for s in range(40)]).mean()
        bound = torch.stack([made.bound(x, torch.Generator().manual_seed(s))["bound"] for s in range(40)]).mean()
    # with one draw it is the bound with the cluster summed out, which is at least the mean-field one
    assert float(many) > float(one) > float(bound) - 0.05


def test_a_cluster_is_predicted_without_randomness():
    for form in ("averaged", "geometric"):
        made = model(responsibilities=form)
        with torch.no_grad():
            first, second = made.responsibilities(grey()), made.responsibilities(grey())
        assert torch.equal(first, second)
        np.testing.assert_allclose(first.sum(1), 1, atol=1e-12)


def test_samples_follow_the_weights_and_their_clusters():
    made = model()
    with torch.no_grad():
        made.weight_logits.copy_(torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0, -3.0, -4.0, -4.0, -4.0, -4.0]))
        drawn = made.sample(4000, torch.Generator().manual_seed(0))
        weights = made.describe()["weights"]
    share = drawn["components"].bincount(minlength=10) / 4000
    assert float((share - weights).abs().max()) < 0.035
    assert set(drawn["samples"].unique().tolist()) <= {0, 1}
    assert drawn["means"].shape == (4000, 28, 28)
    agreement = (drawn["samples"].float() - drawn["means"]).mean()
    assert abs(float(agreement)) < 1e-3


def run(images, context=None, **settings) -> Fitted:
    return vade.fit(SMALL.model_copy(update=settings), images, context or Context(run="vade", generators=Generators(0)))


def test_separable_images_are_clustered(images):
    # with eight seeds the accuracy was 1 each time, and the bound rose by 80 to 300 nats
    fitted = run(images, layer_epochs=0, autoencoder_epochs=120, epochs=30, batch_size=20, mixture_starts=20)
    with torch.no_grad():
        x = images.test_images.flatten(1).float() / 255
        clusters = fitted.model.responsibilities(x).argmax(1)
    assert clustering_accuracy(images.test_labels.numpy(), clusters.numpy()).value > 0.7
    bound = [row[4] for row in fitted.history if row[2:4] == ("train", "bound")]
    assert bound[-1] > bound[0] + 5


def test_every_phase_reduces_its_error(images):
    fitted = run(images, layer_epochs=8, autoencoder_epochs=8)
    for name in ("layer_1_error", "layer_2_error", "layer_3_error", "autoencoder_error"):
        values = [row[4] for row in fitted.history if row[3] == name]
        assert len(values) == 8
        assert 0 < values[-1] < values[0]
    assert fitted.facts["epochs"] == 3 * 8 + 8 + 2
    assert sum(fitted.facts["phase_seconds"].values()) == pytest.approx(fitted.facts["seconds_in_steps"], abs=0.01)


def test_a_phase_can_be_left_out(images):
    fitted = run(images, layer_epochs=0, autoencoder_epochs=0)
    assert not [row for row in fitted.history if row[3].endswith("_error")]


def test_masking_keeps_the_expectation():
    job = vade._Job(model(), SMALL, None, Context(run="x", generators=Generators(0)))
    masked = job.masked(torch.ones(200_000), 0.3)
    assert float((masked == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(masked.mean()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("call", [3, 9, 14, 19])
def test_an_interrupted_training_goes_on_where_it_was(images, tmp_path, monkeypatch, call):
    undisturbed = run(images)
    pixels, calls = vade._Job.pixels, []

    def interrupted(self, batch):
        calls.append(1)
        if len(calls) == call:
            signal.raise_signal(signal.SIGTERM)
        return pixels(self, batch)

    monkeypatch.setattr(vade._Job, "pixels", interrupted)
    checkpoint = Checkpoint(tmp_path / "vade.pt", "id")
    attempts = 0
    while True:
        attempts += 1
        try:
            with listening(lambda line: None):
                fitted = run(images, Context(run="vade", generators=Generators(0), checkpoint=checkpoint))
            break
        except Interrupted:
            continue
    assert attempts == 2
    assert len(calls) < 60  # no finished phase ran again
    for name, value in undisturbed.model.state_dict().items():
        assert torch.equal(value, fitted.model.state_dict()[name]), name
    assert fitted.history == undisturbed.history
    assert fitted.facts["epochs"] == undisturbed.facts["epochs"]
    assert [path.name for path in tmp_path.iterdir()] == ["vade.pt"]  # the stage removes it; the phases' own files are gone


def test_fewer_images_than_clusters_are_refused(images):
    with pytest.raises(ValueError, match="run made-up: 300 clusters need at least as many images; the training set has 200"):
        run(images, Context(run="made-up", generators=Generators(0)), clusters=300)


def test_an_empty_cluster_is_reported(images):
    made = model()
    with torch.no_grad():
        made.weight_logits[4] = -200.0
        found = made.measure(images, Generators(0))
    readings = {(metric, split): measured.value for metric, split, measured in found.readings}
    assert readings["clusters_in_use", "test"] < 10
    assert readings["smallest_cluster", "test"] == 0
    assert found.arrays["cluster_digits"][4] == -1


def test_measurements_of_the_cluster_laws(images):
    made = model()
    with torch.no_grad():
        found = made.measure(images, Generators(0))
        readings = {(metric, split): measured.value for metric, split, measured in found.readings}
    best = readings["mixture_kl", "geometric"]
    for split in ("one draw", "averaged"):
        assert readings["mixture_kl", split] - best == pytest.approx(readings["kl_to_geometric", split], abs=1e-9)
        assert readings["kl_to_geometric", split] > 0
    assert readings["argmax_agreement", "geometric"] == 1
    assert found.arrays["codes"].shape == (100, 2)
    assert found.arrays["cluster_codes"].shape == (10, 2)
    assert found.arrays["cluster_samples"].shape == (10, 10, 28, 28)


def test_reconstruction_is_the_decoders_log_likelihood():
    made, x = model(), grey()
    with torch.no_grad():
        made.log_variance_head.weight.zero_()
        made.log_variance_head.bias.fill_(-60.0)  # no spread: the draw is the mean
        terms = made.terms(x, torch.Generator().manual_seed(0))
        close(terms.reconstruction, bernoulli_log_prob(x, made.decode(made.encode(x)[0])), terms=784)


@pytest.mark.parametrize("method", ["k-means", "EM"])
def test_clusters_of_codes_are_found_with_their_moments(method):
    rng = np.random.default_rng(0)
    centres, spread = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]]), np.array([[1.0, 0.5], [0.3, 1.0], [1.0, 1.0]])
    chosen = rng.choice(3, 6000, p=[0.5, 0.3, 0.2])
    codes = centres[chosen] + spread[chosen] * rng.standard_normal((6000, 2))
    weights, means, variances = vade.diagonal_mixture(codes, 3, method, 3, 0)
    order = [int(np.linalg.norm(means - centre, axis=1).argmin()) for centre in centres]
    np.testing.assert_allclose(weights[order], [0.5, 0.3, 0.2], atol=0.02)
    np.testing.assert_allclose(means[order], centres, atol=0.1)
    np.testing.assert_allclose(variances[order], spread**2, rtol=0.1)


def test_collapsed_codes_are_refused():
    with pytest.raises(ValueError, match="3 clusters need at least as many different codes; the autoencoder gives 1"):
        vade.diagonal_mixture(np.ones((50, 2)), 3, "k-means", 3, 0)


def test_a_random_start_has_no_pre_training_and_scattered_clusters(images):
    fitted = run(images, layer_epochs=0, autoencoder_epochs=0, mixture="random", epochs=1)
    assert {row[3] for row in fitted.history}.isdisjoint({"layer_1_error", "autoencoder_error", "code_log_likelihood"})
    assert list(fitted.facts["phase_seconds"]) == ["bound"]
    first = {row[3]: row[4] for row in fitted.history if row[2] == "test" and row[0] == 0}
    assert first["clusters_in_use"] <= 2  # codes near the origin see one or two of the clusters


def test_a_random_start_puts_the_clusters_where_the_standard_normal_law_does(images):
    made = model(clusters=2000, latent=3)
    job = vade._Job(made, SMALL, images, Context("x", Generators(0)))
    vade._scatter_clusters(job)
    means = made.means.detach()
    torch.testing.assert_close(torch.cov(means.T), torch.eye(3), atol=0.12, rtol=0)
    torch.testing.assert_close(means.mean(0), torch.zeros(3), atol=0.1, rtol=0)
    assert (made.log_variances == 0).all()
    assert (made.weight_logits == 0).all()
