"""USPS digits, from the files LIBSVM's authors publish.

J. J. Hull, "A Database for Handwritten Text Recognition Research", 1994,
https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps.
"""

from pathlib import Path

import numpy as np
import torch

from loupe.data.dataset import ImageDataset
from loupe.data.official_files import OfficialFile, OfficialSet, describe_unproven, locate
from loupe.data.readers.libsvm import read_libsvm
from loupe.data.sources import SourceImages, register_dataset

USPS = OfficialSet(
    title="USPS",
    folder="usps",
    files=(
        OfficialFile("usps.bz2", "md5:ec16c51db3855ca6c91edd34d0e9b197"),
        OfficialFile("usps.t.bz2", "md5:8ea070ee2aca1ac39742fdd1ef5ed118"),
    ),
    page="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
    base_url="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",
    folders=("USPS",),
)


@register_dataset(
    "usps",
    image_shape=(1, 16, 16),
    num_classes=10,
    is_mirrorable=False,
    origin="J. J. Hull, 1994, https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps; "
    "no licence is stated",
)
def load_usps() -> SourceImages:
    """7,291 + 2,007 digits from envelopes, 16 x 16 grey pixels (USPS)."""
    paths = locate(USPS)
    return SourceImages(
        _read(paths["usps.bz2"]), _read(paths["usps.t.bz2"]), notes=describe_unproven(USPS, paths)
    )


def _read(path: Path) -> ImageDataset:
    values, labels = read_libsvm(path, 16 * 16)
    pixels = np.rint((values + 1) / 2 * 255).astype(np.uint8)  # the files hold -1 (paper) to 1 (ink)
    images = torch.from_numpy(pixels).view(-1, 1, 16, 16)
    return ImageDataset(images, torch.from_numpy(labels - 1), tuple("0123456789"), "USPS")
