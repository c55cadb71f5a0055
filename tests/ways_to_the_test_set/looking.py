"""What a run and the ledger say of looks at test images, and where these lie."""

import shutil
from pathlib import Path

from loupe.data.ledger import count_looks
from loupe.runs import RunFolder
from loupe.runs.evidence import read_digests
from loupe.runs.looks import read_test_content
from loupe.using.verify_run import verify


def list_test_files(run: RunFolder) -> list[Path]:
    root = Path(str(run.read_recipe().data.settings["path"]))
    record = run.read_images()
    assert record is not None
    assert record.test.paths is not None
    return [root / path for path in record.test.paths]


def list_validation_files(run: RunFolder) -> list[Path]:
    root, record = Path(str(run.read_recipe().data.settings["path"])), run.read_images()
    assert record is not None
    assert record.validation.paths is not None
    return [root / path for path in record.validation.paths]


def count_ledger(run: RunFolder) -> int:
    looks = count_looks(str(read_test_content(run)))
    return looks.runs.get(str(run.path.resolve()), 0) if looks is not None else 0


def assert_looks(run: RunFolder, more: int) -> None:
    """Check that a run has so many looks on record beyond its first, each in the ledger with its recipe."""
    assert run.count_openings() == 1 + more
    assert count_ledger(run) == more, "the first one was taken before this test's ledger began"
    result = run.read_result()
    assert result is not None
    assert len(result.test_openings) == 1 + more
    assert read_digests(run.path) is not None
    (found,) = verify(run.path)
    looks = {one.check: one for one in found.findings}["looks"]
    assert looks.found.startswith(("2 looks", "3 looks") if more else "1 look")


def put_into_classes(files: list[Path], place: Path) -> Path:
    for file in files:
        (place / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place / file.parent.name / f"renamed-{file.name}")
    return place
