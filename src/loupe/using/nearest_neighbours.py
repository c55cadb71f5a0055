"""The training images most like one, as a network sees them: a sample at once, more in the background."""

import atexit
import threading
import time
import weakref
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from loupe.data import ImageDataset
from loupe.data.batches import EvaluationBatches
from loupe.data.stratified import stratified_order
from loupe.errors import LoupeError
from loupe.inspection import compute_features, find_neighbours
from loupe.runtime import Streams
from loupe.using.opened_run import OpenedRun

_MOST_SEARCHED = 5_000  # training images
_SECONDS_TO_ANSWER = 0.6  # spent on further images before a question is answered
_SECONDS_OF_INTEREST = 60.0  # without a question the background search stops, until the next one
_BLOCK_WORK = 4e9  # multiply-adds of a block on a CPU, about a tenth of a second: others wait no longer
_LARGEST_BLOCK = 100
_ends = threading.Event()
_searching: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()


@atexit.register
def _end_searches() -> None:
    """Let every search finish its block: torch does not bear being cut off inside one."""
    _ends.set()
    for thread in list(_searching):
        thread.join()


@dataclass(frozen=True, eq=False)
class NearestNeighbours:
    """The training images nearest to one, as the network sees them.

    Args:
        indices: (k,) int64, which training images.
        distances: (k,) float32, cosine distance of the features.
        num_searched: training images compared with, drawn evenly from the classes.
        num_wanted: as many will be compared with when the background search is through.
    """

    indices: Tensor
    distances: Tensor
    num_searched: int
    num_wanted: int


def find_nearest_neighbours(opened: OpenedRun, image: Tensor, k: int = 8) -> NearestNeighbours:
    """Return the k training images nearest to an image by what the network's last layer is given.

    Features of training images are computed for half a second, then the question is answered with those there
    are; the others follow in the background, so that the same question later searches more of them.

    Raises:
        LoupeError: the network has no head, or the training images are missing.
    """
    search = _find_search(opened)
    with opened.asking():
        own = next(iter(compute_features(opened.model, make_batches(opened, image[None]), search.head)))
    search.widen(_SECONDS_TO_ANSWER)
    search.widen_in_background()
    features = search.features
    found = find_neighbours(own, features, k)
    num_searched = sum(map(len, features))
    return NearestNeighbours(
        search.order[found.indices[0]], found.distances[0], num_searched, len(search.order)
    )


@lru_cache(maxsize=4)
def _find_search(opened: OpenedRun) -> "_Search":
    return _Search(opened)


class _Search:
    """The features of a run's training images, as many as there are so far.

    Args:
        opened: the run.
    """

    def __init__(self, opened: OpenedRun) -> None:
        train = opened.splits.train
        generator = Streams(opened.recipe.split_seed).generator("kin")  # this name decides which are drawn
        self.head = find_head(opened)
        self.order = stratified_order(train.labels, generator)[:_MOST_SEARCHED]  # every prefix is stratified
        self._opened = opened
        self._blocks: list[Tensor] = []
        self._num_done = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = time.monotonic()

    @property
    def features(self) -> list[Tensor]:
        """Blocks of (some, features) float32, in the order of `order`."""
        with self._lock:
            return list(self._blocks)

    def widen(self, seconds: float) -> None:
        """Compute further features for so long, one block at least."""
        self._asked = time.monotonic()
        while self._compute_block() and time.monotonic() < self._asked + seconds:
            pass

    def widen_in_background(self) -> None:
        """Compute the other features while somebody is interested in them."""
        with self._lock:
            is_done = self._num_done >= len(self.order)
            if is_done or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._search_on, daemon=True, name="nearest-neighbours")
            _searching.add(self._thread)
            self._thread.start()

    def _search_on(self) -> None:
        while not _ends.is_set() and time.monotonic() - self._asked < _SECONDS_OF_INTEREST:
            if not self._compute_block():
                return
            time.sleep(0.01)  # whoever waits for the network has it now

    def _compute_block(self) -> bool:
        """Compute the features of a few more images, and return whether there were any left."""
        opened = self._opened
        with opened.asking():  # one block at a time, and others in between
            some = self.order[self._num_done :][: _choose_block(opened)]
            if not len(some):
                return False
            images = make_batches(opened, opened.splits.train.images[some])
            blocks = list(compute_features(opened.model, images, self.head))
            with self._lock:
                self._blocks += blocks
                self._num_done += len(some)
        return True


def _choose_block(opened: OpenedRun) -> int:
    if opened.device.type != "cpu":
        return _LARGEST_BLOCK
    return max(1, min(_LARGEST_BLOCK, int(_BLOCK_WORK / max(1, opened.layers.multiply_adds))))


def find_head(opened: OpenedRun) -> str:
    """Return the last layer with parameters; of what gives images back, the first layer of the decoder.

    Raises:
        LoupeError: no layer has parameters.
    """
    names = [row.name for row in opened.layers.rows if row.parameters]
    decoding = [name for name in names if name.startswith("decoder.")]
    chosen = decoding[0] if opened.classifier is None and decoding else opened.layers.head
    if not chosen:
        raise LoupeError(
            "This network has no layer to take features from.", next_step="look at a network that learns"
        )
    return chosen


def make_batches(opened: OpenedRun, images: Tensor) -> EvaluationBatches:
    """Return (images, channels, height, width) uint8 as the network takes them."""
    labels = torch.zeros(len(images), dtype=torch.int64)
    some = ImageDataset(images, labels, opened.class_names, "some images").to(opened.device)
    return EvaluationBatches(some, opened.normalization, batch_size=100)
