"""A run as one archive that opens elsewhere: its files, its plugins, and the pixels that Inside needs."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from loupe.data import ImageDataset
from loupe.errors import RunError
from loupe.plugins import expand_path
from loupe.runs.evidence import is_unaltered, read_digests
from loupe.runs.finding import is_run_folder
from loupe.runs.folder import RunFolder
from loupe.runs.locking import LOCK_NAME
from loupe.runs.moving import pack_run, unpack_run
from loupe.runs.reading import is_plain, reading
from loupe.runs.writing import replacing

_DATE = (1980, 1, 1, 0, 0, 0)  # the same run makes the same archive
_MOST_FILES, _MOST_BYTES = 10_000, 16 * 2**30


def pack(run: RunFolder, out: Path, images: Mapping[str, ImageDataset] | None = None) -> None:
    """Write a run as a zip file: one folder, with its plugins inside.

    Args:
        run: the run.
        out: the file; one that is there is replaced.
        images: training and validation images to go with it; test images never do.

    Raises:
        RunError: a file of the run is not what it was when the run ended.
    """
    _refuse_altered(run)
    files = dict(pack_run(run.path))
    for plugin in run.read_recipe().run.plugins:
        place = expand_path(plugin)
        if place.is_file():
            files[f"plugins/{place.name}"] = place.read_bytes()
    if images:
        arrays = {f"{side}_images": part.pixels.numpy() for side, part in images.items()}
        labels = {f"{side}_labels": part.labels.numpy() for side, part in images.items()}
        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **arrays, **labels)
        files[run.pixels_file.name] = content.getvalue()
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content_of in sorted(files.items()):
            info = zipfile.ZipInfo(f"{run.path.name}/{name}", _DATE)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content_of, zipfile.ZIP_DEFLATED)


def _refuse_altered(run: RunFolder) -> None:
    for name, recorded in (read_digests(run.path) or {}).items():
        file = run.path / name
        with reading(file):
            if is_unaltered(file, recorded):
                continue
        raise RunError(
            f"{file} was altered or damaged after the run ended: it is not packed.",
            got="another content than digests.json records",
            allowed="a run as it ended",
            next_step=f"bring the old file back; `loupe verify {run.path}` checks every file",
        )


def unpack(archive: Path, parent: Path) -> Path:
    """Put a packed run into a folder of runs, and return its folder.

    Raises:
        RunError: it is no packed run, it is damaged, or a run of that name is there.
    """
    if not is_plain(archive):
        raise RunError(
            f"There is no archive {archive}.",
            got="nothing there" if not archive.exists() else "no regular file",
            allowed="a file that `loupe pack` made",
            next_step="mend the path",
        )
    with reading(archive, "pack the run again"), zipfile.ZipFile(archive) as members:
        infos = [info for info in members.infolist() if not info.is_dir()]
        if len(infos) > _MOST_FILES or sum(info.file_size for info in infos) > _MOST_BYTES:
            raise ValueError("more than a run holds")
        files = {}
        for info in infos:
            path = PurePosixPath(info.filename)
            is_odd = path.is_absolute() or "\\" in info.filename or len(path.parts) not in (2, 3)
            if is_odd or any(part in ("..", ".", LOCK_NAME) or ":" in part for part in path.parts):
                raise ValueError(f"a file {info.filename[:80]!r}")
            files[path] = members.read(info)
        names = {path.parts[0] for path in files}
        if len(names) != 1:
            raise ValueError("not one folder")
    (name,) = names
    target = parent / name
    if target.exists() or target.is_symlink():
        raise RunError(
            f"There is a run {name} in {parent}.",
            got=str(target),
            allowed="a folder of runs without one of that name",
            next_step="unpack it into another folder, or rename that one",
        )
    unpack_run(
        {PurePosixPath(*path.parts[1:]).as_posix(): content for path, content in files.items()}, target
    )
    if not is_run_folder(target):
        raise RunError(
            f"{archive} holds no run.",
            got=f"a folder {name} without environment.json",
            allowed="an archive that `loupe pack` made",
            next_step=f"look at what it unpacked to: {target}",
        )
    return target
