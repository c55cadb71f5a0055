"""CIFAR-10, from the official binary version (no pickles).

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from loupe.data.dataset import ImageDataset
from loupe.data.official_files import OfficialFile, OfficialSet, locate
from loupe.data.readers.planes import read_planes
from loupe.data.sources import SourceImages, register_dataset

_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = "test_batch.bin"
_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

CIFAR10 = OfficialSet(
    title="CIFAR-10",
    folder="cifar-10-batches-bin",
    files=tuple(
        OfficialFile(name, f"sha256:{digest}")
        for name, digest in {
            _TRAIN[0]: "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            _TRAIN[1]: "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            _TRAIN[2]: "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            _TRAIN[3]: "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            _TRAIN[4]: "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            _TEST: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        }.items()
    ),
    page="https://www.cs.toronto.edu/~kriz/cifar.html",
    base_url="https://www.cs.toronto.edu/~kriz/",
    archive=OfficialFile("cifar-10-binary.tar.gz", "md5:c32a1d4ab5d03f1284b67883e8d87530"),
    pickled=("cifar-10-batches-py", "cifar-10-python.tar.gz", "cifar10/cifar-10-batches-py"),
)


@register_dataset(
    "cifar10",
    image_shape=(3, 32, 32),
    num_classes=10,
    origin="A. Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html; its authors state no licence",
)
def load_cifar10() -> SourceImages:
    """50,000 + 10,000 photographs of ten kinds of things, 32 x 32 colour pixels (CIFAR-10)."""
    paths = locate(CIFAR10)
    return SourceImages(
        train=_read([paths[name] for name in _TRAIN]),
        test=_read([paths[_TEST]]),
    )


def _read(paths: Sequence[Path]) -> ImageDataset:
    images, labels = read_planes(paths, num_labels=1, image_shape=(3, 32, 32))
    return ImageDataset(torch.from_numpy(images), torch.from_numpy(labels[:, 0]).long(), _CLASSES, "CIFAR-10")
