"""MNIST, from the official idx files.

Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST Database of Handwritten Digits", 1998,
http://yann.lecun.com/exdb/mnist/.
"""

from loupe.data.official_files import OfficialSet
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._idx_parts import DIGITS, list_idx_files, load_idx_set

MNIST = OfficialSet(
    title="MNIST",
    folder="mnist",
    files=list_idx_files(
        {"train": 60_000, "t10k": 10_000},
        {
            "train-images": (
                "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "md5:6bbc9ace898e44ae57da46a324031adb",
            ),
            "train-labels": (
                "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "md5:a25bea736e30d166cdddb491f175f624",
            ),
            "t10k-images": (
                "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "md5:2646ac647ad5339dbf082846283269ea",
            ),
            "t10k-labels": (
                "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "md5:27ae3e4e09519cfbb04c329615203637",
            ),
        },
    ),
    page="http://yann.lecun.com/exdb/mnist/",
    base_url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    folders=("MNIST/raw", "MNIST"),
    shares_names=True,
)


@register_dataset(
    "mnist",
    image_shape=(1, 28, 28),
    num_classes=10,
    is_mirrorable=False,
    origin="LeCun, Cortes and Burges, 1998, http://yann.lecun.com/exdb/mnist/; its authors state no licence",
)
def load_mnist() -> SourceImages:
    """60,000 + 10,000 hand-written digits, 28 x 28 grey pixels (MNIST)."""
    return load_idx_set(MNIST, DIGITS)
