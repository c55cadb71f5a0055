"""The validation images of a run that excite each channel of a layer most."""

from dataclasses import dataclass
from functools import lru_cache

from loupe.data import EvaluationBatches, ImageDataset, pick_stratified
from loupe.inspection.exciting_images import ExcitingImages, find_exciting_images
from loupe.inspection.receptive_fields import ReceptiveFields, find_receptive_fields
from loupe.using.opened_run import OpenedRun

_MOST_IMAGES = 2000
_MOST_WORK = 3e10  # multiply-adds on a CPU: about a second
_FEWEST_IMAGES = 50
NUM_SHOWN = 8


@dataclass(frozen=True, eq=False)
class ExcitedLayer:
    """What excites a layer's channels.

    Args:
        found: its most exciting images; indices count the images searched.
        searched: which validation images these are, (images,) int64.
        fields: the pixels that each number of the layer depends on.
        images: the validation images.
    """

    found: ExcitingImages
    searched: list[int]
    fields: ReceptiveFields
    images: ImageDataset


@lru_cache(maxsize=32)
def find_run_exciting_images(opened: OpenedRun, layer: str) -> ExcitedLayer:
    """Return the validation images that excite each channel of a layer most, among as many as a second lets.

    Raises:
        LoupeError: there is no such layer, it has no channels, or the images are gone.
    """
    validation = opened.validation
    work = max(1, opened.layers.multiply_adds)
    most = _MOST_IMAGES
    if opened.device.type == "cpu":
        most = max(_FEWEST_IMAGES, min(most, int(_MOST_WORK / work)))
    chosen = pick_stratified(validation.labels, most, seed=0)
    batches = EvaluationBatches(validation.select(chosen).to(opened.device), opened.normalization, 100)
    with opened.asking():
        found = find_exciting_images(opened.model, batches, layer, NUM_SHOWN)
        fields = find_receptive_fields(opened.model, opened.shape, layer.partition("#")[0])
    return ExcitedLayer(found, chosen.tolist(), fields, validation)
