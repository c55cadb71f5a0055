"""EMNIST, hand-written digits and letters, from the official idx files; they lie packed in one archive.

G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017,
https://www.nist.gov/itl/products-and-services/emnist-dataset.
"""

import string
from typing import Annotated, Any, Literal

from pydantic import Field

from loupe.data.official_files import OfficialFile, OfficialSet
from loupe.data.sources import SourceImages, register_dataset
from loupe.data.sources._idx_parts import DIGITS, list_idx_files, load_idx_set

Subset = Literal["balanced", "byclass", "bymerge", "digits", "letters", "mnist"]

_ALL = (*DIGITS, *string.ascii_uppercase, *string.ascii_lowercase)
_MERGED = (*DIGITS, *string.ascii_uppercase, *"abdefghnqrt")  # lower case where it looks like no capital
_CLASSES: dict[str, tuple[str, ...]] = {
    "balanced": _MERGED,
    "byclass": _ALL,
    "bymerge": _MERGED,
    "digits": DIGITS,
    "letters": tuple(string.ascii_uppercase),
    "mnist": DIGITS,
}
_COUNTS = {
    "balanced": (112_800, 18_800),
    "byclass": (697_932, 116_323),
    "bymerge": (697_932, 116_323),
    "digits": (240_000, 40_000),
    "letters": (124_800, 20_800),
    "mnist": (60_000, 10_000),
}
_DIGESTS = {  # SHA-256 of training images, training labels, test images, test labels
    "balanced": (
        "74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4",
        "b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed",
        "117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db",
        "a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd",
    ),
    "byclass": (
        "9e21987f03a6eb8b870187e785883ddad96947299587908f1a7ec2ca0f4be5f0",
        "f7ef403d48dc18a89dae0d83d11ee69cecb6e1c12c3a961d03712e495c02a8fa",
        "5ec835bd5d5b1a66378a132e727fef20fe994b3cc666899befcca5ac766f50cd",
        "501e305eeeacb093b162592d80e8a2632040872360fa6d85cfcb2200d91ca92a",
    ),
    "bymerge": (
        "39bf8c68037dad40db35348895f7e4e056e8c0a005ab78869c9fbc2c96e947be",
        "2c47293b9e62d6abf6ad05fbf67e40baa32adfd380b8d7b44dcc35534b64e1f1",
        "5e5815ec1b522089134435f7c55e75a00960b58414793593ffff23efc0821683",
        "8bda1516255683ba9071e141947ca0c91a911176065cdd6259b0b4d8dc5b5f35",
    ),
    "digits": (
        "f7c95004d14d81af89522e67d8f0c781dfb3bd544181c81bfe1eb6b41c35b726",
        "6638a6ff5fe2eefd9cca2471995b46c82986b8e4b2a70d2f5ce8e05d7edb319e",
        "20ebe43509264f7639d37c835a3f0b009e90b29e00a099a03101abe1644a3f63",
        "bad1834c45d5988e270b99d43b13edc3fd898f658ffbc2caf2846ef27f7b05b0",
    ),
    "letters": (
        "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",
        "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",
        "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",
        "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",
    ),
    "mnist": (
        "5f9942f441031c0f1f2e4d162059fd6e19ea808b34c328b6d16cab0ed24c78f2",
        "00c6d3c2342fdffb1711e0b5656cac4ce5862d2826399d383a9bac07d612e9f8",
        "b25640fa9e356c618132f5df347c95ef5bae6d9c2596be1de40f7e0ae1c3eac6",
        "bcc5385d38f083dba046f5f756e99b32f5ea7fad122c6243c71c2239873065ca",
    ),
}


def _describe_files(subset: str) -> OfficialSet:
    parts = [f"emnist-{subset}-{part}" for part in ("train", "test")]
    names = [f"{part}-{kind}" for part in parts for kind in ("images", "labels")]
    digests = {name: (f"sha256:{one}", "") for name, one in zip(names, _DIGESTS[subset], strict=True)}
    return OfficialSet(
        title=f"EMNIST {subset}",
        folder="emnist",
        files=list_idx_files(dict(zip(parts, _COUNTS[subset], strict=True)), digests),
        page="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        base_url="https://biometrics.nist.gov/cs_links/EMNIST/",
        archive=OfficialFile("gzip.zip", "md5:58c8d27c78d21e728a6bc7b3cc06412e"),
        folders=("EMNIST/raw", "EMNIST/raw/gzip", "EMNIST", "emnist/gzip", "gzip"),
        member_folder="gzip",
    )


EMNIST = {subset: _describe_files(subset) for subset in _CLASSES}


def _describe_images(settings: dict[str, Any]) -> tuple[tuple[int, int, int], int]:
    return (1, 28, 28), len(_CLASSES[settings.get("subset", "balanced")])


@register_dataset(
    "emnist",
    describe_images=_describe_images,
    is_mirrorable=False,
    origin="Cohen, Afshar, Tapson and van Schaik, 2017, "
    "https://www.nist.gov/itl/products-and-services/emnist-dataset, public domain (NIST)",
)
def load_emnist(
    subset: Annotated[
        Subset,
        Field(description="balanced (47 classes), byclass (62), bymerge, digits, letters (26) or mnist."),
    ] = "balanced",
) -> SourceImages:
    """Hand-written digits and letters, 28 x 28 grey pixels, upright (EMNIST, six subsets)."""
    first_label = 1 if subset == "letters" else 0
    return load_idx_set(EMNIST[subset], _CLASSES[subset], first_label=first_label, is_transposed=True)
