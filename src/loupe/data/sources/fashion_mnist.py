"""Fashion-MNIST, from the official idx files.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", 2017, https://github.com/zalandoresearch/fashion-mnist, licence MIT.
"""

import gzip
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loupe.data.dataset import ImageDataset
from loupe.data.official_files import OfficialFile, OfficialSet, locate
from loupe.data.sources import SourceImages, register_dataset

_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

FASHION_MNIST = OfficialSet(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    files=(
        OfficialFile("train-images-idx3-ubyte.gz", "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        OfficialFile("train-labels-idx1-ubyte.gz", "md5:25c81989df183df01b3e8a0aad5dffbe"),
        OfficialFile("t10k-images-idx3-ubyte.gz", "md5:bef4ecab320f06d8554ea6380940ec79"),
        OfficialFile("t10k-labels-idx1-ubyte.gz", "md5:bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    page="https://github.com/zalandoresearch/fashion-mnist",
    base_url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)


@register_dataset(
    "fashion-mnist",
    image_shape=(1, 28, 28),
    num_classes=10,
    origin="Xiao, Rasul and Vollgraf, 2017, https://github.com/zalandoresearch/fashion-mnist, licence MIT",
)
def load_fashion_mnist() -> SourceImages:
    """60,000 + 10,000 pictures of ten kinds of clothing, 28 x 28 grey pixels (Fashion-MNIST)."""
    paths = locate(FASHION_MNIST)
    return SourceImages(train=_decode(paths, "train"), test=_decode(paths, "t10k"))


def _decode(paths: dict[str, Path], part: str) -> ImageDataset:
    images = _read_idx(paths[f"{part}-images-idx3-ubyte.gz"])
    labels = _read_idx(paths[f"{part}-labels-idx1-ubyte.gz"])
    return ImageDataset(images[:, None], labels.long(), _CLASSES, "Fashion-MNIST")


def _read_idx(path: Path) -> Tensor:
    """Return the uint8 array of an idx file: two zero bytes, type, axes, sizes, then the values."""
    data = bytearray(gzip.decompress(path.read_bytes()))
    axes = data[3]
    sizes = [int.from_bytes(data[4 * axis : 4 * axis + 4], "big") for axis in range(1, axes + 1)]
    values = np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * axes)
    return torch.from_numpy(values).view(*sizes)
