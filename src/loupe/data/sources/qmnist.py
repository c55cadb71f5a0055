"""QMNIST, MNIST with its lost test images, from the official idx files.

C. Yadav, L. Bottou, "Cold Case: The Lost MNIST Digits", 2019, https://github.com/facebookresearch/qmnist,
licence BSD.
"""

from loupe.data.official_files import OfficialFile, OfficialSet
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._idx_parts import DIGITS, load_idx_set

_COUNT = 60_000  # in each part
_IMAGES, _LABELS = 16 + _COUNT * 28 * 28, 12 + _COUNT * 8 * 4  # bytes unpacked; eight numbers a label

QMNIST = OfficialSet(
    title="QMNIST",
    folder="qmnist",
    files=tuple(
        OfficialFile(f"qmnist-{name}.gz", f"md5:{digest}", unpacked_size=size)
        for name, digest, size in (
            ("train-images-idx3-ubyte", "ed72d4157d28c017586c42bc6afe6370", _IMAGES),
            ("train-labels-idx2-int", "0058f8dd561b90ffdd0f734c6a30e5e4", _LABELS),
            ("test-images-idx3-ubyte", "1394631089c404de565df7b7aeaf9412", _IMAGES),
            ("test-labels-idx2-int", "5b5b05890a5e13444e108efe57b788aa", _LABELS),
        )
    ),
    page="https://github.com/facebookresearch/qmnist",
    base_url="https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
    folders=("QMNIST/raw", "QMNIST"),
)


@register_dataset(
    "qmnist",
    image_shape=(1, 28, 28),
    num_classes=10,
    is_mirrorable=False,
    origin="Yadav and Bottou, 2019, https://github.com/facebookresearch/qmnist, licence BSD",
)
def load_qmnist() -> SourceImages:
    """60,000 + 60,000 hand-written digits, 28 x 28 grey pixels: MNIST with its lost test images."""
    return load_idx_set(QMNIST, DIGITS)
