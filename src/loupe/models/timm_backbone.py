"""Backbones of timm (R. Wightman) as models of a recipe; timm is an extra, loaded when it is asked for."""

import socket
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from pydantic import Field
from torch import nn

from loupe.errors import LoupeError, ShapeError, suggest
from loupe.models import register_model

_PATIENCE = 5.0  # seconds


@register_model("timm")
def timm(
    *,
    in_channels: int,
    image_size: tuple[int, int],
    num_classes: int,
    backbone: Annotated[
        str, Field(min_length=1, description="Name in timm, such as resnet18 or vit_small_patch16_224.")
    ] = "resnet18",
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout before the head, in [0, 1).")] = 0.0,
    drop_path: Annotated[
        float, Field(ge=0, lt=1, description="Stochastic depth of backbones that have it, in [0, 1).")
    ] = 0.0,
) -> nn.Module:
    """Any backbone of timm with a new head, for images of any size and number of channels (extra `timm`).

    Weights start fresh; `transfer.weights` takes them from a file, or from timm's cache ("timm").

    Raises:
        LoupeError: timm is not installed, or has no such backbone.
        ShapeError: the backbone does not take images of this size.
    """
    library = load_timm()
    find_config(backbone)
    settings: dict[str, Any] = {"num_classes": num_classes, "in_chans": in_channels, "drop_rate": dropout}
    if drop_path:
        settings["drop_path_rate"] = drop_path
    if is_size_fixed(backbone):
        settings["img_size"] = image_size
    try:
        model: nn.Module = library.create_model(backbone, pretrained=False, **settings)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise ShapeError(
            f"timm's {backbone} cannot be built for these images.",
            got=f"{str(error).partition(chr(10))[0]}; "
            f"images of {in_channels} x {image_size[0]} x {image_size[1]}",
            allowed="what the backbone takes: many transformers want multiples of their patches",
            next_step="set data.image_size, or choose another model.backbone",
        ) from None
    return model


def load_timm() -> Any:
    """Return the module timm.

    Raises:
        LoupeError: it is not installed, or cannot be imported here.
    """
    try:
        import timm as library  # type: ignore[import-not-found,unused-ignore]  # an extra
    except Exception as error:  # timm imports torchvision, which fails in many ways beside another torch
        raise LoupeError(
            'model = "timm" needs the library timm.',
            got=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
            allowed="timm, with a torchvision that fits this torch",
            next_step="pip install 'loupe-bench[timm]'",
        ) from None
    return library


def find_config(backbone: str) -> Any:
    """Return what timm says of a backbone's usual weights: their normalisation, size and place.

    Raises:
        LoupeError: timm has no such backbone, or is not installed.
    """
    library = load_timm()
    name = backbone.partition(".")[0]
    if not library.is_model(name):
        names = library.list_models()
        raise LoupeError(
            f"timm has no backbone {backbone!r}.",
            got=backbone,
            allowed=f"one of its {len(names):,} names: timm.list_models()",
            nearest=suggest(name, names),
            next_step="mend model.backbone",
        )
    return library.get_pretrained_cfg(backbone)


def is_size_fixed(backbone: str) -> bool:
    """Return whether the weights of a backbone depend on the size of images."""
    return bool(getattr(find_config(backbone), "fixed_input_size", False))


def find_backbone_normalization(
    backbone: str, in_channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, in [0, 1], that a backbone was trained with.

    Of images with other than three channels, each gets the mean over those three.
    """
    config = find_config(backbone)
    mean, std = tuple(map(float, config.mean)), tuple(map(float, config.std))
    if in_channels == len(mean):
        return mean, std
    return (sum(mean) / len(mean),) * in_channels, (sum(std) / len(std),) * in_channels


def refuse_unreachable(address: str) -> None:
    """Try to reach a server within seconds, as a download by itself tries again and again for a minute.

    Args:
        address: "https://host"; where a proxy stands between, nothing is tried.

    Raises:
        OSError: it cannot be reached.
    """
    parts = urlsplit(address)
    if parts.scheme in getproxies():
        return
    default = {"https": 443, "http": 80}.get(parts.scheme, 443)
    socket.create_connection((parts.hostname or "", parts.port or default), timeout=_PATIENCE).close()


def find_timm_weights(backbone: str) -> Path:
    """Return the file of a backbone's weights in timm's cache, fetched if it is not there yet.

    Raises:
        LoupeError: timm has no weights of this backbone, or they cannot be fetched.
    """
    config = find_config(backbone)
    place = getattr(config, "hf_hub_id", None)
    if not place:
        raise LoupeError(
            f"timm has no weights of {backbone} that it can name.",
            got=backbone,
            allowed="a backbone with weights: timm.list_pretrained()",
            next_step="name a file in transfer.weights",
        )
    from huggingface_hub import constants, hf_hub_download

    name = getattr(config, "hf_hub_filename", None) or "model.safetensors"
    failure: Exception
    try:
        return Path(hf_hub_download(place, name, local_files_only=True))
    except Exception as error:  # of many kinds: no such file, an odd cache
        failure = error
    try:
        refuse_unreachable(constants.ENDPOINT)
        return Path(hf_hub_download(place, name))
    except Exception as error:  # of many kinds: no network, no such file
        failure = error
    raise LoupeError(
        f"The weights of {backbone} are not in timm's cache and cannot be fetched.",
        got=str(failure).strip().partition("\n")[0][:160],
        allowed=f"{place}/{name}",
        next_step="fetch the file elsewhere and name it in transfer.weights",
    )
