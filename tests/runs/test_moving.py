from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loupe.runs.moving import pack_run, unpack_run

_FILES = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.binary(max_size=20))


def test_what_is_half_written_stays_behind(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "last").mkdir(parents=True)
    (folder / "last" / "checkpoint.safetensors").write_bytes(b"whole")
    (folder / "last" / ".checkpoint.safetensors.x.new").write_bytes(b"half")
    (folder / ".lock").touch()
    assert pack_run(folder) == {"last/checkpoint.safetensors": b"whole"}
    assert pack_run(tmp_path / "nowhere") == {}


@given(files=_FILES, before=_FILES)
def test_a_run_is_put_in_place_whole_and_alone(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], before: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("runs") / "run"
    unpack_run(before, folder)
    unpack_run({**files, "last/inner": b"1"}, folder)
    assert pack_run(folder) == {**files, "last/inner": b"1"}
    assert [path.name for path in folder.parent.iterdir()] == ["run"]
