"""The test set behind one door.

Whatever selects (epochs, settings, models) is handed training and validation images only. The test
images come out of `LockedTest.open` alone; each opening needs a reason, is counted, and is logged
before the images are handed over, in the ledger of this machine too.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from torch import Tensor

from loupe.data.dataset import ImageDataset
from loupe.data.identity import ImageTable, digest_content
from loupe.data.ledger import note_look
from loupe.data.near_duplicates import DuplicatePair, find_copies, find_duplicates
from loupe.data.opening import Opening
from loupe.errors import TestSetLockedError


class _Record:
    """The looks taken at one test set, shared by all views of it; a run's own are its parent's too."""

    def __init__(self, parent: "_Record | None" = None) -> None:
        self.openings: list[Opening] = []
        self.on_open: Callable[[Opening], None] | None = None
        self.parent = parent
        self.run = self.recipe = ""

    def add(self, opening: Opening) -> None:
        self.openings.append(opening)
        if self.parent is not None:
            self.parent.add(opening)


class LockedTest:
    """A test set that counts how often it is looked at.

    Views of it (some classes only) share one record, and it cannot be copied or pickled, so no look
    goes uncounted.

    Args:
        dataset: the test images.
    """

    def __init__(self, dataset: ImageDataset, _record: _Record | None = None) -> None:
        self.__dataset = dataset
        self.__record = _record or _Record()

    def open(self, reason: str) -> ImageDataset:
        """Return the test images and put the look on record, before they are handed over.

        Raises:
            TestSetLockedError: no reason was given.
        """
        if not isinstance(reason, str) or not reason.strip():
            raise TestSetLockedError(
                "The test set opens only for a reason.",
                got=repr(reason),
                allowed="a sentence that says what the look is for",
            )
        opening = Opening(reason.strip(), datetime.now(UTC).isoformat(timespec="seconds"))
        if self.__record.on_open is not None:
            self.__record.on_open(opening)
        note_look(
            digest_content(self.__dataset.table.identities),
            reason=opening.reason,
            at=opening.at,
            recipe=self.__record.recipe,
            run=self.__record.run,
        )
        self.__record.add(opening)
        return self.__dataset

    @property
    def openings(self) -> tuple[Opening, ...]:
        """Every look so far, oldest first."""
        return tuple(self.__record.openings)

    def continue_record(
        self,
        openings: Sequence[Opening],
        on_open: Callable[[Opening], None],
        *,
        run: str = "",
        recipe: str = "",
    ) -> None:
        """Go on with the record of a run: its earlier looks, and where to log further ones.

        Looks that were taken already stay on record, whatever is handed in.

        Args:
            openings: earlier looks of the run.
            on_open: told of each further one before images are handed over.
            run: folder of the run, for the ledger of this machine.
            recipe: what tells its recipe from others there.
        """
        self.__record.run, self.__record.recipe = run, recipe
        since = [opening for opening in self.__record.openings if opening not in openings]
        self.__record.openings = [*openings, *since]
        self.__record.on_open = on_open

    def for_run(self) -> "LockedTest":
        """Return the same test set with a record of its own: looks of one run are not those of another.

        What is opened there counts here too.
        """
        return LockedTest(self.__dataset, _Record(self.__record))

    # What may be known without a look: how many images, of which classes, and which by their digests.

    def __len__(self) -> int:
        return len(self.__dataset)

    def class_counts(self) -> list[int]:
        """Return the number of test images of each class."""
        return self.__dataset.class_counts()

    @property
    def digest(self) -> str:
        """SHA-256 of the test images and labels."""
        return self.__dataset.digest

    @property
    def table(self) -> ImageTable:
        """Which images these are."""
        return self.__dataset.table

    def find_copies(self, images: ImageDataset) -> list[DuplicatePair]:
        """Return which of some images are copies of test images, to the bit or nearly; no look.

        Pixels are compared here, and only places, digests and how near two images are is handed out: no test
        image, label or answer. `first` is one of the images, `second` a test image.
        """
        own = self.__dataset
        return find_copies(images.images, images.table.identities, own.images, own.table.identities)

    def find_repeats(self) -> list[DuplicatePair]:
        """Return which test images repeat an earlier one, to the bit or nearly; no look, as `find_copies`."""
        own = self.__dataset
        return find_duplicates(own.images, own.table.identities)

    def keep_images(self, indices: Tensor) -> "LockedTest":
        """Return a locked test set with only the images at `indices` ((count,) int64)."""
        return LockedTest(self.__dataset.select(indices), self.__record)

    def keep_classes(self, classes: Sequence[str | int]) -> "LockedTest":
        """Return a locked test set with only these classes, relabelled in the order given."""
        return LockedTest(self.__dataset.keep_classes(classes), self.__record)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TestSetLockedError(
            "The test set cannot be copied: looks at the copy would go uncounted.",
            got="a copy or a pickle of it",
            allowed="handing on the object itself",
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise TestSetLockedError(
            f"The test set is locked: {name!r} cannot be read from it.",
            got=f"test.{name}",
            allowed='test.open(reason="…"), which is counted and logged',
            next_step="select on validation; open the test set once, at the end",
        )

    def __iter__(self) -> Any:
        return self.__getattr__("iter")

    def __getitem__(self, index: object) -> Any:
        return self.__getattr__("getitem")
