"""Every named source on small files of the true form: pixels, labels, names, and where files are found."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from loupe.data import SOURCES, load_dataset
from loupe.data.official_files import locate
from loupe.data.sources import find_known_shapes
from loupe.errors import DataError, DataFileError, LoupeError
from loupe.running.prepare import load_recipe

from ..mini_sets import MINI_SETS, MiniSet, make_mini_set

BY_NAME = {mini.name: mini for mini in reversed(MINI_SETS)}
NAMES = [f"{mini.name}-{'-'.join(map(str, mini.settings.values()))}".rstrip("-") for mini in MINI_SETS]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that LOUPE_DATA names; downloads fail at once."""
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def fail(*arguments: object, **settings: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", fail)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("mini", MINI_SETS, ids=NAMES)
def test_a_source_reads_the_form_its_publisher_writes(
    mini: MiniSet, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, parts = make_mini_set(mini, monkeypatch, root / mini.official.folder)
    dataset = load_dataset(mini.name, **mini.settings)
    test_images = dataset.test.open("compare with the files")
    train = dataset.train
    if mini.settings.get("extra"):
        parts = [tuple(np.concatenate(both) for both in zip(parts[0], parts[2], strict=True)), parts[1]]
    read_parts = [train, test_images, *([dataset.validation] if dataset.validation is not None else [])]
    for read, (images, labels) in zip(read_parts, parts, strict=True):
        assert np.array_equal(read.images.numpy(), images)
        assert np.array_equal(read.labels.numpy(), labels)
    assert (dataset.validation is not None) == (mini.name == "medmnist")
    assert find_known_shapes(mini.name, mini.settings) == (mini.shape, mini.num_classes)
    assert train.num_classes == mini.num_classes == len(set(train.class_names))
    assert SOURCES.facts(mini.name)["origin"]
    assert dataset.notes == ()


def test_cifar100_has_its_twenty_groups(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, parts = make_mini_set(BY_NAME["cifar100"], monkeypatch, root / "cifar-100-binary")
    coarse = load_dataset("cifar100", labels="coarse").train
    assert np.array_equal(coarse.labels.numpy(), parts[0][1] // 5)
    assert coarse.num_classes == 20
    assert coarse.class_names[1] == "fish"
    assert find_known_shapes("cifar100", {"labels": "coarse"}) == ((3, 32, 32), 20)
    recipe = load_recipe({"data": {"name": "cifar100", "labels": "coarse"}, "model": {"name": "mlp"}})
    assert recipe.data.settings == {"labels": "coarse"}


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist", "qmnist"])
def test_files_that_lie_unpacked_where_other_tools_put_them_are_read(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mini = BY_NAME[name]
    folder = root / mini.official.folders[0]
    _, contents, parts = make_mini_set(mini, monkeypatch, folder)
    for file, data in contents.items():
        (folder / file).unlink()
        (folder / file.removesuffix(".gz")).write_bytes(gzip.decompress(data))
    dataset = load_dataset(name)
    assert np.array_equal(dataset.train.images.numpy(), parts[0][0])
    is_proven = name in ("mnist", "fashion-mnist")  # digests of their unpacked files are published
    assert [("by size and form only" in note) for note in dataset.notes] == ([] if is_proven else [True])


def test_files_of_another_name_are_found_by_digest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, contents, parts = make_mini_set(BY_NAME["mnist"], monkeypatch)
    for number, data in enumerate(contents.values()):
        place = root / "downloads" / "old" / f"copy of {number}.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    assert np.array_equal(load_dataset("mnist").train.images.numpy(), parts[0][0])


def test_unpacked_files_of_another_name_are_found_by_digest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, contents, parts = make_mini_set(BY_NAME["mnist"], monkeypatch)
    for number, data in enumerate(contents.values()):
        (root / f"{number}.dat").write_bytes(gzip.decompress(data))
    assert np.array_equal(load_dataset("mnist").train.images.numpy(), parts[0][0])


def test_sets_of_equal_file_names_do_not_collide(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LOUPE_DATA on a folder of Fashion-MNIST once broke MNIST."""
    _, _, fashion = make_mini_set(BY_NAME["fashion-mnist"], monkeypatch, root)  # loose in LOUPE_DATA itself
    _, _, digits = make_mini_set(BY_NAME["mnist"], monkeypatch, root / "MNIST" / "raw")
    _, _, signs = make_mini_set(BY_NAME["kmnist"], monkeypatch, root / "deep" / "down")
    for name, parts in (("fashion-mnist", fashion), ("mnist", digits), ("kmnist", signs)):
        assert np.array_equal(load_dataset(name).train.images.numpy(), parts[0][0])


def test_unpacked_files_of_another_set_are_never_taken_for_this_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KMNIST's unpacked files have no digest of their own, and MNIST's the same names and sizes."""
    _, contents, _ = make_mini_set(BY_NAME["mnist"], monkeypatch)
    make_mini_set(BY_NAME["kmnist"], monkeypatch)
    for name, data in contents.items():
        (root / name.removesuffix(".gz")).write_bytes(gzip.decompress(data))
    with pytest.raises(DataFileError, match="KMNIST is not on this machine"):
        load_dataset("kmnist")


def test_an_archive_that_lies_unopened_is_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from loupe.data.official_files import OfficialFile

    for name, member_folder in (("cifar100", "cifar-100-binary"), ("emnist", "gzip")):
        mini = BY_NAME[name]
        official, contents, parts = make_mini_set(mini, monkeypatch)
        assert official.archive is not None
        packed = io.BytesIO()
        if official.archive.name.endswith(".zip"):
            with zipfile.ZipFile(packed, "w") as zipped:
                for file, data in contents.items():
                    zipped.writestr(f"{member_folder}/{file}", data)
        else:
            with tarfile.open(fileobj=packed, mode="w:gz") as tar:
                for file, data in contents.items():
                    member = tarfile.TarInfo(f"{member_folder}/{file}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
        archive = OfficialFile(official.archive.name, f"sha256:{_sha256(packed.getvalue())}")
        object.__setattr__(official, "archive", archive)
        (root / archive.name).write_bytes(packed.getvalue())
        assert np.array_equal(load_dataset(name, **mini.settings).train.images.numpy(), parts[0][0])


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("name", "lying", "way_out"),
    [
        ("cifar10", "cifar-10-batches-py", "cifar-10-binary.tar.gz"),
        ("cifar100", "cifar-100-python", "cifar-100-binary.tar.gz"),
    ],
)
def test_pickles_are_recognised_and_never_read(name: str, lying: str, way_out: str, root: Path) -> None:
    (root / lying).mkdir()
    (root / lying / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch /tmp/unpickled'\ntR.")
    with pytest.raises(DataFileError) as caught:
        load_dataset(name)
    text = str(caught.value)
    assert f"{lying} is there, but its files are pickles" in text
    assert f"the same images as plain bytes are in {way_out}" in text
    assert not Path("/tmp/unpickled").exists()


@pytest.mark.parametrize("name", ["mnist", "svhn", "cifar100", "usps", "medmnist"])
def test_a_changed_file_is_refused_by_name(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mini = BY_NAME[name]
    _, contents, _ = make_mini_set(mini, monkeypatch, root / mini.official.folder)
    file = next(iter(contents))
    (root / mini.official.folder / file).write_bytes(contents[file][:-1] + b"!")
    with pytest.raises(DataFileError, match=f"{file} is not the official file of"):
        load_dataset(name, **mini.settings)


def test_medmnist_is_found_where_its_own_package_puts_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mini = BY_NAME["medmnist"]
    _, _, parts = make_mini_set(mini, monkeypatch, tmp_path / "home" / ".medmnist")
    assert np.array_equal(load_dataset("medmnist", **mini.settings).train.images.numpy(), parts[0][0])


def test_a_collection_with_several_labels_an_image_is_no_choice() -> None:
    with pytest.raises(LoupeError, match=r"medmnist\.subset: got 'chestmnist'; allowed: 'pathmnist'"):
        load_dataset("medmnist", subset="chestmnist")


def test_every_published_digest_is_of_its_algorithms_length() -> None:
    import hashlib

    for mini in MINI_SETS:
        official = mini.official
        for file in (*official.files, *([official.archive] if official.archive else [])):
            for digest in filter(None, (file.digest, file.unpacked)):
                algorithm, _, value = digest.partition(":")
                assert len(bytes.fromhex(value)) == hashlib.new(algorithm).digest_size


def test_a_folder_without_any_of_the_files_is_not_taken_for_the_set(root: Path) -> None:
    (root / "mnist").mkdir()
    with pytest.raises(DataFileError, match="MNIST is not on this machine"):
        load_dataset("mnist")


def test_the_cache_is_found_whatever_loupe_data_holds(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch

    mini = BY_NAME["usps"]
    official, _, parts = make_mini_set(mini, monkeypatch, Path(pooch.os_cache("loupe")) / "data" / "usps")
    assert all(path.parent.name == "usps" for path in locate(official).values())
    assert np.array_equal(load_dataset("usps").train.labels.numpy(), parts[0][1])


def test_settings_of_named_sources_are_checked() -> None:
    with pytest.raises(LoupeError, match=r"emnist\.subset: got 'all'"):
        load_dataset("emnist", subset="all")
    with pytest.raises(LoupeError, match=r"medmnist\.size: got 32"):
        load_dataset("medmnist", subset="pathmnist", size=32)
    assert issubclass(DataFileError, DataError)
