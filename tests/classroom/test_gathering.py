"""What is handed in is found, however it is wrapped and called; what harms is passed over."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from loupe.classroom.gathering import gather

RUN = {"environment.json": b"{}", "recipe.toml": b"", "last/checkpoint.safetensors": b"x"}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def in_folder(folder: str, files: dict[str, bytes] = RUN) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "in").mkdir()
    (tmp_path / "work").mkdir()
    return tmp_path / "in", tmp_path / "work"


def test_runs_are_found_in_folders_and_zip_files_nested_in_any_way(places: tuple[Path, Path]) -> None:
    handed, work = places
    (handed / "plain.zip").write_bytes(zipped(in_folder("run-1")))
    (handed / "Übung – 3 (1)=A1.zip").write_bytes(zipped({"sub/me.zip": zipped(in_folder("ein lauf: ö"))}))
    (handed / "rootless.zip").write_bytes(zipped(RUN))
    (handed / "windows.zip").write_bytes(zipped({"run\\environment.json": b"{}"}))
    (handed / "moodle_4711_assignsubmission_file" / "deep" / "er").mkdir(parents=True)
    for name, content in RUN.items():
        file = handed / "moodle_4711_assignsubmission_file" / "deep" / "er" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    junk = in_folder("__MACOSX/run-2") | in_folder("run-2") | {"run-2/._recipe.toml": b"", ".DS_Store": b""}
    (handed / "mac.zip").write_bytes(zipped(junk))
    (handed / "notes.txt").write_text("not a submission")
    found = gather(handed, work)
    assert not found.passed
    assert [one.name for one in found.runs] == [
        *("mac", "moodle_4711_assignsubmission_file", "plain", "rootless", "windows", "Übung – 3 (1)=A1"),
    ]
    assert all((one.run / "environment.json").is_file() for one in found.runs)
    assert not (found.runs[0].run / "._recipe.toml").exists()
    assert (found.runs[2].run / "last" / "checkpoint.safetensors").read_bytes() == b"x"


def test_names_that_are_no_text_are_written_plainly(places: tuple[Path, Path]) -> None:
    handed, work = places
    (handed / os.fsdecode(b"bad\xff\x1b[31m.zip")).write_bytes(zipped(in_folder("run")))
    (found,) = gather(handed, work).runs
    found.name.encode()
    assert "\x1b" not in found.name


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped({"run/environment.json": b"{}", "run/../../../escaped": b"x"}), "a file called"),
        (b"PK\x03\x04 cut off", "cannot be read"),
        (zipped({"readme.txt": b"sorry"}), "holds no run"),
    ],
)
def test_what_cannot_be_read_is_said_and_harms_nothing(
    places: tuple[Path, Path], content: bytes, reason: str
) -> None:
    handed, work = places
    (handed / "bad.zip").write_bytes(content)
    (handed / "good.zip").write_bytes(zipped(in_folder("run")))
    found = gather(handed, work)
    assert [one.name for one in found.runs] == ["good"]
    assert [one.name for one in found.passed] == ["bad"]
    assert reason in found.passed[0].reason
    assert not list(handed.parent.rglob("escaped"))


def test_a_zip_bomb_is_not_unpacked(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    handed, work = places
    monkeypatch.setattr("loupe.classroom.gathering._MOST_BYTES", 10**6)
    (handed / "bomb.zip").write_bytes(zipped(in_folder("run") | {"run/huge": bytes(10**7)}))
    (passed,) = gather(handed, work).passed
    assert "more than a run can" in passed.reason
    assert sum(file.stat().st_size for file in work.rglob("*") if file.is_file()) < 10**6


def test_zip_files_in_zip_files_end_somewhere(places: tuple[Path, Path]) -> None:
    handed, work = places
    content = zipped(in_folder("run"))
    for _ in range(9):
        content = zipped({"more.zip": content})
    (handed / "matryoshka.zip").write_bytes(content)
    found = gather(handed, work)
    assert not found.runs
    assert "too deep" in found.passed[0].reason


def test_links_and_other_archives_are_said(places: tuple[Path, Path]) -> None:
    handed, work = places
    (handed / "link.zip").symlink_to("/etc/passwd")
    (handed / "old.tar.gz").write_bytes(b"x")
    reasons = {one.name: one.reason for one in gather(handed, work).passed}
    assert "it is a link" in reasons["link"]
    assert "has to be a zip file" in reasons["old.tar.gz"]
