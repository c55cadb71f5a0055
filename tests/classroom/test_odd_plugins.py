"""Trusted plugins that misbehave while their run is graded."""

import contextlib
import hashlib
import time
from pathlib import Path

import pytest

from loupe.classroom.limits import Limits
from loupe.plugins import trust_plugin

from .conftest import Lesson
from .test_grading import judge, reasons

PLUGIN = """
import subprocess, sys, threading, time
from pathlib import Path
import torch
from loupe import register_model

@register_model("{name}")
def build(*, in_channels, image_size, num_classes):
    "A linear network."
    {what}
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("threading.Thread(target=time.sleep, args=(1000,)).start()", ""),
        ("time.sleep(1000)", "took longer than"),
        ("raise KeyError('no such thing')", "its own code broke off: KeyError"),
        ("sys.exit(3)", "ended before it had answered"),
        (
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(999)', MARK]); time.sleep(999)",
            "longer",
        ),
    ],
    ids=["threads", "takes forever", "raises", "exits", "starts programs"],
)
def test_plugins_that_misbehave(
    lesson: Lesson, tmp_path: Path, what: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The plugin misbehaves once the run is graded; grading goes on, ends what it started, and says so."""
    name = "odd-" + hashlib.sha256(what.encode()).hexdigest()[:6]
    trace = tmp_path / "graded"
    what = f"if Path({str(trace)!r}).exists():\n        {what.replace('MARK', repr(str(trace)))}"
    (tmp_path / "odd.py").write_text(PLUGIN.format(name=name, what=what))
    trust_plugin(str(tmp_path / "odd.py"))
    run = lesson.train(
        name, f'run.plugins=["{tmp_path / "odd.py"}"]', f"model={name}", f"run.folder={tmp_path / 'runs'}"
    )
    trace.touch()
    began = time.monotonic()
    entry = judge(
        lesson, run, tmp_path / "work", Limits(seconds=10 if "longer" in told else 20), plugins="trusted"
    )
    assert time.monotonic() - began < 60
    assert told in reasons(entry)
    assert entry.is_refused == bool(told)
    assert "Traceback" not in capfd.readouterr().err
    assert not list_started(str(trace))


def list_started(mark: str) -> set[str]:
    """Return the processes of this machine that were started with a mark of this test's own."""
    if not Path("/proc/self/cmdline").exists():
        return set()
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark.encode() in place.read_bytes():
                found.add(place.parent.name)
    return found
