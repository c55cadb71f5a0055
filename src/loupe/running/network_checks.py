"""A network that misbehaves is found before it is trained: on a few training images, in a copy of it."""

import contextlib
import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from loupe.errors import TrainingError
from loupe.models.layer_table import LayerTable

_MOST_IMAGES = 16
_MOST_WORK = 2e9  # multiply-adds of one pass: a moment on a CPU
_SMALL_BATCH = 8
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_RECTIFIERS = (nn.ReLU, nn.ReLU6)


def choose_num_images(layers: LayerTable) -> int:
    """Return how many images the checks pass through a network, 2 to 16."""
    return int(max(2, min(_MOST_IMAGES, _MOST_WORK / max(1, layers.multiply_adds))))


def find_misbehaviour(model: nn.Module, inputs: Tensor, *, is_classifier: bool, batch_size: int) -> list[str]:
    """Return warnings of a network that would train badly without a word.

    The network itself, its statistics and the generators stay as they were; a network that cannot be copied
    is only asked in evaluation mode.

    Args:
        model: on the device of the inputs, as it starts.
        inputs: (images, channels, height, width) float32, normalised.
        is_classifier: whether it gives one logit a class.
        batch_size: images of a training step.

    Raises:
        TrainingError: in evaluation mode it gives numbers that are not finite, or others each time.
    """
    devices = [inputs.device] if inputs.device.type == "cuda" else []
    was_training = model.training
    with torch.random.fork_rng(devices=devices):
        model.eval()
        try:
            answers, silent = _answer_twice(model, inputs)
        except TrainingError:
            raise
        except Exception:  # a user's own network can fail in any way: its training says how, and where
            return []
        finally:
            model.train(was_training)
        warnings = [*_find_silent(silent)]
        if is_classifier:
            warnings += _find_squashed(answers)
        with contextlib.suppress(Exception):
            twin = copy.deepcopy(model).train()
            warnings += _find_reset(twin, inputs)
            warnings += _find_unused(twin, inputs)
    norms = [name for name, module in model.named_modules() if isinstance(module, _NORMS)]
    if norms and batch_size < _SMALL_BATCH:
        warnings.append(
            f"Batch norm ({norms[0]}) over {batch_size} images a step: its statistics are mostly noise. "
            f"train.batch_size = {_SMALL_BATCH} or more, or another norm."
        )
    return warnings


def _answer_twice(model: nn.Module, inputs: Tensor) -> tuple[Tensor, list[str]]:
    """Return the network's answers, and which rectifiers gave nothing but zeros."""
    silent: list[str] = []

    def watch(name: str) -> "torch.utils.hooks.RemovableHandle":
        def hook(module: nn.Module, _: object, output: object) -> None:
            if isinstance(output, Tensor) and not bool(output.any()):
                silent.append(name)

        return modules[name].register_forward_hook(hook)

    modules = {name: one for name, one in model.named_modules() if isinstance(one, _RECTIFIERS)}
    hooks = [watch(name) for name in modules]
    try:
        with torch.no_grad():
            first = model(inputs)
    finally:
        for one in hooks:
            one.remove()
    kind = type(model).__name__
    if not bool(torch.isfinite(first).all()):
        raise TrainingError(
            f"{kind} gives numbers that are not finite before it is trained.",
            got=f"{int((~torch.isfinite(first)).sum()):,} of {first.numel():,} outputs in evaluation mode",
            allowed="finite outputs for normalised images",
            next_step="look at its initial weights, and at divisions, logarithms and roots in its forward",
        )
    with torch.no_grad():
        again = model(inputs)
    if not torch.allclose(first, again, rtol=1e-3, atol=1e-4 * float(first.abs().max() + 1e-6)):
        raise TrainingError(
            f"{kind} gives another answer each time in evaluation mode.",
            got=f"outputs for the same images that differ by up to {float((first - again).abs().max()):.3g}",
            allowed="the same answer to the same image",
            next_step="F.dropout needs training=self.training; draw no random numbers unless self.training",
        )
    return first, silent


def _find_silent(silent: list[str]) -> Iterator[str]:
    if silent:
        listed = ", ".join(silent[:5]) + (" …" if len(silent) > 5 else "")
        yield (
            f"Nothing but zeros comes out of {listed}, whatever the image: behind a layer that is dead from "
            "the start nothing is learnt. Look at its initial weights and biases."
        )


def _find_squashed(answers: Tensor) -> Iterator[str]:
    """Yield a warning if logits are probabilities already, or cut off at zero."""
    loss = "cross-entropy takes logits and applies softmax itself: leave it out, or training is slowed"
    low, high = float(answers.min()), float(answers.max())
    sums = answers.sum(1)
    if low >= 0 and torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        yield f"The network's outputs are probabilities (each image's add up to 1): {loss}."
    elif low > 0 and high < 1 and answers.numel() >= 20:
        yield f"All outputs lie between 0 and 1, as a sigmoid leaves them: {loss}."
    elif low == 0 and float((answers == 0).double().mean()) > 0.2:
        yield (
            f"{100 * float((answers == 0).double().mean()):.0f} % of the outputs are exactly 0 and none is "
            "below: the last layer's outputs are cut off, as a ReLU does. Logits have to be free."
        )


def _find_reset(twin: nn.Module, inputs: Tensor) -> Iterator[str]:
    """Yield a warning if a pass leaves the global generator in one state, whatever it was before."""
    after = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        with torch.no_grad():
            twin(inputs)
        after.append(torch.get_rng_state())
    if torch.equal(*after):
        yield (
            "The network seeds torch's generator in its forward pass: dropout and all else that is random "
            "would be the same in every step. Leave the seeding to the recipe (run.seed)."
        )


def _find_unused(twin: nn.Module, inputs: Tensor) -> Iterator[str]:
    """Yield a warning if parameters that are to be trained have no part in the outputs."""
    twin.zero_grad()
    outputs = twin(inputs)
    if not outputs.requires_grad:
        return
    outputs.square().sum().backward()
    unused = [name for name, one in twin.named_parameters() if one.requires_grad and one.grad is None]
    if unused:
        listed = ", ".join(unused[:5]) + (" …" if len(unused) > 5 else "")
        yield (
            f"{len(unused)} tensors of parameters have no part in the outputs and are never trained: "
            f"{listed}. A layer that is built and not used in forward, or a detach() on the way."
        )
