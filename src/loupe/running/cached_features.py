"""Layers that never change, passed once: what they make of every image is kept and trained on.

Most of the work of training a new head on frozen layers is running these layers over the same images epoch
after epoch. Results equal those of doing so up to rounding.
"""

from dataclasses import replace
from itertools import takewhile

from torch import nn

from loupe.data.batches import EvaluationBatches, Passed, TrainingBatches
from loupe.models.layers import handwritten
from loupe.models.layers.hooks import has_hooks
from loupe.models.rows import is_row, run_layers
from loupe.recipe import Recipe
from loupe.running.training_setup import TrainingSetup
from loupe.training import Classification
from loupe.training.measure import evaluating

_KNOWN = ("torch.nn.modules.", "loupe.models.")
_RANDOM = (nn.modules.dropout._DropoutNd, handwritten.Dropout, nn.RReLU, nn.FractionalMaxPool2d)
_MOST_BYTES = 1e9  # of what is kept; the same on every machine, so that a run goes on elsewhere to the bit


def cache_features(recipe: Recipe, setup: TrainingSetup) -> TrainingSetup:
    """Return a bench whose batches have passed the frozen first layers; the same one where that cannot be.

    The images have to be the same in every epoch, the layers in a row, frozen from the first on, and without
    dropout; what they give has to be no more than a gigabyte.

    Args:
        recipe: of the bench.
        setup: with the weights that the frozen layers keep.
    """
    model, train = setup.model, setup.train
    depth = count_frozen_layers(model)
    changes = train.augmentations or train.mix or train.resizing or setup.hard_examples
    is_plain = isinstance(setup.objective, Classification) and setup.precision == "float32"
    if not depth or changes or recipe.train.compile or not is_plain:
        return setup
    clean = setup.clean_train
    num_images = len(train.dataset) + len(setup.validation.dataset) + (len(clean.dataset) if clean else 0)
    if num_images * _count_bytes(model, setup.validation, depth) > _MOST_BYTES:
        return setup
    return replace(
        setup,
        train=replace(train, passed=_pass(model, train, depth)),
        validation=replace(setup.validation, passed=_pass(model, setup.validation, depth)),
        clean_train=replace(clean, passed=_pass(model, clean, depth)) if clean else None,
    )


def count_frozen_layers(model: nn.Module) -> int:
    """Return how many of a network's first layers never change in training; 0 if none with weights does."""
    if not is_row(model) or has_hooks(model):
        return 0
    assert isinstance(model, nn.Sequential)
    layers = list(model)
    frozen = list(takewhile(_never_changes, layers))
    has_weights = any(list(layer.parameters()) for layer in frozen)
    return len(frozen) if has_weights and len(frozen) < len(layers) else 0


def _never_changes(layer: nn.Module) -> bool:
    """Return whether a layer gives the same for the same images all through training.

    Of layers from elsewhere nobody knows what they do. Those whose own weights are all frozen stay in
    evaluation mode, so that running statistics stand still.
    """
    return all(
        type(part).__module__.startswith(_KNOWN)
        and not isinstance(part, _RANDOM)
        and not has_hooks(part)
        and not any(weights.requires_grad for weights in part.parameters())
        and (list(part.parameters(recurse=False)) or not list(part.buffers(recurse=False)))
        for part in layer.modules()
    )


def _count_bytes(model: nn.Module, batches: EvaluationBatches, depth: int) -> int:
    """Return how much the layers give for one image."""
    with evaluating(model):
        features = run_layers(model, batches.normalization.apply(batches.dataset.images[:1]), 0, depth)
    return features.numel() * features.element_size()


def _pass(model: nn.Module, batches: TrainingBatches | EvaluationBatches, depth: int) -> Passed:
    images, filled, features = EvaluationBatches(batches.dataset, batches.normalization), 0, None
    for batch in images:
        with evaluating(model):
            part = run_layers(model, batch.images, 0, depth)
        if features is None:  # made outside of inference mode: what is made inside cannot be trained on
            features = part.new_empty(len(batches.dataset), *part.shape[1:])
        features[filled : filled + len(part)] = part
        filled += len(part)
    assert features is not None
    return Passed(depth, features)
