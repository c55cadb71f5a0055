"""What a published dataset consists of: its files by name and digest, and where they come from."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class OfficialFile:
    """A published file.

    Args:
        name: what it is called in the dataset's folder.
        digest: of the file as it is published, as `algorithm:hex`.
        unpacked: digest of what a packed file holds; empty if none is known.
        unpacked_size: bytes of what a packed file holds; None if it is not packed.
    """

    name: str
    digest: str
    unpacked: str = ""
    unpacked_size: int | None = None

    @property
    def usual_names(self) -> tuple[str, ...]:
        """What the file is called packed, unpacked, and unpacked by tools that put a dot before `idx`."""
        if self.unpacked_size is None:
            return (self.name,)
        plain = self.name.removesuffix(Path(self.name).suffix)
        dotted = plain.replace("-idx", ".idx")
        return tuple(dict.fromkeys((self.name, plain, dotted)))

    def is_intact(self, path: Path) -> bool:
        """Return whether a file is the official one, packed or not.

        Unpacked and without a digest of its own, it counts as that if its size is right.
        """
        return self.has_digest(path) or self.is_unproven(path)

    def has_digest(self, path: Path) -> bool:
        """Return whether a file has one of the digests."""
        stat = path.stat()
        return any(
            _take_digest(path, algorithm, stat.st_size, stat.st_mtime_ns) == expected
            for algorithm, _, expected in (one.partition(":") for one in (self.digest, self.unpacked) if one)
        )

    def is_unproven(self, path: Path) -> bool:
        """Return whether a file has the size of the unpacked one, for which no digest is known."""
        return not self.unpacked and path.stat().st_size == self.unpacked_size

    def may_be(self, path: Path) -> bool:
        """Return whether it is worth taking a file's digest: its ending or its size are this file's."""
        if path.suffix.casefold() == Path(self.name).suffix.casefold():
            return True
        return bool(self.unpacked) and path.stat().st_size == self.unpacked_size


@lru_cache(maxsize=4096)
def _take_digest(path: Path, algorithm: str, size: int, modified_ns: int) -> str:
    """Return a file's digest in hex, taken once as long as size and time stay the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@dataclass(frozen=True)
class OfficialSet:
    """The files of one dataset.

    Args:
        title: the dataset's name for people.
        folder: the sub-folder of LOUPE_DATA and of the cache that holds the files.
        files: what is needed.
        page: where people read about the data.
        base_url: the address the files lie under; with `archive`, the address the archive lies under.
        archive: a .tar.gz or .zip that holds the files, if they are not served one by one.
        folders: where other tools put the files: sub-folders of LOUPE_DATA, or folders below `~`.
        member_folder: the archive's folder that holds the files; `folder` if left out.
        pickled: files and folders that hold the set in a form that would have to be unpickled.
        query: what follows a file's name in its address.
        shares_names: whether files of another dataset have the same names.
    """

    title: str
    folder: str
    files: tuple[OfficialFile, ...]
    page: str
    base_url: str
    archive: OfficialFile | None = None
    folders: tuple[str, ...] = ()
    member_folder: str | None = None
    pickled: tuple[str, ...] = ()
    query: str = ""
    shares_names: bool = False
