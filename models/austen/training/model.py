"""A plain Llama, in the form in which a GGUF file holds it: adjacent RoPE pairs, tied embedding, no biases."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Config:
    """The shape of a model; head width is dim / heads."""

    vocab: int
    dim: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    context: int
    theta: float = 10000.0
    eps: float = 1e-5


class RMSNorm(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps

    def forward(self, x):
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads, self.width = c.heads, c.kv_heads, c.dim // c.heads
        self.q = nn.Linear(c.dim, c.dim, bias=False)
        self.k = nn.Linear(c.dim, c.kv_heads * self.width, bias=False)
        self.v = nn.Linear(c.dim, c.kv_heads * self.width, bias=False)
        self.output = nn.Linear(c.dim, c.dim, bias=False)

    def forward(self, x, cos, sin):
        b, s, _ = x.shape
        q = rotate(self.q(x).view(b, s, self.heads, self.width), cos, sin).transpose(1, 2)
        k = rotate(self.k(x).view(b, s, self.kv_heads, self.width), cos, sin).transpose(1, 2)
        v = self.v(x).view(b, s, self.kv_heads, self.width).transpose(1, 2)
        share = self.heads // self.kv_heads
        k, v = k.repeat_interleave(share, 1), v.repeat_interleave(share, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(y.transpose(1, 2).reshape(b, s, -1))


def rotate(x, cos, sin):
    """RoPE over the pairs (2i, 2i+1) of the last axis."""
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(x.dtype)


class Block(nn.Module):
    def __init__(self, c, dropout):
        super().__init__()
        self.attn_norm, self.attn = RMSNorm(c.dim, c.eps), Attention(c)
        self.ffn_norm = RMSNorm(c.dim, c.eps)
        self.gate = nn.Linear(c.dim, c.ffn, bias=False)
        self.up = nn.Linear(c.dim, c.ffn, bias=False)
        self.down = nn.Linear(c.ffn, c.dim, bias=False)
        self.dropout = dropout

    def forward(self, x, cos, sin):
        x = x + F.dropout(self.attn(self.attn_norm(x), cos, sin), self.dropout, self.training)
        h = self.ffn_norm(x)
        h = F.dropout(F.silu(self.gate(h)) * self.up(h), self.dropout, self.training)
        return x + F.dropout(self.down(h), self.dropout, self.training)


class Llama(nn.Module):
    """Returns the normed hidden states; logits are their product with embed.weight."""

    def __init__(self, c, dropout=0.0):
        super().__init__()
        self.config, self.dropout = c, dropout
        self.embed = nn.Embedding(c.vocab, c.dim)
        self.blocks = nn.ModuleList(Block(c, dropout) for _ in range(c.layers))
        self.norm = RMSNorm(c.dim, c.eps)
        width = c.dim // c.heads
        turn = c.theta ** (-torch.arange(0, width, 2).double() / width)
        angle = torch.outer(torch.arange(c.context).double(), turn)[:, None, :]
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                scale = (2 * c.layers) ** -0.5 if "output" in name or "down" in name else 1.0
                nn.init.normal_(p, std=0.02 if "embed" in name else scale * p.shape[1] ** -0.5)

    def forward(self, ids):
        x = F.dropout(self.embed(ids), self.dropout, self.training)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)

    def logits(self, ids):
        return F.linear(self(ids), self.embed.weight).float()

    def size(self):
        return sum(p.numel() for p in self.parameters())
