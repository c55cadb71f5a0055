"""Every rule finds its mistake at the right line, and nothing else; sound code is left in peace."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loupe.linting import RULES, lint_file

HERE = Path(__file__).parent
WRONG = sorted((HERE / "wrong").glob("*.py"))
SOUND = sorted((HERE / "sound").glob("*.py"))
CODE_RULES = [name for name in RULES if RULES.facts(name)["reads"] == "scripts and notebooks"]


def read_expected(file: Path) -> set[tuple[int, str]]:
    """Return line and rule of every `# expect: rule, rule` in a file."""
    return {
        (number, rule.strip())
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (found := re.search(r"# expect: (.+)$", line))
        for rule in found[1].split(",")
    }


@pytest.mark.parametrize("file", WRONG, ids=lambda file: file.stem)
def test_mistakes_are_found_at_their_lines_and_no_others(file: Path) -> None:
    assert {(one.line, one.rule) for one in lint_file(file)} == read_expected(file)


def test_every_rule_of_code_has_its_re_creation() -> None:
    shown = {rule for file in WRONG for _, rule in read_expected(file)}
    assert shown == set(CODE_RULES)


@pytest.mark.parametrize("file", SOUND, ids=lambda file: file.stem)
def test_sound_scripts_have_no_finding(file: Path) -> None:
    assert [f"{one.place} {one.rule}" for one in lint_file(file)] == []


def test_there_are_ten_sound_scripts_about_networks() -> None:
    assert len(SOUND) == 10
    assert all("torch" in file.read_text(encoding="utf-8") for file in SOUND)


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("copy.deepcopy(model.state_dict())", "model.state_dict()", "best-by-reference"),
        (
            'test_set = datasets.CIFAR10("data", train=False, transform=eval_transform)',
            'test_set = datasets.CIFAR10("data", train=False, transform=train_transform)',
            "augmented-evaluation",
        ),
        ("evaluate(model, val_loader, device)", "evaluate(model, test_loader, device)", "picked-on-test"),
        ("    model.eval()\n", "", "no-eval-mode"),
        ("@torch.no_grad()\n", "", "no-gradient-off"),
        ("        optimizer.zero_grad(set_to_none=True)\n", "", "no-zero-grad"),
        ("loss.item() * images.size(0)", "loss.item()", "loss-shrinks-with-batches"),
        ("    out = F.relu(out)\n        return out", "    return out", ""),
        ("(0.2470, 0.2435, 0.2616)", "(0.2023, 0.1994, 0.2010)", "wrong-std"),
        (
            'F.cross_entropy(outputs, labels, reduction="sum").item()',
            "F.cross_entropy(outputs, labels).item()",
            "loss-shrinks-with-batches",
        ),
        (
            "return total_loss / total, correct / total\n\n\ndef main",
            "return total_loss / len(loader), correct / total\n\n\ndef main",
            "",
        ),
        ("return self.linear(out)", "return F.softmax(self.linear(out), dim=1)", "squashed-logits"),
    ],
)
def test_one_slip_in_a_sound_script_is_found(before: str, after: str, rule: str, tmp_path: Path) -> None:
    """The sound trainer with one thing changed: exactly that is told, or nothing where nothing is wrong."""
    text = (HERE / "sound" / "cifar_resnet.py").read_text(encoding="utf-8")
    assert before in text
    file = tmp_path / "trainer.py"
    file.write_text(text.replace(before, after), encoding="utf-8")
    assert {one.rule for one in lint_file(file)} == ({rule} if rule else set())


def test_cells_and_lines_of_a_notebook() -> None:
    found = [(one.cell, one.line, one.rule) for one in lint_file(HERE / "wrong" / "digits.ipynb")]
    assert found == [(3, 2, "augmented-evaluation"), (5, 4, "squashed-logits")]
    cells = json.loads((HERE / "wrong" / "digits.ipynb").read_text(encoding="utf-8"))["cells"]
    assert "RandomAffine" in cells[2]["source"][2]  # its call begins a line above
    assert "Softmax" in cells[4]["source"][3]


def test_a_comment_keeps_a_rule_quiet(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    line = "import torch\nnet = torch.load('a.pt', weights_only=False)"
    file.write_text(f"{line}\n", encoding="utf-8")
    assert [one.rule for one in lint_file(file)] == ["pickled-network"]
    for comment in (
        "# loupe: ignore",
        "# loupe: ignore[pickled-network]",
        "# loupe: ignore[wrong-std, pickled-network]",
    ):
        file.write_text(f"{line}  {comment}\n", encoding="utf-8")
        assert lint_file(file) == []
    file.write_text(f"{line}  # loupe: ignore[wrong-std]\n", encoding="utf-8")
    assert [one.rule for one in lint_file(file)] == ["pickled-network"]


def test_nothing_is_run_or_imported(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    file = tmp_path / "bad.py"
    file.write_text(f"import torch\nopen({str(trace)!r}, 'w')\nraise SystemExit(3)\n", encoding="utf-8")
    assert lint_file(file) == []
    assert not trace.exists()


def test_linting_needs_no_torch() -> None:
    code = "import sys, loupe.linting; loupe.linting.RULES.names(); print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )


QUIET = {
    "two heads of one body": """
import torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.action, self.value = nn.Linear(4, 128), nn.Linear(128, 2), nn.Linear(128, 1)
    def forward(self, x):
        x = self.body(x)
        action = self.action(x)
        value = self.value(x)
        return action, value
""",
    "what a sampler left over of the validation images": """
from torch.utils.data import DataLoader, Subset
val_loader = DataLoader(val_dataset, 32)
aux_val_dataset = Subset(val_loader.dataset, range(100, len(val_loader.dataset)))
""",
    "gradients that are kept by context": """
import torch.distributed.autograd as dist_autograd
from torch.distributed.optim import DistributedOptimizer
for x, y in loader:
    with dist_autograd.context() as context:
        dist_autograd.backward(context, [loss])
        opt.step(context)
""",
    "limits of a plot": """
import torch, matplotlib.pyplot as plt
plt.ylim(0, max(test_accs))
""",
    "a softmax for people to read": """
import torch.nn as nn, torch.nn.functional as F
criterion = nn.CrossEntropyLoss()
out = model(x)
loss = criterion(out, y)
probabilities = F.softmax(out, dim=1)
""",
    "an attention whose gate ends with a softmax": """
import torch.nn as nn
class Gate(nn.Module):
    def forward(self, x):
        return x.softmax(1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.head = Gate(), nn.Linear(3, 2)
    def forward(self, x):
        return self.head(self.gate(x))
model = Net()
loss = nn.CrossEntropyLoss()(model(x), y)
""",
    "words that say what the numbers are": """
import torch.nn as nn, torch.optim as optim
from torchvision import transforms
# pixels end up in [-1, 1]
to_tensor = transforms.Normalize((0.5,), (0.5,))
# warm-up over 30 % of 20 epochs, 95 % of the rate at its end
schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=100, pct_start=0.3)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
print(f"soft target {1 - 0.1 + 0.1 / 10}, momentum {1 - 0.9}")
frame.sort_values(by="val_loss").to_csv("a.csv")
frame.sort_values(by="acc", ascending=False).to_csv("b.csv")
frame.sort_values(by="acc").plot()
""",
    "a range of other images": """
import torch
from torchvision import transforms
# CIFAR-10
cifar = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))



# a generator gives pixels in [-1, 1]
fake = generator(noise)
""",
    "no torch at all": "import numpy as np\nbest = max(test_accs)\nx = (0.2023, 0.1994, 0.2010)\n",
}


@pytest.mark.parametrize("text", QUIET.values(), ids=QUIET)
def test_what_looks_like_a_mistake_and_is_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "quiet.py"
    file.write_text(text, encoding="utf-8")
    assert [f"{one.line} {one.rule}" for one in lint_file(file)] == []
