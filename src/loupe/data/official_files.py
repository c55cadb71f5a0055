"""Official data files: found on disk, or downloaded, and always checked before use.

A set is looked for in the folder named by the environment variable LOUPE_DATA: in its own sub-folder, in
those other tools make (`MNIST/raw`), in the folder itself, then anywhere below by digest, packed or not and
whatever it is called; then in the user's cache folder. What is in none of them is downloaded into the latter.
Each file must have its published digest; one that has not is refused by name and never read.
"""

import contextlib
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from loupe.data.official_sets import OfficialFile as OfficialFile
from loupe.data.official_sets import OfficialSet as OfficialSet
from loupe.errors import DataFileError

_MOST_CANDIDATES = 64  # files whose digest is taken when a set is nowhere by name
_DEEPEST = 3  # sub-folders below LOUPE_DATA in which files are looked for by digest


def locate(official: OfficialSet) -> dict[str, Path]:
    """Return the path of every file of the set by name, downloading what is missing.

    Raises:
        DataFileError: a file is not the official one, or is missing and cannot be downloaded.
    """
    found = find_on_disk(official)
    missing = [file.name for file in official.files if file.name not in found]
    if not missing:
        return found
    cached = _cache_folder() / official.folder
    elsewhere = [path for path in found.values() if path.parent != cached]
    if elsewhere:
        raise DataFileError(
            f"{official.title} in {elsewhere[0].parent} is not complete.",
            got=f"missing {', '.join(missing)}",
            allowed=", ".join(file.name for file in official.files),
            next_step=f"put them there, or unset LOUPE_DATA to download; see {official.page}",
        )
    return _download(official, cached)


def find_on_disk(official: OfficialSet) -> dict[str, Path]:
    """Return the path of every file of the set that is on this machine, by name; nothing is downloaded.

    Raises:
        DataFileError: LOUPE_DATA names no folder, or a file in the set's place is not the official one.
    """
    root, cached = find_data_folder(official), _cache_folder() / official.folder
    found: dict[str, Path] = {}
    for folder in _list_own_folders(official, root):
        found = _find_in(official, folder) | found
    if root and len(found) < len(official.files) and not official.shares_names:
        found = _find_in(official, root) | found  # files of shared names are found there by digest only
    found = _find_in(official, cached) | found
    if root and len(found) < len(official.files):
        found = _find_by_digest(official, root, found) | found
    if root and not found:
        archive = _find_archive(official, root)
        if archive is not None:
            with contextlib.suppress(OSError):
                cached.mkdir(parents=True, exist_ok=True)
                _unpack(official, archive, cached)
                found = _find_in(official, cached)
    return found


def describe_unproven(official: OfficialSet, paths: dict[str, Path]) -> tuple[str, ...]:
    """Return a note on files that have no published digest in the form they lie on disk in."""
    unproven = [file.name for file in official.files if file.is_unproven(paths[file.name])]
    if not unproven:
        return ()
    lying = ", ".join(paths[name].name for name in unproven)
    return (
        f"{official.title}: {lying} checked by size and form only; "
        f"digests are published for the packed files ({official.page}).",
    )


def find_data_folder(official: OfficialSet) -> Path | None:
    """Return the folder LOUPE_DATA names; None if it names none.

    Raises:
        DataFileError: what it names is no folder.
    """
    named = os.environ.get("LOUPE_DATA")
    if not named:
        return None
    root = Path(named).expanduser()
    if not root.is_dir():
        raise DataFileError(
            "LOUPE_DATA does not name a folder.",
            got=named,
            allowed=f"a folder that holds {official.folder}/",
            next_step="mend or unset the environment variable",
        )
    return root


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("loupe") / "data"


def _list_own_folders(official: OfficialSet, root: Path | None) -> list[Path]:
    """Return the folders that other tools and people give this set alone."""
    places = [Path(name).expanduser() for name in (official.folder, *official.folders)]
    at_home = [place for place in places if place.is_absolute()]
    return [root / place for place in places if place not in at_home] + at_home if root else at_home


def _find_in(official: OfficialSet, folder: Path) -> dict[str, Path]:
    """Return the set's files that lie in a folder under one of their names.

    Raises:
        DataFileError: a file of such a name is not the official one.
    """
    found: dict[str, Path] = {}
    for file in official.files:
        for path in [folder / name for name in file.usual_names if (folder / name).is_file()]:
            if file.is_intact(path):
                found.setdefault(file.name, path)
            elif file.name not in found:
                raise _refuse_damaged(official, file, path)
    return found


def _refuse_damaged(official: OfficialSet, file: OfficialFile, path: Path) -> DataFileError:
    return DataFileError(
        f"{path} is not the official file of {official.title}.",
        got=f"{path.stat().st_size} bytes whose digest differs: truncated, changed, or another file",
        allowed=f"the file with {file.digest}",
        next_step=f"put the official file in its place; it comes from {official.page}",
    )


def _find_by_digest(official: OfficialSet, root: Path, found: dict[str, Path]) -> dict[str, Path]:
    """Return further files of the set below a folder, whatever they are called."""
    missing = [file for file in official.files if file.name not in found]
    more: dict[str, Path] = {}
    tried = 0
    for path in _walk(root):
        for file in missing:
            if file.name in more or not file.may_be(path):
                continue
            if tried >= _MOST_CANDIDATES:
                return more
            tried += 1
            with contextlib.suppress(OSError):
                if file.has_digest(path):
                    more[file.name] = path
                    break
    return more


def _walk(root: Path, depth: int = 0) -> Iterator[Path]:
    """Yield the files below a folder, those nearest to it first."""
    try:
        entries = sorted(root.iterdir())
    except OSError:
        return
    yield from (entry for entry in entries if entry.is_file())
    if depth < _DEEPEST:
        for entry in entries:
            if entry.is_dir() and not entry.is_symlink():
                yield from _walk(entry, depth + 1)


def _find_archive(official: OfficialSet, root: Path) -> Path | None:
    if official.archive is None:
        return None
    places = [root / official.archive.name, root / official.folder / official.archive.name]
    return next((path for path in places if path.is_file() and official.archive.has_digest(path)), None)


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
            got=_describe_failure(error, official.base_url) + _describe_pickled(official),
            allowed=f"the files {', '.join(file.name for file in official.files)}",
            next_step=f"put them into {folder} (or into {official.folder}/ of the folder LOUPE_DATA "
            f"names); they come from {official.page}",
        ) from None
    return _find_in(official, folder)


def _describe_pickled(official: OfficialSet) -> str:
    """Return what to say of a pickled version that lies in LOUPE_DATA; nothing if there is none."""
    root = find_data_folder(official)
    lying = next((name for name in official.pickled if root and (root / name).exists()), None)
    if lying is None:
        return ""
    form = official.archive.name if official.archive else official.folder
    return (
        f"; {lying} is there, but its files are pickles: reading one can run any program, so Loupe never "
        f"does; the same images as plain bytes are in {form}"
    )


def _retrieve(official: OfficialSet, file: OfficialFile, folder: Path) -> Path:
    """Download one file; pooch writes to a temporary name, checks the digest, then renames."""
    from loupe.data.quiet_pooch import pooch

    downloads = pooch.create(
        path=folder,
        base_url=official.base_url,
        registry={file.name: file.digest},
        urls={file.name: f"{official.base_url}{file.name}{official.query}"},
        retry_if_failed=3,
    )
    is_watched = os.isatty(2)
    pooch.get_logger().setLevel("INFO" if is_watched else "ERROR")
    downloader = pooch.HTTPDownloader(progressbar=is_watched, timeout=30)
    return Path(downloads.fetch(file.name, downloader=downloader))


def _download_archive(official: OfficialSet, archive: OfficialFile, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as temporary:
        _unpack(official, _retrieve(official, archive, Path(temporary)), folder)


def _unpack(official: OfficialSet, archive: Path, folder: Path) -> None:
    """Write the set's files out of its archive, each by a rename, so that what is there is whole."""
    members = {
        file.name: f"{official.member_folder or official.folder}/{file.name}" for file in official.files
    }
    with tempfile.TemporaryDirectory(dir=folder, prefix="unpack-") as temporary:
        for name, member in members.items():
            unpacked = Path(temporary) / name
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as zipped:
                    unpacked.write_bytes(zipped.read(member))
            else:
                with tarfile.open(archive) as tar:
                    held = tar.extractfile(member)
                    assert held is not None, f"{archive.name} has {name} as a folder"
                    unpacked.write_bytes(held.read())
            unpacked.replace(folder / name)


def _describe_failure(error: Exception, base_url: str) -> str:
    import requests

    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return f"no connection to {urlsplit(base_url).hostname}"
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:160]}"
