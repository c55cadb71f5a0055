"""Everything that waits for a GPU, in one command: by worth, each step in a time box, JSON after every step.

usage: python bench/on_gpu.py [--minutes 12] [--out FOLDER] [--airbench airbench94_muon.py] [--only STEP,…]

Needs torch ≥ 2.11, the official CIFAR-10 files (LOUPE_DATA) and no network. Loupe need not be installed: it
runs from a checkout. Packages that are missing can be put beside it as wheels: `--wheels FOLDER` installs
them into a folder of the run first (`--list-packages` says which are missing here).

A step is a process of its own: it may fail, hang or use up its time, and the next one starts all the same.
What a step leaves unused goes to those after it. FOLDER/results.json is written after every step; FOLDER/logs
holds what each step printed. A training that runs out of time is interrupted as by Ctrl-C and is told as what
it is: so many epochs. `--tiny --device cpu` carries the whole script out with small settings, to try it.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STEPS = Path(__file__).resolve().parent / "on_gpu_steps.py"
GRACE_SECONDS = 20  # at most, between Ctrl-C and the end: a training evaluates its best weights


@dataclass(frozen=True)
class Step:
    """Something to be carried out.

    Args:
        name: of the step.
        minutes: its share of twelve.
        arguments: for `on_gpu_steps.py`; a list that begins with "pytest" or "loupe" runs that instead.
        about: what it is worth.
    """

    name: str
    minutes: float
    arguments: tuple[str, ...]
    about: str


PLAN = (
    Step("gpu-tests", 0.6, ("pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"), "tests marked gpu"),
    Step("fast-cifar10", 2.4, ("against",), "fast-cifar10 in turn with airbench94_muon's own code"),
    Step("002", 1.2, ("train", "resnet18-cifar10", "0", "1", "2"), "ResNet-18, three seeds"),
    Step("003", 2.6, ("train", "six-block-cifar10", "0"), "six-block CNN, 150 epochs"),
    Step("000", 1.5, ("train", "expert-cifar10", "0"), "expert net, 35 epochs"),
    Step("001", 1.0, ("train", "expert-cifar10-long", "0"), "expert net, 240 epochs as far as it gets"),
    Step("fast-cifar10-95", 0.6, ("train", "fast-cifar10-95", "0", "1"), "95 %"),
    Step("fast-cifar10-96", 0.7, ("train", "fast-cifar10-96", "0"), "96 %"),
    Step("bench", 0.7, ("bench",), "speed of the stages of each recipe"),
    Step("together", 0.3, ("together",), "eight seeds as one batched network"),
    Step("exports", 0.4, ("exports",), "the network as files of two formats"),
)
"""In the order of their worth."""

NEEDED = {
    "pydantic": "pydantic",
    "pydantic-core": "pydantic_core",
    "annotated-types": "annotated_types",
    "typing-inspection": "typing_inspection",
    "cyclopts": "cyclopts",
    "docstring-parser": "docstring_parser",
    "rich-rst": "rich_rst",
    "docutils": "docutils",
    "rich": "rich",
    "safetensors": "safetensors",
    "pooch": "pooch",
    "platformdirs": "platformdirs",
    "tqdm": "tqdm",
    "tomli-w": "tomli_w",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
    "requests": "requests",
    "pillow": "PIL",
    "numpy": "numpy",
    "mpmath": "mpmath",
    "scipy": "scipy",
    "optuna": "optuna",
    "alembic": "alembic",
    "sqlalchemy": "sqlalchemy",
    "mako": "mako",
    "colorlog": "colorlog",
    "pytest": "pytest",
    "hypothesis": "hypothesis",
    "onnx": "onnx",
    "onnxscript": "onnxscript",
    "onnxruntime": "onnxruntime",
    "captum": "captum",
}
"""What the steps import, by the name a registry knows it by."""


@dataclass
class Outcome:
    """What became of a step.

    Args:
        step: its name.
        state: "done", "failed" or "out of time".
        seconds: it took.
        allowed_seconds: its time box.
        results: what it found, as it wrote it; partial where it did not come to its end.
        reason: the end of what it printed, if it failed.
    """

    step: str
    state: str
    seconds: float
    allowed_seconds: float
    results: list[dict[str, Any]] = field(default_factory=list)
    reason: str = ""


def list_missing() -> list[str]:
    """Return the names of the packages that cannot be imported here."""
    return [name for name, module in NEEDED.items() if importlib.util.find_spec(module) is None]


def install_wheels(wheels: Path, site: Path) -> None:
    """Install a folder of wheels, without a registry, into a folder of the run."""
    files = sorted(map(str, wheels.glob("*.whl")))
    if not files:
        sys.exit(f"no wheels in {wheels}; got: {len(list(wheels.iterdir()))} other files")
    call = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(site)]
    subprocess.run([*call, *files], check=True)


def make_environment(out: Path, arguments: argparse.Namespace) -> dict[str, str]:
    """Return the environment of a step: the checkout and the installed wheels can be imported."""
    paths = [str(ROOT / "src"), str(out / "site"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "LOUPE_GPU_DEVICE": arguments.device,
        "LOUPE_GPU_TINY": "1" if arguments.tiny else "",
        "LOUPE_GPU_AIRBENCH": str(arguments.airbench.resolve()) if arguments.airbench else "",
    }


def make_call(step: Step, out: Path) -> list[str]:
    """Return the command line of a step."""
    if step.arguments[0] == "pytest":
        return [sys.executable, "-m", *step.arguments, str(ROOT / "tests")]
    return [sys.executable, str(STEPS), str(out / f"{step.name}.jsonl"), *step.arguments]


def carry_out(step: Step, seconds: float, out: Path, environment: dict[str, str]) -> Outcome:
    """Carry out a step in a process of its own, for no longer than it may take."""
    log = out / "logs" / f"{step.name}.txt"
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            make_call(step, out), stdout=file, stderr=file, cwd=ROOT, env=environment, start_new_session=True
        )
        is_over = False
        grace = min(GRACE_SECONDS, seconds / 4)
        for sign, wait in ((None, seconds - grace), (signal.SIGINT, grace)):
            if sign is not None:
                os.killpg(process.pid, sign)
                is_over = True
            try:
                process.wait(wait)
                break
            except subprocess.TimeoutExpired:
                continue
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    took = time.monotonic() - started
    state = "out of time" if is_over else "done" if process.returncode == 0 else "failed"
    text = log.read_text(encoding="utf-8", errors="replace")
    results = read_lines(out / f"{step.name}.jsonl")
    if step.arguments[0] == "pytest":
        results = [{"pytest": line} for line in text.splitlines() if re.search(r"\d+ (passed|failed)", line)]
    reason = "" if state == "done" else text[-1500:]
    return Outcome(step.name, state, round(took, 1), round(seconds, 1), results, reason)


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return the results a step has written so far, one JSON object a line."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def describe_machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    try:
        query = "--query-gpu=name,driver_version,memory.total,power.limit"
        call = ["nvidia-smi", query, "--format=csv,noheader"]
        card = subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        card = "no nvidia-smi"
    return {
        "card": card,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "torch": importlib.metadata.version("torch"),
        "missing_packages": list_missing(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def show(outcome: Outcome) -> str:
    """Return a step's outcome in a line or a few."""
    lines = [f"{outcome.step}: {outcome.state}, {outcome.seconds:.0f} of {outcome.allowed_seconds:.0f} s"]
    lines += [f"  {json.dumps(one)[:220]}" for one in outcome.results[-4:]]
    if outcome.state == "failed":
        lines.append(f"  {outcome.reason.strip()[-300:]}")
    return "\n".join(lines)


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=12.0, help="for everything")
    parser.add_argument("--out", type=Path, default=Path("on-gpu"), help="folder for results and logs")
    parser.add_argument("--airbench", type=Path, help="airbench94_muon.py, not part of this repository")
    parser.add_argument("--wheels", type=Path, help="folder of wheels to install first")
    parser.add_argument("--only", default="", help="steps, separated by commas")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small settings, to try the script itself")
    parser.add_argument("--list-packages", action="store_true", help="say what is missing here, and stop")
    return parser.parse_args(words)


def main() -> int:
    arguments = read_arguments()
    if arguments.list_packages:
        print("missing here:", ", ".join(list_missing()) or "nothing")
        return 0
    wanted = [name for name in arguments.only.split(",") if name]
    unknown = set(wanted) - {step.name for step in PLAN}
    if unknown:
        sys.exit(f"no step {', '.join(sorted(unknown))}; steps: {', '.join(step.name for step in PLAN)}")
    plan = [step for step in PLAN if not wanted or step.name in wanted]
    deadline = time.monotonic() + 60 * arguments.minutes
    out = arguments.out.resolve()
    (out / "logs").mkdir(parents=True, exist_ok=True)
    if arguments.wheels:
        install_wheels(arguments.wheels, out / "site")
    environment = make_environment(out, arguments)
    results: dict[str, Any] = {"machine": describe_machine(), "steps": []}
    for index, step in enumerate(plan):
        left = deadline - time.monotonic()
        if left < 5:
            results["steps"].append(asdict(Outcome(step.name, "not begun", 0.0, 0.0)))
            continue
        seconds = left * step.minutes / sum(one.minutes for one in plan[index:])
        outcome = carry_out(step, seconds, out, environment)
        results["steps"].append(asdict(outcome))
        beside = out / "results.json.part"
        beside.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        beside.replace(out / "results.json")
        print(show(outcome), flush=True)
    states = [step["state"] for step in results["steps"]]
    print(f"{states.count('done')} of {len(states)} steps done: {out / 'results.json'}")
    return 0 if "failed" not in states else 1


if __name__ == "__main__":
    sys.exit(main())
