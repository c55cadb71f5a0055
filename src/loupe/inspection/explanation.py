"""Attributions (which pixels speak for a class): one call for every method; the network stays as it was."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from loupe.errors import LoupeError, ShapeError
from loupe.inspection.explanations import (
    EXPLANATIONS,
    Attribution,
    ExplanationMethod,
    build_explanation,
)


@dataclass(frozen=True)
class Explanation:
    """Which pixels speak for a class, image by image.

    Args:
        method: name of the method.
        settings: of the method, defaults filled in.
        targets: (batch,) int64, the class explained.
        probabilities: (batch,) float in [0, 1], what the network gives that class.
        maps: (batch, height, width) float; large values speak for the class.
        is_signed: whether negative values speak against it; if not, all values are ≥ 0.
        extras: what only this method knows; its docstring says what.
    """

    method: str
    settings: Mapping[str, Any]
    targets: Tensor
    probabilities: Tensor
    maps: Tensor
    is_signed: bool
    extras: Mapping[str, Any]


Targets = Tensor | Sequence[int] | int | None


def explain(
    model: nn.Module, images: Tensor, method: str, targets: Targets = None, **settings: Any
) -> Explanation:
    """Return which pixels of each image speak for its class.

    The network runs in evaluation mode. Modes, gradients and the global random generator come back as they
    were, whatever the method does with them.

    Args:
        model: any network that gives logits (batch, classes).
        images: (batch, channels, height, width) float, as the network takes them, on its device.
        method: name of a registered method: grad-cam, occlusion, integrated-gradients, guided-backprop …
        targets: the class to explain, one for all images or (batch,); left out, the predicted one.
        settings: the method's own settings.

    Raises:
        UnknownNameError: there is no such method.
        LoupeError: a setting or target is wrong, the method does not fit the network, or it needs a package
            that is not installed.
        ShapeError: the images do not fit the network, or it does not give logits.
    """
    built = build_explanation(method, **settings)
    _refuse_wrong_images(model, images)
    with torch.inference_mode(False), undisturbed(model, images.device):
        # a copy, so that no method can change the caller's images
        images = images.detach().clone()
        logits = _compute_logits(model, images)
        chosen = _choose_targets(targets, logits)
        attribution = _attribute(built, model, images, chosen, method)
        maps = attribution.maps.detach()
    if maps.shape != (len(images), *images.shape[2:]):
        raise LoupeError(
            f"The explanation {method!r} does not give one map an image.",
            got=f"maps of shape {tuple(maps.shape)}",
            allowed=f"{(len(images), *images.shape[2:])}",
            next_step="mend its `attribute`",
        )
    return Explanation(
        method=method,
        settings=EXPLANATIONS.resolve(method, settings),
        targets=chosen,
        probabilities=logits.softmax(1).gather(1, chosen[:, None])[:, 0],
        maps=maps,
        is_signed=EXPLANATIONS.facts(method).get("is_signed", True),
        extras=attribution.extras,
    )


@contextmanager
def undisturbed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Look at a network in evaluation mode; gradients can be taken, but of no parameter.

    Afterwards each module's mode, each parameter's need of a gradient, and the global generators are as
    before.
    """
    modes = [(module, module.training) for module in model.modules()]
    needs = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
        model.eval().requires_grad_(False)
        try:
            yield
        finally:
            for module, was_training in modes:
                module.training = was_training
            for parameter, needed in needs:
                parameter.requires_grad_(needed)


def _attribute(
    built: ExplanationMethod, model: nn.Module, images: Tensor, targets: Tensor, method: str
) -> Attribution:
    """Return what a method finds; what it raises that is no mistake said in words becomes one."""
    try:
        return built.attribute(model, images, targets)
    except LoupeError:
        raise
    except Exception as error:  # a user's own method can fail in any way
        raise LoupeError(
            f"The explanation {method!r} failed.",
            got=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
            allowed="a map an image",
            next_step="mend its `attribute`",
        ) from error


def _refuse_wrong_images(model: nn.Module, images: Tensor) -> None:
    is_batch = isinstance(images, Tensor) and images.ndim == 4 and len(images) > 0
    if not is_batch or not images.is_floating_point():
        raise ShapeError(
            "Only a batch of images can be explained.",
            got=f"{images.dtype} of shape {tuple(images.shape)}"
            if isinstance(images, Tensor)
            else type(images).__name__,
            allowed="a float tensor (batch, channels, height, width), normalised as the network takes them",
            next_step="use images[None] for one image, and normalise uint8 pixels",
        )
    device = next((parameter.device for parameter in model.parameters()), images.device)
    if device != images.device:
        raise LoupeError(
            "The images are not where the network is.",
            got=f"images on {images.device}",
            allowed=str(device),
            next_step=f"use images.to({str(device)!r})",
        )


def _compute_logits(model: nn.Module, images: Tensor) -> Tensor:
    try:
        with torch.no_grad():
            logits = model(images)
    except Exception as error:  # a user's own network can fail in any way
        raise ShapeError(
            f"{type(model).__name__} cannot take images of shape {tuple(images.shape[1:])}.",
            got=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
            allowed="images as the network was built for",
            next_step="check channels, size and type of the images",
        ) from None
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(images):
        raise ShapeError(
            f"{type(model).__name__} does not give logits, so there is no class to explain.",
            got=f"an output of {shape} for {len(images)} images",
            allowed=f"({len(images)}, classes)",
            next_step="explain a classifier",
        )
    return logits


def _choose_targets(targets: Targets, logits: Tensor) -> Tensor:
    if targets is None:
        return logits.argmax(1)
    num_images, num_classes = logits.shape
    try:
        chosen = torch.as_tensor(targets, device=logits.device).detach()
    except (TypeError, ValueError, RuntimeError):
        chosen = torch.empty(0)  # refused below, with what was got
    is_whole = not (chosen.is_floating_point() or chosen.is_complex() or chosen.dtype is torch.bool)
    if chosen.ndim == 0:
        chosen = chosen.expand(num_images)
    fits = is_whole and chosen.shape == (num_images,)
    if not fits or not bool(((chosen >= 0) & (chosen < num_classes)).all()):
        raise LoupeError(
            "These classes cannot be explained.",
            got=f"targets {targets}",
            allowed=f"one whole number from 0 to {num_classes - 1}, or one for each of {num_images} images",
            next_step="leave targets out to explain the predicted class",
        )
    return chosen.long().clone()
