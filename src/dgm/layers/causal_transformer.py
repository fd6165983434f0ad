"""A causal transformer: an exact probability for sequences of T symbols out of K, and exact draws from it.

p(c) = prod_t p(c_t | c_1 .. c_(t-1)),  each factor a softmax over the K symbols                 (1)

Position t sees a start symbol and the symbols before it, never its own or a later one, so (1) sums to one over all K^T sequences.

Reference: Vaswani et al. 2017 (the decoder, with the normalisation before each part instead of after it).
Axis letters: n sequences, t positions, k symbols, w width.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import gelu

__all__ = ["CausalTransformer"]

Past = tuple[Tensor, Tensor]
"""Keys and values of the positions seen so far, each [n, heads, t, w / heads]."""


class Block(nn.Module):
    """x + Attention(Norm(x)), then x + MLP(Norm(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inputs, self.outputs = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Float[Tensor, "n t w"], past: Past | None = None) -> tuple[Float[Tensor, "n t w"], Past]:
        """The new activations, with keys and values. With ``past`` given, x is the one position that follows it."""
        n, t, width = x.shape
        query, key, value = self.inputs(self.attention_norm(x)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        # written out: on a CPU the fused kernel's gradient makes a training step three times slower at this size
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        if past is None:
            scores = scores.masked_fill(torch.ones((t, t), dtype=torch.bool, device=x.device).triu(1), -math.inf)
        mixed = scores.softmax(3).to(value.dtype) @ value
        x = x + self.outputs(mixed.transpose(1, 2).reshape(n, t, width))
        return x + self.down(gelu(self.up(self.mlp_norm(x)))), (key, value)


class CausalTransformer(nn.Module):
    """Equation (1) for sequences of ``positions`` symbols.

    Raises:
        ValueError: when ``heads`` does not divide ``width``.
    """

    def __init__(self, symbols: int, positions: int, *, width: int, heads: int, layers: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} attention heads do not divide a width of {width}")
        self.symbols, self.positions = symbols, positions
        self.symbol = nn.Embedding(symbols + 1, width)  # the last row is the start symbol
        self.place = nn.Parameter(0.1 * torch.randn(positions, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, symbols)
        nn.init.normal_(self.symbol.weight, std=0.1)

    def forward(self, codes: Int[Tensor, "n t"]) -> Float[Tensor, "n t k"]:
        """Logits of every position given the symbols before it."""
        start = torch.full_like(codes[:, :1], self.symbols)
        x = self.symbol(torch.cat([start, codes[:, :-1]], 1)) + self.place
        for block in self.blocks:
            x, _ = block(x)
        logits: Tensor = self.head(self.norm(x))
        return logits.float()

    def log_prob(self, codes: Int[Tensor, "n t"], seen: Int[Tensor, "n t"] | None = None) -> Float[Tensor, " n"]:
        """Log of (1) in nats. ``seen`` replaces the symbols that the conditions look at, for training with damaged conditions."""
        logits: Tensor = self(codes if seen is None else seen)
        return logits.log_softmax(2).gather(2, codes[:, :, None]).sum((1, 2))

    def sample(self, n: int, generator: torch.Generator) -> Int[Tensor, "n t"]:
        """Draw symbol after symbol; keys and values of earlier positions are kept, so a draw costs one pass over the sequence."""
        symbol = torch.full((n, 1), self.symbols, device=generator.device)
        pasts: list[Past | None] = [None] * len(self.blocks)
        drawn = []
        for t in range(self.positions):
            x = self.symbol(symbol) + self.place[t]
            for i, block in enumerate(self.blocks):
                x, pasts[i] = block(x, pasts[i])
            probabilities = self.head(self.norm(x))[:, 0].float().softmax(1)
            symbol = torch.multinomial(probabilities, 1, generator=generator)
            drawn.append(symbol)
        return torch.cat(drawn, 1)
