"""What the pipeline's training is measured against: the way such models are usually written.

The same networks as :mod:`dgm.models.nice`, :mod:`dgm.models.vae_conv`, :mod:`dgm.models.vae_mlp` and :mod:`dgm.models.gan` with
the same losses; but images pass one by one through PIL and torchvision transforms in a DataLoader, arithmetic is float32 in
PyTorch's default layout, Adam is not fused, gradients are clipped, and every step waits for ``.item()``. The sizes of the networks
are checked against the published counts.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

PARAMETERS = {"nice": 19_158_352, "vae_conv": 974_241, "vae_mlp": 788_788, "gan": 593 + 107_777}
LEARNING_RATES = {"nice": 1e-3, "vae_conv": 5e-4, "vae_mlp": 1e-3, "gan": 2e-4}
CLIP = 1e3  # so high that it clips nothing, as is usual; the norm is computed all the same


class Digits(Dataset[tuple[Tensor, int]]):
    """Images that become a PIL image and then a tensor each time they are asked for."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: transforms.Compose) -> None:
        self.images, self.labels, self.transform = torch.from_numpy(images), torch.from_numpy(labels), transform

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """One image and its label."""
        return self.transform(Image.fromarray(self.images[index].numpy())), int(self.labels[index])


TRANSFORMS = {
    "nice": transforms.Compose([transforms.ToTensor(), lambda x: (255 * x + torch.rand_like(x)) / 256]),
    "vae_conv": transforms.Compose([transforms.ToTensor(), torch.bernoulli, transforms.Pad(2)]),
    "vae_mlp": transforms.Compose([transforms.ToTensor(), torch.bernoulli]),
    "gan": transforms.ToTensor(),
}


class Nice(nn.Module):
    """Four additive coupling blocks and a scaling; the loss is the negative log-likelihood under a logistic prior."""

    def __init__(self) -> None:
        super().__init__()
        widths = [392, 1000, 1000, 1000, 1000, 1000]
        self.nets = nn.ModuleList()
        for _ in range(4):
            layers: list[nn.Module] = []
            for i in range(5):
                layers += [nn.Linear(widths[i], widths[i + 1]), nn.ReLU()]
            self.nets.append(nn.Sequential(*layers, nn.Linear(1000, 392)))
        self.log_scale = nn.Parameter(torch.zeros(784))

    def loss(self, images: Tensor) -> Tensor:
        """Mean negative log-likelihood in nats an image."""
        a, b = images.view(len(images), -1).chunk(2, dim=1)
        for net in self.nets:
            a, b = b + net(a), a
        z = torch.cat([a, b], dim=1) * torch.exp(self.log_scale)
        log_prob = -(functional.softplus(z) + functional.softplus(-z))
        return -(log_prob.sum(1) + self.log_scale.sum()).mean()


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.ReLU(), nn.Conv2d(64, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.net(x)


class ConvolutionalVae(nn.Module):
    """Four stages of stride 2 each way; the loss is the negative evidence lower bound."""

    def __init__(self) -> None:
        super().__init__()
        encoder: list[nn.Module] = []
        decoder: list[nn.Module] = []
        for channels, out in zip([1, 64, 64, 64], [64, 64, 64, 32], strict=True):
            encoder += [nn.Conv2d(channels, 64, 4, stride=2, padding=1), nn.ReLU(), _Residual(), _Residual(), nn.ReLU()]
            encoder += [nn.Conv2d(64, out, 3, padding=1)]
        for channels, out in zip([16, 64, 64, 64], [64, 64, 64, 1], strict=True):
            decoder += [nn.Conv2d(channels, 64, 3, padding=1), _Residual(), _Residual(), nn.ReLU()]
            decoder += [nn.ConvTranspose2d(64, out, 4, stride=2, padding=1)]
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)

    def loss(self, images: Tensor) -> Tensor:
        """Mean negative bound in nats an image."""
        mean, log_std = self.encoder(images).chunk(2, dim=1)
        logits = self.decoder(mean + torch.exp(log_std) * torch.randn_like(mean))
        reconstruction = functional.binary_cross_entropy_with_logits(logits, images, reduction="none").sum((1, 2, 3))
        kl = 0.5 * (mean**2 + torch.exp(2 * log_std) - 1 - 2 * log_std).sum((1, 2, 3))
        return (reconstruction + kl).mean()


class MlpVae(nn.Module):
    """One hidden layer each way, a latent plane; the loss is the negative of the fully sampled evidence lower bound."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.mean, self.log_variance = nn.Linear(784, 500), nn.Linear(500, 2), nn.Linear(500, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 500), nn.Tanh(), nn.Linear(500, 784), nn.Sigmoid())

    def loss(self, images: Tensor) -> Tensor:
        """Mean negative bound in nats an image."""
        x = images.view(len(images), -1)
        hidden = torch.tanh(self.hidden(x))
        posterior = torch.distributions.Normal(self.mean(hidden), torch.exp(0.5 * self.log_variance(hidden)))
        z = posterior.rsample()
        reconstruction = functional.binary_cross_entropy(self.decoder(z), x, reduction="none").sum(1)
        prior = torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z))
        return (reconstruction + posterior.log_prob(z).sum(1) - prior.log_prob(z).sum(1)).mean()


class Adversaries(nn.Module):
    """Both networks of the GAN; two losses, so two optimisers and a step of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.discriminator = nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(200, 1),
        )  # fmt: skip
        self.generator = nn.Sequential(
            nn.Linear(64, 1568), nn.LeakyReLU(0.2), nn.Unflatten(1, (32, 7, 7)), nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, padding=1), nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, padding=1),
            nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def step(self, images: Tensor, optimisers: Sequence[torch.optim.Optimizer]) -> float:
        """One step of each network on the same noise; images are generated anew for the second, and nothing is frozen."""
        criterion, z = nn.BCEWithLogitsLoss(), 2 * torch.rand(len(images), 64) - 1
        real, fake = torch.ones(len(images), 1), torch.zeros(len(images), 1)
        optimisers[0].zero_grad()
        first = criterion(self.discriminator(images), real) + criterion(self.discriminator(self.generator(z).detach()), fake)
        (first / 2).backward()
        optimisers[0].step()
        optimisers[1].zero_grad()
        second = criterion(self.discriminator(self.generator(z)), real)
        second.backward()
        optimisers[1].step()
        return first.item() / 2 + second.item()


MODELS: dict[str, type[nn.Module]] = {"nice": Nice, "vae_conv": ConvolutionalVae, "vae_mlp": MlpVae, "gan": Adversaries}


class Trainer:
    """The usual loop over a DataLoader, a given number of steps at a time."""

    def __init__(self, kind: str, images: np.ndarray, labels: np.ndarray, batch_size: int, workers: int) -> None:
        torch.manual_seed(0)
        self.model = MODELS[kind]()
        size = sum(parameter.numel() for parameter in self.model.parameters())
        if size != PARAMETERS[kind]:
            raise ValueError(f"{kind}: the reference network has {size} parameters, the published one {PARAMETERS[kind]}")
        nets = list(self.model.children()) if kind == "gan" else [self.model]
        self.optimisers = [torch.optim.Adam(net.parameters(), lr=LEARNING_RATES[kind]) for net in nets]
        self.loader = DataLoader(
            Digits(images, labels, TRANSFORMS[kind]), batch_size=batch_size, shuffle=True, num_workers=workers, drop_last=True,
            persistent_workers=workers > 0,
        )  # fmt: skip
        self.losses: list[float] = []

    def _batches(self) -> Iterator[Sequence[Tensor]]:
        while True:
            yield from self.loader

    def run(self, steps: int) -> None:
        """Do so many steps."""
        for (images, _), _ in zip(self._batches(), range(steps), strict=False):
            if isinstance(self.model, Adversaries):
                self.losses.append(self.model.step(images, self.optimisers))
                continue
            self.optimisers[0].zero_grad()
            loss = self.model.loss(images)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
            self.optimisers[0].step()
            self.losses.append(loss.item())
