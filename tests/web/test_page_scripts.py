"""What the page's scripts compute: their own tests (tests/page, node's test runner), as one test here."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE, PARTS = shutil.which("node"), ROOT / "node_modules" / "happy-dom"


@pytest.mark.thorough
@pytest.mark.skipif(NODE is None, reason="there is no node: scripts of the page are not tested")
@pytest.mark.skipif(not PARTS.is_dir(), reason="node_modules is not there: npm ci (make test does it)")
def test_the_scripts_of_the_page_compute_what_they_say() -> None:
    files = sorted(str(file) for file in (ROOT / "tests" / "page").glob("*.test.js"))
    assert files
    done = subprocess.run(
        [str(NODE), "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# pass" in done.stdout or "pass " in done.stdout
