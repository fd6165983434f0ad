import torch

from dgm.models import classifier
from dgm.models.classifier import Config, Model, augment


def test_log_probabilities_are_normalised():
    torch.manual_seed(0)
    log_p = Model(Config()).log_probabilities(torch.rand(4, 784))
    torch.testing.assert_close(log_p.exp().sum(1), torch.ones(4))


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
