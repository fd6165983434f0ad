import torch
from precision import close

from dgm.models import classifier
from dgm.models.classifier import Config, Model, augment


def test_log_probabilities_are_normalised():
    torch.manual_seed(0)
    log_p = Model(Config()).log_probabilities(torch.rand(4, 784))
    close(log_p.exp().sum(1), torch.ones(4), terms=10, scale=10)  # logarithms of a few are exponentiated again


def test_augmentation_shifts_by_at_most_the_setting_and_keeps_ink_in_range():
    images = torch.zeros((200, 28, 28), dtype=torch.uint8)
    images[:, 14, 14] = 255
    shown = augment(images, 2, torch.Generator().manual_seed(0)).view(200, 28, 28)
    assert set(shown.flatten(1).sum(1).tolist()) == {1.0}
    places = shown.nonzero()[:, 1:]
    assert places.min() == 12
    assert places.max() == 16


def test_it_learns_the_made_up_digits(images, context):
    fitted = classifier.fit(Config(epochs=6, batch_size=20, shift=0), images, context)
    accuracy = [row[4] for row in fitted.history if row[3] == "accuracy"]
    assert accuracy[-1] > 0.9


def test_the_second_architecture_has_the_same_number_of_features_and_learns(images, context):
    config = Config(architecture="perceptron", epochs=6, batch_size=20, shift=0)
    assert Model(config).features(torch.rand(3, 784)).shape == Model(Config()).features(torch.rand(3, 784)).shape == (3, 128)
    # 784-256-128-10, weights and biases
    assert sum(p.numel() for p in Model(config).parameters()) == 785 * 256 + 257 * 128 + 129 * 10
    fitted = classifier.fit(config, images, context)
    accuracy = [row[4] for row in fitted.history if row[3] == "accuracy"]
    assert accuracy[-1] > 0.9


def test_a_perceptron_does_not_know_which_pixels_are_neighbours():
    torch.manual_seed(0)
    model, x, order = Model(Config(architecture="perceptron")), torch.rand(5, 784), torch.randperm(784)
    moved = Model(Config(architecture="perceptron"))
    moved.load_state_dict(model.state_dict())
    with torch.no_grad():
        moved.body[1].weight.copy_(model.body[1].weight[:, order])
    weights = [model.body[layer].weight.detach().abs() for layer in (1, 3)]
    scale = x @ weights[0].T @ weights[1].T  # the terms' absolute values
    close(moved.features(x[:, order]), model.features(x), terms=784 + 256, scale=float(scale.max()))
