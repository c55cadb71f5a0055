"""STL-10, its labelled images, from the official binary files.

A. Coates, H. Lee, A. Y. Ng, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning", 2011,
https://cs.stanford.edu/~acoates/stl10/.
"""

from pathlib import Path

import numpy as np
import torch

from loupe.data.dataset import ImageDataset
from loupe.data.official_files import OfficialFile, OfficialSet, locate
from loupe.data.readers.planes import read_planes
from loupe.data.sources import SourceImages, register_dataset

_CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")

STL10 = OfficialSet(
    title="STL-10",
    folder="stl10_binary",
    files=(
        OfficialFile("train_X.bin", "md5:918c2871b30a85fa023e0c44e0bee87f"),
        OfficialFile("train_y.bin", "md5:5a34089d4802c674881badbb80307741"),
        OfficialFile("test_X.bin", "md5:7f263ba9f9e0b06b93213547f721ac82"),
        OfficialFile("test_y.bin", "md5:36f9794fa4beb8a2c72628de14fa638e"),
    ),
    page="https://cs.stanford.edu/~acoates/stl10/",
    base_url="http://ai.stanford.edu/~acoates/stl10/",
    archive=OfficialFile("stl10_binary.tar.gz", "md5:91f7769df0f17e558f3565bffb0c7dfb"),
    folders=("stl10/stl10_binary", "STL10/stl10_binary", "stl10"),
)


@register_dataset(
    "stl10",
    image_shape=(3, 96, 96),
    num_classes=10,
    origin="Coates, Lee and Ng, 2011, https://cs.stanford.edu/~acoates/stl10/; its authors state no licence",
)
def load_stl10() -> SourceImages:
    """5,000 + 8,000 photographs of ten kinds of things, 96 x 96 colour pixels (STL-10, labelled images)."""
    paths = locate(STL10)
    return SourceImages(
        _read(paths["train_X.bin"], paths["train_y.bin"]), _read(paths["test_X.bin"], paths["test_y.bin"])
    )


def _read(images: Path, labels: Path) -> ImageDataset:
    columns, _ = read_planes([images], num_labels=0, image_shape=(3, 96, 96))
    pixels = np.ascontiguousarray(columns.transpose(0, 1, 3, 2))  # the files go down columns, as MATLAB does
    numbers = np.frombuffer(labels.read_bytes(), dtype=np.uint8).astype(np.int64) - 1  # and count from 1
    return ImageDataset(torch.from_numpy(pixels), torch.from_numpy(numbers), _CLASSES, "STL-10")
