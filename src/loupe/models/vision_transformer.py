import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from loupe.errors import LoupeError, ShapeError
from loupe.models import register_model

_GRID = 8  # patches along the shorter side, where the size of patches is left out
_STD, _EPSILON = 0.02, 1e-6


class Patches(nn.Module):
    """Cut images into square patches, and project each to a token; images are padded to whole patches.

    Args:
        in_channels: of the images.
        width: numbers of a token.
        size: side of a patch in pixels.
    """

    def __init__(self, in_channels: int, width: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.proj = nn.Conv2d(in_channels, width, size, size)

    def forward(self, images: Tensor) -> Tensor:
        """Return (batch, patches, width)."""
        height, width = images.shape[-2:]
        padded = F.pad(images, (0, -width % self.size, 0, -height % self.size))
        tokens: Tensor = self.proj(padded).flatten(2).transpose(1, 2)
        return tokens


class Attention(nn.Module):
    """Self-attention of several heads (Vaswani et al., 2017, arXiv:1706.03762).

    Args:
        width: numbers of a token, a multiple of `heads`.
        heads: how many.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens of the same shape, (batch, tokens, width)."""
        batch, count, width = tokens.shape
        parts = self.qkv(tokens).reshape(batch, count, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        outputs: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, count, width))
        return outputs


class Perceptron(nn.Module):
    """Two dense layers with a GELU between, for each token by itself."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        outputs: Tensor = self.fc2(self.act(self.fc1(tokens)))
        return outputs


class Block(nn.Module):
    """Attention, then a perceptron, each of normalised tokens and added to what came in."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_EPSILON)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=_EPSILON)
        self.mlp = Perceptron(width, hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        outputs: Tensor = tokens + self.mlp(self.norm2(tokens))
        return outputs


class VisionTransformer(nn.Module):
    """Patches as tokens, blocks of attention, and a head on the class token.

    Args:
        in_channels: of the images.
        image_size: their height and width.
        num_classes: number of logits.
        patch: side of a patch in pixels.
        width: numbers of a token.
        depth: blocks.
        heads: of each attention.
    """

    def __init__(
        self,
        in_channels: int,
        image_size: tuple[int, int],
        num_classes: int,
        *,
        patch: int,
        width: int,
        depth: int,
        heads: int,
    ) -> None:
        super().__init__()
        num_patches = math.ceil(image_size[0] / patch) * math.ceil(image_size[1] / patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, num_patches + 1, width))
        self.patch_embed = Patches(in_channels, width, patch)
        self.blocks = nn.Sequential(*(Block(width, heads, 4 * width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=_EPSILON)
        self.head = nn.Linear(width, num_classes)
        self._draw()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, (batch, classes)."""
        patches = self.patch_embed(images)
        first = self.cls_token.expand(patches.shape[0], -1, -1)  # len() would fix it where it is exported
        tokens = torch.cat([first, patches], 1) + self.pos_embed
        logits: Tensor = self.head(self.norm(self.blocks(tokens))[:, 0])
        return logits

    def _draw(self) -> None:
        nn.init.trunc_normal_(self.pos_embed, std=_STD)
        nn.init.normal_(self.cls_token, std=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=_STD)
                nn.init.zeros_(module.bias)


@register_model("vision-transformer")
def vision_transformer(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    patch: Annotated[
        int | None,
        Field(
            ge=1,
            le=64,
            description="Side of a patch in pixels, at most the images' shorter side, which is padded with "
            "zeros to whole patches; an eighth of it if left out.",
        ),
    ] = None,
    width: Annotated[int, Field(ge=8, le=2048, description="Numbers of a token, a multiple of heads.")] = 192,
    depth: Annotated[int, Field(ge=1, le=48, description="Blocks.")] = 6,
    heads: Annotated[int, Field(ge=1, le=64, description="Heads of each attention.")] = 3,
) -> VisionTransformer:
    """A small vision transformer (Dosovitskiy et al., 2021, arXiv:2010.11929), half as deep as DeiT-Ti.

    Layers have the names that timm's and DeiT's have, so that their weights fit by name (`transfer.weights`);
    positions are brought to the images' size. Twelve blocks and patches of 16 make DeiT-Ti.

    Raises:
        LoupeError: the width is no multiple of the heads.
        ShapeError: a patch is larger than the images.
    """
    if width % heads:
        raise LoupeError(
            "The tokens of this transformer cannot be shared out among its heads.",
            got=f"width {width}, heads {heads}",
            allowed="a width that is a multiple of heads",
            next_step=f"set model.width={width // heads * heads or heads}",
        )
    side = patch or max(1, round(min(image_size) / _GRID))
    if side > min(image_size):
        raise ShapeError(
            f"Images of {image_size[0]} x {image_size[1]} pixels are smaller than a patch of this "
            "vision-transformer.",
            got=f"patches of {side} x {side} pixels, which would be padding for the most part",
            allowed=f"1 to {min(image_size)}",
            next_step=f"set model.patch={max(1, round(min(image_size) / _GRID))}, or leave it out",
        )
    return VisionTransformer(
        in_channels, image_size, num_classes, patch=side, width=width, depth=depth, heads=heads
    )
