"""Fashion-MNIST, from the official idx files.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", 2017, https://github.com/zalandoresearch/fashion-mnist, licence MIT.
"""

from loupe.data.official_files import OfficialSet
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._idx_parts import list_idx_files, load_idx_set

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
    files=list_idx_files(
        {"train": 60_000, "t10k": 10_000},
        {
            "train-images": ("md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", "md5:f4a8712d7a061bf5bd6d2ca38dc4d50a"),
            "train-labels": ("md5:25c81989df183df01b3e8a0aad5dffbe", "md5:9018921c3c673c538a1fc5bad174d6f9"),
            "t10k-images": ("md5:bef4ecab320f06d8554ea6380940ec79", "md5:8181f5470baa50b63fa0f6fddb340f0a"),
            "t10k-labels": ("md5:bb300cfdad3c16e7a12a480ee83cd310", "md5:15d484375f8d13e6eb1aabb0c3f46965"),
        },
    ),
    page="https://github.com/zalandoresearch/fashion-mnist",
    base_url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    folders=("FashionMNIST/raw", "FashionMNIST"),
    shares_names=True,
)


@register_dataset(
    "fashion-mnist",
    image_shape=(1, 28, 28),
    num_classes=10,
    origin="Xiao, Rasul and Vollgraf, 2017, https://github.com/zalandoresearch/fashion-mnist, licence MIT",
)
def load_fashion_mnist() -> SourceImages:
    """60,000 + 10,000 pictures of ten kinds of clothing, 28 x 28 grey pixels (Fashion-MNIST)."""
    return load_idx_set(FASHION_MNIST, _CLASSES)
