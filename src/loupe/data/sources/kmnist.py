"""Kuzushiji-MNIST, from the official idx files.

T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha, "Deep Learning for Classical Japanese
Literature", 2018, https://github.com/rois-codh/kmnist, licence CC BY-SA 4.0.
"""

from loupe.data.official_files import OfficialSet
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._idx_parts import list_idx_files, load_idx_set

_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

KMNIST = OfficialSet(
    title="KMNIST",
    folder="kmnist",
    files=list_idx_files(
        {"train": 60_000, "t10k": 10_000},
        {
            "train-images": ("sha256:51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", ""),
            "train-labels": ("sha256:e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", ""),
            "t10k-images": ("sha256:edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", ""),
            "t10k-labels": ("sha256:20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", ""),
        },
    ),
    page="https://github.com/rois-codh/kmnist",
    base_url="http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    folders=("KMNIST/raw", "KMNIST"),
    shares_names=True,
)


@register_dataset(
    "kmnist",
    image_shape=(1, 28, 28),
    num_classes=10,
    is_mirrorable=False,
    origin="Clanuwat and others, 2018, https://github.com/rois-codh/kmnist, licence CC BY-SA 4.0",
)
def load_kmnist() -> SourceImages:
    """60,000 + 10,000 cursive Japanese characters of ten kinds, 28 x 28 grey pixels (Kuzushiji-MNIST)."""
    return load_idx_set(KMNIST, _CLASSES)
