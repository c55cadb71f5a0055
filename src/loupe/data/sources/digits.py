"""The UCI hand-written digits, shipped with the package.

"Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0: the 1,797 images of the file
`optdigits.tes`, written by 13 people, each 8 x 8 pixels with 17 grey levels.
"""

from importlib import resources

import numpy as np
import torch

from loupe.data.dataset import ImageDataset
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.stratified import hold_out

_TEST_IMAGES = 360
_TEST_SEED = 0  # part of the dataset's definition: the test images never change


@register_dataset(
    "digits",
    image_shape=(1, 8, 8),
    num_classes=10,
    is_mirrorable=False,
    origin="E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository, "
    "https://doi.org/10.24432/C50P49, licence CC BY 4.0",
)
def load_digits() -> SourceImages:
    """1,437 + 360 hand-written digits of 8 x 8 grey pixels; shipped, needs no network.

    The publisher's file names no test part of its own and no writers, so 360 images, stratified, are
    set apart once and for all; images of one writer can lie on both sides.
    """
    with resources.files(__package__).joinpath("digits.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        levels, labels = arrays["images"], torch.from_numpy(arrays["labels"].astype(np.int64))
    # 0..16 to 0..255, exactly invertible: level = round(pixel * 16 / 255)
    pixels = np.rint(levels.astype(np.float64) * 255 / 16).astype(np.uint8)
    names = tuple(str(digit) for digit in range(10))
    digits = ImageDataset(torch.from_numpy(pixels)[:, None], labels, names, "UCI hand-written digits")
    generator = torch.Generator().manual_seed(_TEST_SEED)
    train, test = hold_out(labels, _TEST_IMAGES, generator, num_classes=10)
    return SourceImages(digits.select(train), digits.select(test))
