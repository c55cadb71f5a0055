"""What a run's record says of the images one asks its network about; looks at its test images are counted."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal

from torch import Tensor

from loupe.data.identity import digest_images, digest_picture, to_keys
from loupe.data.image_files import decode_image
from loupe.running.leakage import load_record
from loupe.runs import RunFolder
from loupe.runs.images import ImageRecord, Side
from loupe.runs.looks import log_look

Role = Literal["train", "validation", "test", "before", "unseen"]
"""What an image was to a network: trained it, selected it, its locked test image, trained or selected the
weights it started from, or none of these."""


class OwnImages:
    """The images of a run, found again by what they are.

    Args:
        run: the run.
        data: where its images lie now; read only if the run keeps no record of them.
    """

    def __init__(self, run: RunFolder, data: str | Path | None = None) -> None:
        self._run = run
        self._data = data
        self._shown: set[bytes] = set()
        self._reason: str | None = None
        self._is_counted = False

    @cached_property
    def record(self) -> ImageRecord | None:
        """Its record; None of a run of an earlier version, of whose images nothing is known.

        Raises:
            LoupeError: of such a run it was said where its images are, and they are others.
        """
        record = self._run.read_images()
        return load_record(self._run, self._data) if record is None and self._data is not None else record

    @cached_property
    def _roles(self) -> dict[bytes, Side]:
        return self.record.sides() if self.record is not None else {}

    @cached_property
    def _before(self) -> set[bytes]:
        return self.record.trained() | self.record.selected() if self.record is not None else set()

    @property
    def num_looks(self) -> int | None:
        """Looks at the test set on the run's record."""
        return self._run.count_openings()

    def find_role(self, keys: Iterable[bytes]) -> Role | None:
        """Return what an image was to the network, by any of its digests; None where nobody knows."""
        if self.record is None:
            return None
        keys = tuple(keys)
        for key in keys:
            if key in self._roles:
                return self._roles[key]
        return "before" if any(key in self._before for key in keys) else "unseen"

    def list_keys(self, image: Tensor, file: str | Path | BinaryIO | None = None) -> tuple[bytes, ...]:
        """Return the digests of an image: as a network sees it, and as its file holds it if that may differ.

        Args:
            image: (channels, height, width) uint8.
            file: it came from.
        """
        keys = to_keys(digest_images(image[None]))
        if file is not None and self.record is not None and self.record.train.origins is not None:
            bits = self._run.read_recipe().data.settings.get("bit_range")
            keys.append(digest_picture(decode_image(file, bits if isinstance(bits, int) else None)))
        return tuple(keys)

    def note(self, keys: Sequence[bytes]) -> None:
        """Count a look if own test images are among those that the network is about to be asked about."""
        if self._is_counted or not any(self._roles.get(key) == "test" for key in keys):
            return
        log_look(self._run, self._reason or "the network was asked about own test images")
        self._is_counted = self._reason is not None

    def note_once(self, keys: Sequence[bytes]) -> None:
        """Count a look at an own test image the first time that it comes; what is asked of it then is one."""
        if not self._shown.intersection(keys):
            self.note(keys)
            self._shown.update(keys)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count nothing inside the block: the images were noted before."""
        before, self._is_counted = self._is_counted, True
        try:
            yield
        finally:
            self._is_counted = before

    @contextmanager
    def one_look(self, reason: str) -> Iterator[None]:
        """Count what is asked inside the block as one look at most."""
        before = self._reason, self._is_counted
        self._reason, self._is_counted = reason, False
        try:
            yield
        finally:
            self._reason, self._is_counted = before
