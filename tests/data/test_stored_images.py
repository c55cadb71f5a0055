"""Images on disk: what a tensor of the same images gives, and never all of them at once."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.data import ImageDataset, mapped_rows, stored_images
from loupe.data.batches import EvaluationBatches, TrainingBatches
from loupe.data.known_sides import join_datasets
from loupe.data.normalization import Normalization, measure_normalization
from loupe.data.stored_images import StoredImages, join_images, read_ahead
from loupe.errors import DataError
from loupe.runtime import Streams

COUNT = 50
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 5, 3), dtype=np.uint8)
LABELS = torch.arange(COUNT) % 3
NAMES = ("ant", "bee", "cow")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredImages:
    """Images of a mapped file whose channels stand last."""
    path = tmp_path_factory.mktemp("stored") / "images.npy"
    np.save(path, PIXELS)
    return StoredImages((np.load(path, mmap_mode="c").transpose(0, 3, 1, 2),))


HELD = torch.from_numpy(PIXELS.transpose(0, 3, 1, 2).copy())
INDICES = st.lists(st.integers(-COUNT, COUNT - 1), max_size=60).map(lambda one: torch.tensor(one).long())
SLICES = st.slices(COUNT).filter(lambda one: (one.step or 1) > 0)
MASKS = st.lists(st.booleans(), min_size=COUNT, max_size=COUNT).map(torch.tensor)


@given(chosen=st.one_of(INDICES, SLICES, MASKS))
def test_a_choice_is_what_a_tensor_would_give(stored: StoredImages, chosen: torch.Tensor | slice) -> None:
    assert torch.equal(stored[chosen], HELD[chosen])
    assert torch.equal(stored.choose(chosen).load(), HELD[chosen])
    assert stored.choose(chosen).shape == HELD[chosen].shape
    assert stored.choose(chosen)[:].is_contiguous()


@given(first=INDICES, again=st.data())
def test_choices_of_choices_read_the_same_images(
    stored: StoredImages, first: torch.Tensor, again: st.DataObject
) -> None:
    places = st.lists(st.integers(0, max(0, len(first) - 1)), max_size=20 if len(first) else 0)
    second = torch.tensor(again.draw(places)).long()
    assert torch.equal(stored.choose(first).choose(second).load(), HELD[first][second])
    parts = list(stored.choose(first).split(7))
    assert torch.equal(torch.cat(parts) if parts else HELD[:0], HELD[first])


def test_one_image_comes_by_its_number(stored: StoredImages) -> None:
    assert torch.equal(stored[3], HELD[3])
    assert torch.equal(stored[[4, 2]], HELD[[4, 2]])
    assert torch.equal(stored[torch.tensor(-1)], HELD[-1])
    with pytest.raises(IndexError, match="image 50 of 50"):
        stored[COUNT]
    with pytest.raises(IndexError, match="images 0 to 50 of 50"):
        stored[torch.tensor([0, COUNT])]


@given(data=st.data())
def test_parts_join_in_their_order_whether_on_disk_or_not(stored: StoredImages, data: st.DataObject) -> None:
    chosen = [data.draw(INDICES) for _ in range(3)]
    other = torch.flip(HELD, (0,))
    joined = join_images([stored.choose(chosen[0]), other[chosen[1]], stored.choose(chosen[2]), stored])
    assert isinstance(joined, StoredImages)
    assert len(joined.arrays) == 2, "the file is there once"
    assert torch.equal(joined.load(), torch.cat([HELD[chosen[0]], other[chosen[1]], HELD[chosen[2]], HELD]))
    again = join_images([joined, stored.choose(chosen[0])])
    assert torch.equal(again[:], torch.cat([joined.load(), HELD[chosen[0]]]))


def test_a_dataset_on_disk_is_the_dataset_in_memory(stored: StoredImages) -> None:
    on_disk, held = ImageDataset(stored, LABELS, NAMES, "made"), ImageDataset(HELD, LABELS, NAMES, "made")
    assert on_disk.digest == held.digest
    assert torch.equal(on_disk.table.digests, held.table.digests)
    assert measure_normalization(on_disk.images) == measure_normalization(held.images)
    few = torch.tensor([9, 2, 2])
    assert on_disk.select(few).digest == held.select(few).digest
    assert on_disk.keep_classes(["cow", 0]).digest == held.keep_classes(["cow", 0]).digest
    assert join_datasets([on_disk, on_disk.take(slice(4, 9))]).digest == (
        join_datasets([held, held.take(slice(4, 9))]).digest
    )
    assert isinstance(on_disk.select(few).images, StoredImages), "choosing reads nothing"
    loaded = on_disk.load()
    assert isinstance(loaded.images, torch.Tensor)
    assert torch.equal(loaded.pixels, held.pixels)
    assert loaded.load() is loaded


@pytest.mark.skipif(mapped_rows._WILL_NEED is None, reason="this system cannot be asked for pages")
def test_images_are_asked_for_before_they_are_read(
    stored: StoredImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, list[int]]] = []
    for name in ("request_rows", "read_rows"):
        kept = getattr(stored_images, name)

        def watch(array: np.ndarray, numbers: np.ndarray, kept: object = kept, name: str = name) -> object:
            seen.append((name.partition("_")[0], numbers.tolist()))
            return kept(array, numbers)  # type: ignore[operator]

        monkeypatch.setattr(stored_images, name, watch)
    list(read_ahead(stored, [torch.tensor([one]) for one in range(5)]))
    order = [(kind, numbers[0]) for kind, numbers in seen]
    assert order[:4] == [("request", 0), ("request", 1), ("request", 2), ("read", 0)]
    assert [number for kind, number in order if kind == "read"] == list(range(5))
    assert [number for kind, number in order if kind == "request"] == list(range(5)), "once each"


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_batches_from_disk_are_those_from_memory(stored: StoredImages, power: float) -> None:
    normalization = Normalization((0.5,) * 3, (0.25,) * 3)
    for images in (stored, stored.choose(torch.arange(COUNT))):
        both = [
            TrainingBatches(
                ImageDataset(one, LABELS, NAMES, ""), normalization, 7, Streams(3), sampling_power=power
            )
            for one in (images, HELD)
        ]
        for epoch in (1, 2):
            for ours, theirs in zip(*(one.epoch(epoch) for one in both), strict=True):
                assert torch.equal(ours.images, theirs.images)
                assert torch.equal(ours.labels, theirs.labels)
    shown = [
        EvaluationBatches(ImageDataset(one, LABELS, NAMES, ""), normalization, 8) for one in (stored, HELD)
    ]
    for ours, theirs in zip(*shown, strict=True):
        assert torch.equal(ours.images, theirs.images)


@pytest.mark.parametrize("can_request", [True, False])
def test_reading_ahead_ends_with_whoever_reads(
    stored: StoredImages, can_request: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_request:  # as on Windows
        monkeypatch.setattr(mapped_rows, "_WILL_NEED", None)
    whole = list(read_ahead(stored, torch.arange(COUNT).split(7)))
    assert torch.equal(torch.cat(whole), HELD)
    before = threading.active_count()
    reading = read_ahead(stored, torch.arange(COUNT).split(5))
    assert torch.equal(next(reading), HELD[:5])
    del reading
    assert threading.active_count() == before
    with pytest.raises(IndexError):
        list(read_ahead(stored, [torch.tensor([COUNT])]))


def test_too_many_at_once_are_refused_and_so_is_arithmetic(
    stored: StoredImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_images, "MOST_BYTES_AT_ONCE", 10 * 60)
    assert len(stored[:10]) == 10
    dataset = ImageDataset(stored, LABELS, NAMES, "made")
    with pytest.raises(DataError, match="do not come into memory at once") as caught:
        _ = dataset.pixels
    assert "50 images" in str(caught.value)
    with pytest.raises(AttributeError, match="stay on disk have no 'float'"):
        dataset.images.float()  # type: ignore[union-attr]  # what the type checker refuses, too
