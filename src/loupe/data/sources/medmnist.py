"""MedMNIST, its collections of 2D images with one label each, from the official .npz files.

J. Yang, R. Shi, D. Wei, Z. Liu, L. Zhao, B. Ke, H. Pfister, B. Ni, "MedMNIST v2: A large-scale lightweight
benchmark for 2D and 3D biomedical image classification", 2023, https://medmnist.com, licence CC BY 4.0
(dermamnist: CC BY-NC 4.0). ChestMNIST has several labels an image and is not among them.
"""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from loupe.data.official_files import OfficialFile, OfficialSet, locate
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._array_parts import read_array_parts

Subset = Literal[
    "pathmnist",
    "dermamnist",
    "octmnist",
    "pneumoniamnist",
    "retinamnist",
    "breastmnist",
    "bloodmnist",
    "tissuemnist",
    "organamnist",
    "organcmnist",
    "organsmnist",
]
Size = Literal[28, 64, 128, 224]

_SIZES = (28, 64, 128, 224)


class _Collection(NamedTuple):
    channels: int
    class_names: tuple[str, ...]
    digests: tuple[str, str, str, str]  # MD5 of the files of 28, 64, 128 and 224 pixels, version 3


_ORGANS = (
    "bladder",
    "femur-left",
    "femur-right",
    "heart",
    "kidney-left",
    "kidney-right",
    "liver",
    "lung-left",
    "lung-right",
    "pancreas",
    "spleen",
)

_COLLECTIONS = {
    "pathmnist": _Collection(
        3,
        (
            "adipose",
            "background",
            "debris",
            "lymphocytes",
            "mucus",
            "smooth muscle",
            "normal colon mucosa",
            "cancer-associated stroma",
            "colorectal adenocarcinoma epithelium",
        ),
        (
            "a8b06965200029087d5bd730944a56c1",
            "55aa9c1e0525abe5a6b9d8343a507616",
            "ac42d08fb904d92c244187169d1fd1d9",
            "2c51a510bcdc9cf8ddb2af93af1eadec",
        ),
    ),
    "dermamnist": _Collection(
        3,
        (
            "actinic keratoses and intraepithelial carcinoma",
            "basal cell carcinoma",
            "benign keratosis-like lesions",
            "dermatofibroma",
            "melanoma",
            "melanocytic nevi",
            "vascular lesions",
        ),
        (
            "0744692d530f8e62ec473284d019b0c7",
            "b70a2f5635c6199aeaa28c31d7202e1f",
            "2defd784463fa5243564e855ed717de1",
            "8974907d8e169bef5f5b96bc506ae45d",
        ),
    ),
    "octmnist": _Collection(
        1,
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
        (
            "c68d92d5b585d8d81f7112f81e2d0842",
            "e229e9440236b774d9f0dfef9d07bdaf",
            "0a97e76651ace45c5d943ee3f65b63ae",
            "abc493b6d529d5de7569faaef2773ba3",
        ),
    ),
    "pneumoniamnist": _Collection(
        1,
        ("normal", "pneumonia"),
        (
            "28209eda62fecd6e6a2d98b1501bb15f",
            "8f4eceb4ccffa70c672198ea285246c6",
            "05b46931834c231683c68f40c47b2971",
            "d6a3c71de1b945ea11211b03746c1fe1",
        ),
    ),
    "retinamnist": _Collection(
        3,
        ("0", "1", "2", "3", "4"),
        (
            "bd4c0672f1bba3e3a89f0e4e876791e4",
            "afda852cc34dcda56f86ad2b2457dbcc",
            "e48e916a24454daf90583d4e6efb1a18",
            "eae7e3b6f3fcbda4ae613ebdcbe35348",
        ),
    ),
    "breastmnist": _Collection(
        1,
        ("malignant", "normal, benign"),
        (
            "750601b1f35ba3300ea97c75c52ff8f6",
            "742edef2a1fd1524b2efff4bd7ba9364",
            "363e4b3f8d712e9b5de15470a2aaadf1",
            "b56378a6eefa9fed602bb16d192d4c8b",
        ),
    ),
    "bloodmnist": _Collection(
        3,
        (
            "basophil",
            "eosinophil",
            "erythroblast",
            "immature granulocytes (myelocytes, metamyelocytes and promyelocytes)",
            "lymphocyte",
            "monocyte",
            "neutrophil",
            "platelet",
        ),
        (
            "7053d0359d879ad8a5505303e11de1dc",
            "2b94928a2ae4916078ca51e05b6b800b",
            "adace1e0ed228fccda1f39692059dd4c",
            "b718ff6835fcbdb22ba9eacccd7b2601",
        ),
    ),
    "tissuemnist": _Collection(
        1,
        (
            "Collecting Duct, Connecting Tubule",
            "Distal Convoluted Tubule",
            "Glomerular endothelial cells",
            "Interstitial endothelial cells",
            "Leukocytes",
            "Podocytes",
            "Proximal Tubule Segments",
            "Thick Ascending Limb",
        ),
        (
            "ebe78ee8b05294063de985d821c1c34b",
            "123ece2eba09d0aa5d698fda57103344",
            "61b955355d7425a89687b06cca3ce0c2",
            "b077128c4a949f0a4eb01517f9037b9c",
        ),
    ),
    "organamnist": _Collection(
        1,
        _ORGANS,
        (
            "68e3f8846a6bd62f0c9bf841c0d9eacc",
            "2dcccc29b88e6da5a01161ef20cda288",
            "eeae80d0a227a8d099027e1b3cfd3b60",
            "50747347e05c87dd3aaf92c49f9f3170",
        ),
    ),
    "organcmnist": _Collection(
        1,
        _ORGANS,
        (
            "b9ceb9546e10131b32923c5bbeaea2b1",
            "3ce34a8724ea6f548e6db4744d03b6a9",
            "773c1f009daa3fe5d9a2a201b2a7ed94",
            "050f5e875dc056f6768abf94ec9995d1",
        ),
    ),
    "organsmnist": _Collection(
        1,
        _ORGANS,
        (
            "9ab87b696fb54e2a387ebe992d6ed5f1",
            "53a6d115339d874c25e309a994ff46d3",
            "ded0c5fa01a95dc4978b956f613e9b8e",
            "b354719e553fbbb2513d5533f52a4cb1",
        ),
    ),
}


def _describe_file(subset: str, size: int) -> OfficialSet:
    name = f"{subset}.npz" if size == 28 else f"{subset}_{size}.npz"
    digest = _COLLECTIONS[subset].digests[_SIZES.index(size)]
    return OfficialSet(
        title=f"MedMNIST {subset} of {size} pixels",
        folder="medmnist",
        files=(OfficialFile(name, f"md5:{digest}"),),
        page="https://medmnist.com",
        base_url="https://zenodo.org/records/10519652/files/",
        folders=("MedMNIST", "~/.medmnist"),
        query="?download=1",
    )


MEDMNIST = {(subset, size): _describe_file(subset, size) for subset in _COLLECTIONS for size in _SIZES}


def _describe_images(settings: dict[str, Any]) -> tuple[tuple[int, int, int], int]:
    collection, size = _COLLECTIONS[settings["subset"]], settings.get("size", 28)
    return (collection.channels, size, size), len(collection.class_names)


@register_dataset(
    "medmnist",
    describe_images=_describe_images,
    origin="Yang and others, 2023, https://medmnist.com, licence CC BY 4.0 (dermamnist: CC BY-NC 4.0)",
)
def load_medmnist(
    subset: Annotated[Subset, Field(description="Which collection.")],
    size: Annotated[Size, Field(description="Side of the images in pixels.")] = 28,
) -> SourceImages:
    """Medical images of eleven kinds with their own validation part, 28 to 224 pixels (MedMNIST v2)."""
    official = MEDMNIST[subset, size]
    (path,) = locate(official).values()
    return read_array_parts(path, class_names=_COLLECTIONS[subset].class_names, title=official.title)
