"""CIFAR-100, from the official binary version (no pickles).

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field

from loupe.data.dataset import ImageDataset
from loupe.data.official_files import OfficialFile, OfficialSet, locate
from loupe.data.readers.planes import read_planes
from loupe.data.sources import SourceImages, register_dataset

_COARSE_NAMES = """
aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees
vehicles_1 vehicles_2
"""
_FINE_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard
lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark
shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
_CLASSES = {"coarse": tuple(_COARSE_NAMES.split()), "fine": tuple(_FINE_NAMES.split())}

CIFAR100 = OfficialSet(
    title="CIFAR-100",
    folder="cifar-100-binary",
    files=(
        OfficialFile("train.bin", "md5:6172c7755cfe09b2fe270c85cebc1b15"),
        OfficialFile("test.bin", "md5:4499cfba6c016c1be1438163640a0898"),
    ),
    page="https://www.cs.toronto.edu/~kriz/cifar.html",
    base_url="https://www.cs.toronto.edu/~kriz/",
    archive=OfficialFile("cifar-100-binary.tar.gz", "md5:03b5dce01913d631647c71ecec9e9cb8"),
    pickled=("cifar-100-python", "cifar-100-python.tar.gz", "cifar100/cifar-100-python"),
)


def _describe_images(settings: dict[str, Any]) -> tuple[tuple[int, int, int], int]:
    return (3, 32, 32), len(_CLASSES[settings.get("labels", "fine")])


@register_dataset(
    "cifar100",
    describe_images=_describe_images,
    origin="A. Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html; its authors state no licence",
)
def load_cifar100(
    labels: Annotated[
        Literal["fine", "coarse"], Field(description="fine: 100 classes; coarse: the 20 groups of five.")
    ] = "fine",
) -> SourceImages:
    """50,000 + 10,000 photographs of a hundred kinds of things, 32 x 32 colour pixels (CIFAR-100)."""
    paths = locate(CIFAR100)
    return SourceImages(_read(paths["train.bin"], labels), _read(paths["test.bin"], labels))


def _read(path: Path, which: str) -> ImageDataset:
    images, labels = read_planes([path], num_labels=2, image_shape=(3, 32, 32))
    column = 0 if which == "coarse" else 1  # each record begins with the group, then the class
    chosen = torch.from_numpy(labels[:, column].copy()).long()
    return ImageDataset(torch.from_numpy(images), chosen, _CLASSES[which], f"CIFAR-100 ({which} labels)")
