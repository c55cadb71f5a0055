"""Street View House Numbers, the cropped digits, from the official .mat files.

Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng, "Reading Digits in Natural Images with
Unsupervised Feature Learning", 2011, http://ufldl.stanford.edu/housenumbers/, for non-commercial use only.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from loupe.data.dataset import ImageDataset
from loupe.data.official_files import OfficialFile, OfficialSet, locate
from loupe.data.readers.matlab import read_matlab
from loupe.data.sources import SourceImages, register_dataset

_CLASSES = tuple("0123456789")
_TRAIN, _TEST, _EXTRA = "train_32x32.mat", "test_32x32.mat", "extra_32x32.mat"
_FILES = {
    _TRAIN: OfficialFile(_TRAIN, "md5:e26dedcc434d2e4c54c9b2d4a06d8373"),
    _TEST: OfficialFile(_TEST, "md5:eb5a983be6a315427106f1b164d9cef3"),
    _EXTRA: OfficialFile(_EXTRA, "md5:a93ce644f1a588dc4d68dda5feec44a7"),
}


def _describe_files(*names: str) -> OfficialSet:
    return OfficialSet(
        title="SVHN",
        folder="svhn",
        files=tuple(_FILES[name] for name in names),
        page="http://ufldl.stanford.edu/housenumbers/",
        base_url="http://ufldl.stanford.edu/housenumbers/",
        folders=("SVHN", "SVHN/raw", "housenumbers"),
    )


SVHN = {False: _describe_files(_TRAIN, _TEST), True: _describe_files(_TRAIN, _TEST, _EXTRA)}


@register_dataset(
    "svhn",
    image_shape=(3, 32, 32),
    num_classes=10,
    is_mirrorable=False,
    origin="Netzer and others, 2011, http://ufldl.stanford.edu/housenumbers/, for non-commercial use only",
)
def load_svhn(
    extra: Annotated[
        bool, Field(description="Train on the 531,131 simpler extra images too (1.3 GB).")
    ] = False,
) -> SourceImages:
    """73,257 + 26,032 photographed house-number digits, 32 x 32 colour pixels (SVHN, cropped)."""
    paths = locate(SVHN[extra])
    train = _read([paths[_TRAIN], *([paths[_EXTRA]] if extra else [])])
    return SourceImages(train, _read([paths[_TEST]]))


def _read(paths: list[Path]) -> ImageDataset:
    parts = [read_matlab(path, ("X", "y")) for path in paths]
    images = np.concatenate(
        [images.transpose(3, 2, 0, 1) for images, _ in parts]
    )  # files: rows, columns, RGB, image
    labels = (
        np.concatenate([labels.ravel() for _, labels in parts]).astype(np.int64) % 10
    )  # files: 10 is digit 0
    return ImageDataset(
        torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels), _CLASSES, "SVHN"
    )
