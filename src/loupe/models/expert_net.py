from collections import OrderedDict
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from loupe.models import register_model
from loupe.models.layers.hooks import has_hooks

_BLOCK_DROPOUT, _HEAD_DROPOUT = 0.25, 0.2

Mixing = Literal["maps", "kernels"]


@register_model("expert-net")
def expert_net(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    blocks: Annotated[int, Field(ge=1, le=64, description="Expert blocks in a row (N), 1 to 64.")] = 6,
    experts: Annotated[int, Field(ge=1, le=64, description="Convolutions a block (K), 1 to 64.")] = 2,
    width: Annotated[int, Field(ge=4, le=2048, description="Channels throughout (C), 4 to 2,048.")] = 256,
    mixing: Annotated[
        Literal["auto", "maps", "kernels"],
        Field(
            description="maps: add the experts' maps. kernels: add their kernels, then convolve once "
            "(dynamic convolution). auto: the cheaper, by experts and width."
        ),
    ] = "auto",
) -> nn.Sequential:
    """A stem, blocks of gated convolutions at full resolution, and a linear head.

    A gate looks at each image and weighs the experts of its block; there are no shortcuts and no
    down-sampling. Weights start from He's normal distribution (fan in), biases at 0.
    """
    if mixing == "auto":
        mixing = choose_mixing(experts, width)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(in_channels, width, 3, padding=1), norm=nn.BatchNorm2d(width), relu=nn.ReLU()
    )
    for number in range(1, blocks + 1):
        layers[f"block{number}"] = ExpertBlock(width, experts, mixing)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(_HEAD_DROPOUT)
    layers["logits"] = nn.Linear(width, num_classes)
    model = nn.Sequential(layers)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return model


def choose_mixing(experts: int, width: int) -> Mixing:
    """Return the cheaper way for a block, as measured on a CPU by bench/expert_mixing.py.

    One convolution with mixed kernels costs the same for any number of experts, but convolves each image by
    itself; with a number of channels that no vector register divides, that pays from three experts on.
    """
    return "kernels" if experts > 2 or (experts == 2 and width % 8 == 0) else "maps"


class ExpertBlock(nn.Module):
    """K convolutions of the same maps, added with weights that a gate chooses for each image.

    Convolution is linear in its kernel, so the weighted sum of the experts' maps is the map of the
    weighted sum of their kernels (dynamic convolution; Yang et al. 2019, arXiv:1904.04971; Chen et al. 2020,
    arXiv:1912.03458): `mixing` chooses which is computed, and the results are equal up to rounding. Mixing
    maps holds K maps a channel in memory, mixing kernels one kernel an image.

    Input and output shape: (batch, channels, height, width). `gate` gives (batch, experts), each row
    adding to 1; a forward hook on it sees the weights.
    """

    def __init__(self, channels: int, num_experts: int, mixing: Mixing) -> None:
        super().__init__()
        self.num_experts = num_experts
        self.mixing = mixing
        self.experts = nn.Conv2d(channels, num_experts * channels, 3, padding=1)
        self.gate = nn.Sequential(
            OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                dense=nn.Linear(channels, channels // 4),
                relu=nn.ReLU(),
                logits=nn.Linear(channels // 4, num_experts),
                softmax=nn.Softmax(dim=1),
            )
        )
        self.norm = nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout(_BLOCK_DROPOUT)
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        weights = self.gate(maps)
        # who has hooks on the experts wants their maps; a graph that is exported for batches of any
        # size cannot have as many groups as images
        by_maps = self.mixing == "maps" or has_hooks(self.experts) or torch.compiler.is_exporting()
        mixed = self.mix_maps(maps, weights) if by_maps else self.mix_kernels(maps, weights)
        result: Tensor = self.relu(self.dropout(self.norm(mixed)))
        return result

    def mix_maps(self, maps: Tensor, weights: Tensor) -> Tensor:
        """Return the experts' maps, added with weights (batch, experts)."""
        by_expert = self.experts(maps).unflatten(1, (self.num_experts, -1))
        mixed: Tensor = (by_expert * weights[:, :, None, None, None]).sum(1)
        return mixed

    def mix_kernels(self, maps: Tensor, weights: Tensor) -> Tensor:
        """Return the maps of each image's own kernel: one grouped convolution, a group an image."""
        batch, channels = maps.shape[:2]
        kernels = self.experts.weight.unflatten(0, (self.num_experts, channels)).flatten(1)
        assert self.experts.bias is not None
        biases = self.experts.bias.unflatten(0, (self.num_experts, channels))
        own_kernels = (weights @ kernels).view(batch * channels, channels, 3, 3)
        mixed = F.conv2d(maps.flatten(0, 1)[None], own_kernels, padding=1, groups=batch)
        shifted: Tensor = mixed.view_as(maps) + (weights @ biases)[:, :, None, None]
        return shifted
