"""Measure the reference of mean corruption errors: src/loupe/evaluations/reference_errors.json.

usage: LOUPE_DATA=FOLDER python tools/measure_reference.py [DATASET ...]

The reference network is a small CNN without augmentation, trained by the recipe below on each of the data
sets, once a seed; each seed draws validation images of its own, and its network is judged on all of them,
plain and under every corruption at every severity. The errors kept are means over seeds. No test image is
opened. Data sets that are not named keep what stands in the file.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

import loupe
from loupe.data.corruptions import CORRUPTIONS
from loupe.evaluations import Network
from loupe.evaluations.corruption_error import is_whole
from loupe.evaluations.damage import spoil_all
from loupe.using.opened_run import open_run
from loupe.version import NUMBERS_VERSION, __version__

TARGET = Path(__file__).resolve().parent.parent / "src/loupe/evaluations/reference_errors.json"
COMMAND = "tools/measure_reference.py"
NETWORK = "a small CNN of four convolutions, trained without augmentation"
SEEDS = (0, 1)
VALIDATION = {"digits": 400, "fashion-mnist": 2000, "cifar10": 1000}
EPOCHS = {"digits": 20, "fashion-mnist": 4, "cifar10": 10}
RECIPE = """\
[data]
name = "{name}"
validation = {validation}

[model]
name = "cnn"
conv_layers = 4
dense_layers = 2

[train]
epochs = {epochs}
batch_size = 64
optimizer = {{ name = "adamw", learning_rate = 0.002 }}
schedule = {{ name = "one-cycle" }}

[evaluate]
test = false
look_inside = false
looks = []
"""


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Return what is kept of a data set."""
    text = RECIPE.format(name=name, validation=VALIDATION[name], epochs=EPOCHS[name])
    file = folder / f"reference-{name}.toml"
    file.write_text(text, encoding="utf-8")
    plain, errors = [], []
    for seed in SEEDS:
        run = loupe.train(str(file), f"run.seed={seed}", f"run.folder={folder}", f"name={name}-{seed}")
        opened = open_run(run, "cpu")
        images = opened.validation.load()
        network = Network(opened.model, opened.normalization, opened.layers, opened.device)
        damage = spoil_all(images, lambda some, network=network: network.predict(some).is_right, seed)
        plain.append(float(1 - damage.plain.double().mean()))
        errors.append(1 - damage.right.double().mean(2))
        print(f"{name}, seed {seed}: error {plain[-1]:.4f} plain, {float(errors[-1].mean()):.4f} spoilt")
    mean = torch.stack(errors).mean(0).tolist()
    return {
        "name": name,
        "source": images.source,
        "class_names": list(images.class_names),
        "image_shape": [images.in_channels, *images.image_size],
        "recipe": text,
        "seeds": list(SEEDS),
        "images": len(images),
        "plain": round(sum(plain) / len(plain), 6),
        "errors": {kind: [round(one, 6) for one in row] for kind, row in zip(CORRUPTIONS, mean, strict=True)},
    }


def main() -> None:
    wanted = sys.argv[1:] or list(VALIDATION)
    unknown = [name for name in wanted if name not in VALIDATION]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: no such data set here; there are {', '.join(VALIDATION)}")
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(name, Path(folder))
        kept = json.loads(TARGET.read_text(encoding="utf-8"))["sets"] if TARGET.is_file() else []
        found = {one["name"]: one for one in kept} | {name: measured}
        assert is_whole(found[name]["errors"])
        written = {
            "network": NETWORK,
            "command": f"`python {COMMAND}`",
            "loupe": __version__,
            "numbers_version": NUMBERS_VERSION,
            "torch": torch.__version__,
            "sets": [found[one] for one in VALIDATION if one in found],
        }
        TARGET.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
        print(f"{TARGET}: {name}")


if __name__ == "__main__":
    main()
