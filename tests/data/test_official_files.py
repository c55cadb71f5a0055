"""Finding, downloading and refusing files: real files over a real (local) web server."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from loupe.data.official_files import OfficialFile, OfficialSet, locate
from loupe.data.sources.cifar10 import CIFAR10
from loupe.data.sources.fashion_mnist import FASHION_MNIST
from loupe.errors import DataFileError

CONTENTS = {"one.bin": b"first file" * 100, "two.bin": b"second file" * 100}


class QuietServer(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address that serves it."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(QuietServer, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LOUPE_DATA", raising=False)
    return tmp_path / "cache" / "loupe" / "data" / "toys"


def describe(base_url: str = "http://127.0.0.1:9/", archive: bytes | None = None) -> OfficialSet:
    files = tuple(
        OfficialFile(name, f"sha256:{hashlib.sha256(data).hexdigest()}") for name, data in CONTENTS.items()
    )
    packed = OfficialFile("toys.tar.gz", f"md5:{hashlib.md5(archive).hexdigest()}") if archive else None
    return OfficialSet("Toys", "toys", files, "https://toys.example/", base_url, packed)


def write_contents(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, data in CONTENTS.items():
        (folder / name).write_bytes(data)


def pack_contents(names: tuple[str, ...] = tuple(CONTENTS)) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(f"toys/{name}")
            member.size = len(CONTENTS[name])
            tar.addfile(member, io.BytesIO(CONTENTS[name]))
    return buffer.getvalue()


def test_files_in_loupe_data_come_first(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_contents(tmp_path / "mine" / "toys")
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "mine"))
    paths = locate(describe())
    assert paths["two.bin"] == tmp_path / "mine" / "toys" / "two.bin"
    assert not cache.exists()


def test_files_in_the_cache_are_found_when_loupe_data_has_none(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_contents(cache)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "empty"))
    assert locate(describe())["one.bin"] == cache / "one.bin"


def test_loupe_data_may_be_the_datasets_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_contents(tmp_path / "mine")
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "mine"))
    assert locate(describe())["two.bin"] == tmp_path / "mine" / "two.bin"


def test_a_loupe_data_that_is_no_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataFileError) as caught:
        locate(describe())
    assert str(caught.value) == (
        f"LOUPE_DATA does not name a folder.\n  got: {tmp_path / 'nowhere'}\n"
        "  allowed: a folder that holds toys/\n  next: mend or unset the environment variable"
    )


def test_missing_files_are_downloaded_and_checked(site: tuple[Path, str], cache: Path) -> None:
    folder, address = site
    for name, data in CONTENTS.items():
        (folder / name).write_bytes(data)
    paths = locate(describe(address))
    assert {name: path.read_bytes() for name, path in paths.items()} == CONTENTS
    assert sorted(path.name for path in cache.iterdir()) == sorted(CONTENTS)


def test_an_archive_is_unpacked_by_name_and_thrown_away(site: tuple[Path, str], cache: Path) -> None:
    folder, address = site
    archive = pack_contents()
    (folder / "toys.tar.gz").write_bytes(archive)
    paths = locate(describe(address, archive))
    assert {name: path.read_bytes() for name, path in paths.items()} == CONTENTS
    assert sorted(path.name for path in cache.iterdir()) == sorted(CONTENTS)


def test_a_download_that_fails_at_first_is_tried_again(
    site: tuple[Path, str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = site
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    archive, asked = pack_contents(), []
    (folder / "toys.tar.gz").write_bytes(b"cut short")

    def mend(self: QuietServer) -> None:
        asked.append(self.path)
        if len(asked) == 2:
            (folder / "toys.tar.gz").write_bytes(archive)
        http.server.SimpleHTTPRequestHandler.do_GET(self)

    monkeypatch.setattr(QuietServer, "do_GET", mend)
    assert locate(describe(address, archive))["one.bin"].read_bytes() == CONTENTS["one.bin"]
    assert len(asked) == 2


@pytest.mark.parametrize("served", [b"not an archive", pack_contents(("one.bin",)), None])
def test_a_wrong_or_missing_download_leaves_nothing_behind(
    site: tuple[Path, str], cache: Path, monkeypatch: pytest.MonkeyPatch, served: bytes | None
) -> None:
    folder, address = site
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    if served is not None:
        (folder / "toys.tar.gz").write_bytes(served)
    expected = served if served and served.startswith(b"\x1f\x8b") else pack_contents()
    with pytest.raises(DataFileError, match="Toys is not on this machine and could not be downloaded"):
        locate(describe(address, expected))
    arrived = {path.name: path.read_bytes() for path in cache.iterdir()} if cache.exists() else {}
    assert arrived.items() <= CONTENTS.items(), "what is left is whole"


def test_without_a_network_the_message_says_which_files_go_where(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(DataFileError) as caught:
        locate(describe())  # nobody listens at port 9
    assert str(caught.value) == (
        "Toys is not on this machine and could not be downloaded.\n  got: no connection to 127.0.0.1\n"
        "  allowed: the files one.bin, two.bin\n"
        f"  next: put them into {cache} (or into toys/ of the folder LOUPE_DATA names); "
        "they come from https://toys.example/"
    )
    assert not cache.exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: b""])
def test_a_truncated_or_tampered_file_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: object
) -> None:
    write_contents(tmp_path / "mine" / "toys")
    path = tmp_path / "mine" / "toys" / "two.bin"
    damaged: bytes = damage(CONTENTS["two.bin"])
    path.write_bytes(damaged)
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "mine"))
    with pytest.raises(DataFileError) as caught:
        locate(describe())
    digest = hashlib.sha256(CONTENTS["two.bin"]).hexdigest()
    assert str(caught.value) == (
        f"{path} is not the official file of Toys.\n"
        f"  got: {len(damaged)} bytes whose digest differs: truncated, changed, or another file\n"
        f"  allowed: the file with sha256:{digest}\n"
        "  next: put the official file in its place; it comes from https://toys.example/"
    )
    assert path.read_bytes() == damaged, "the user's file was touched"


def test_an_incomplete_loupe_data_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_contents(tmp_path / "mine" / "toys")
    (tmp_path / "mine" / "toys" / "one.bin").unlink()
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "mine"))
    with pytest.raises(DataFileError, match=r"Toys in .* is not complete\.\n  got: missing one\.bin"):
        locate(describe())


@pytest.mark.parametrize("official", [CIFAR10, FASHION_MNIST], ids=lambda official: official.title)
def test_the_official_sets_name_every_file_with_a_digest(official: OfficialSet) -> None:
    for file in (*official.files, *([official.archive] if official.archive else [])):
        algorithm, _, digest = file.digest.partition(":")
        assert len(bytes.fromhex(digest)) == hashlib.new(algorithm).digest_size
    assert official.base_url.endswith("/")
