"""Official data files: found on disk, or downloaded, and always checked before use.

A file is looked for in the folder named by the environment variable LOUPE_DATA, then in the user's
cache folder, and downloaded into the latter if it is in neither. Each file must have its published
digest; one that has not is refused by name and never read.
"""

import contextlib
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests

from loupe.errors import DataFileError


@dataclass(frozen=True)
class OfficialFile:
    """A published file: its name in the dataset's folder, and its digest as `algorithm:hex`."""

    name: str
    digest: str

    def is_intact(self, path: Path) -> bool:
        algorithm, _, expected = self.digest.partition(":")
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest() == expected


@dataclass(frozen=True)
class OfficialSet:
    """The files of one dataset.

    Args:
        title: the dataset's name for people.
        folder: the sub-folder of LOUPE_DATA and of the cache that holds the files.
        files: what is needed.
        page: where people read about the data.
        base_url: the address the files lie under; with `archive`, the address the archive lies under.
        archive: a .tar.gz that holds `folder/name` of every file, if files are not served one by one.
    """

    title: str
    folder: str
    files: tuple[OfficialFile, ...]
    page: str
    base_url: str
    archive: OfficialFile | None = None


def locate(official: OfficialSet) -> dict[str, Path]:
    """Return the path of every file of the set by name, downloading what is missing.

    Raises:
        DataFileError: a file is not the official one, or is missing and cannot be downloaded.
    """
    for folder in _find_folders(official):
        paths = {file.name: folder / file.name for file in official.files}
        present = [path for path in paths.values() if path.is_file()]
        if not present:
            continue
        _refuse_damaged(official, folder)
        if len(present) == len(paths):
            return paths
        if folder != _cache_folder() / official.folder:
            missing = [name for name, path in paths.items() if not path.is_file()]
            raise DataFileError(
                f"{official.title} in {folder} is not complete.",
                got=f"missing {', '.join(missing)}",
                allowed=", ".join(paths),
                next_step=f"put them there, or unset LOUPE_DATA to download; see {official.page}",
            )
    return _download(official, _cache_folder() / official.folder)


def _cache_folder() -> Path:
    return Path(pooch.os_cache("loupe")) / "data"


def _find_folders(official: OfficialSet) -> list[Path]:
    """Folders that may hold the set: below LOUPE_DATA, LOUPE_DATA itself, and the cache."""
    named = os.environ.get("LOUPE_DATA")
    if not named:
        return [_cache_folder() / official.folder]
    root = Path(named)
    if not root.is_dir():
        raise DataFileError(
            "LOUPE_DATA does not name a folder.",
            got=named,
            allowed=f"a folder that holds {official.folder}/",
            next_step="mend or unset the environment variable",
        )
    return [root / official.folder, root, _cache_folder() / official.folder]


def _refuse_damaged(official: OfficialSet, folder: Path) -> None:
    for file in official.files:
        path = folder / file.name
        if path.is_file() and not file.is_intact(path):
            raise DataFileError(
                f"{path} is not the official file of {official.title}.",
                got=f"{path.stat().st_size} bytes whose digest differs: truncated, changed, or another file",
                allowed=f"the file with {file.digest}",
                next_step=f"put the official file in its place; it comes from {official.page}",
            )


def _download(official: OfficialSet, folder: Path) -> dict[str, Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if official.archive is not None:
            _download_archive(official, official.archive, folder)
        else:
            for file in official.files:
                if not (folder / file.name).is_file():
                    _retrieve(official, file, folder)
    except Exception as error:  # whatever the network does, the user needs the same sentence
        with contextlib.suppress(OSError):
            folder.rmdir()  # only if nothing arrived
        if isinstance(error, DataFileError):
            raise
        raise DataFileError(
            f"{official.title} is not on this machine and could not be downloaded.",
            got=_describe_failure(error, official.base_url),
            allowed=f"the files {', '.join(file.name for file in official.files)}",
            next_step=f"put them into {folder} (or into {official.folder}/ of the folder LOUPE_DATA "
            f"names); they come from {official.page}",
        ) from None
    _refuse_damaged(official, folder)
    return {file.name: folder / file.name for file in official.files}


def _retrieve(official: OfficialSet, file: OfficialFile, folder: Path) -> Path:
    """Download one file; pooch writes to a temporary name, checks the digest, then renames."""
    downloads = pooch.create(
        path=folder,
        base_url=official.base_url,
        registry={file.name: file.digest},
        retry_if_failed=3,
    )
    is_watched = os.isatty(2)
    pooch.get_logger().setLevel("INFO" if is_watched else "ERROR")
    downloader = pooch.HTTPDownloader(progressbar=is_watched, timeout=30)
    return Path(downloads.fetch(file.name, downloader=downloader))


def _download_archive(official: OfficialSet, archive: OfficialFile, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as temporary:
        path = _retrieve(official, archive, Path(temporary))
        with tarfile.open(path) as tar:
            for file in official.files:
                member = tar.extractfile(f"{official.folder}/{file.name}")
                assert member is not None, f"{archive.name} has {file.name} as a folder"
                unpacked = Path(temporary) / file.name
                unpacked.write_bytes(member.read())
                unpacked.replace(folder / file.name)


def _describe_failure(error: Exception, base_url: str) -> str:
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return f"no connection to {urlsplit(base_url).hostname}"
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:160]}"


def read_files(paths: Sequence[Path]) -> bytes:
    """Return the contents of several files, one after the other."""
    return b"".join(path.read_bytes() for path in paths)
