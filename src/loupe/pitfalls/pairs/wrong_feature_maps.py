import torch
from torch import Tensor, nn
from torch.nn import functional

from loupe.pitfalls.drawing import draw_pictures
from loupe.pitfalls.plain import split_digits, train
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_ROWS, _COLUMNS = 2, 6


class SmallCNN(nn.Module):
    """Two convolutions, whose ReLUs are functions and no modules."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, _ROWS * _COLUMNS, 3, padding=1)
        self.head = nn.Linear(_ROWS * _COLUMNS, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.conv1(x))
        x = functional.relu(self.conv2(x))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


@register_pitfall(
    "wrong-feature-maps",
    title="Feature maps that the network never made",
    tell_tale=TellTale(
        "pictures, of 12, that show what the network computes at their place",
        "count",
        apart=-6,
    ),
    rule="Take maps from the running network by a hook, behind the activation; number them row x columns + "
    "column.",
    source="D-004-4, D-002-6",
    looks="Maps have values below zero that a ReLU would not let through, and the last pictures of a row "
    "come again as the first of the next.",
    in_loupe="`loupe inspect` asks hooks of the running network, and names each channel.",
    lint=("chained-children", "grid-index"),
)
class WrongFeatureMaps:
    """Child modules are called one after the other, and pictures are numbered by rows instead of columns."""

    def wrong(self, seed: int) -> Side:
        """Chain the children: no ReLU; number pictures by row x rows + column."""
        model, image = train_once(seed)
        x = image
        for layer in list(model.children())[:2]:
            x = layer(x)
        numbers = [i * _ROWS + j for i in range(_ROWS) for j in range(_COLUMNS)]
        return show(model, image, [x[0, one].detach() for one in numbers], numbers)

    def right(self, seed: int) -> Side:
        """Ask the running network by a hook, behind its ReLU; number pictures by row x columns + column."""
        model, image = train_once(seed)
        kept: list[Tensor] = []
        hook = model.conv2.register_forward_hook(lambda layer, given, output: kept.append(output.relu()))
        model(image)
        hook.remove()
        numbers = [i * _COLUMNS + j for i in range(_ROWS) for j in range(_COLUMNS)]
        return show(model, image, [kept[0][0, one].detach() for one in numbers], numbers)


def train_once(seed: int) -> tuple[SmallCNN, Tensor]:
    """Return a trained network and an image."""
    part, rest = split_digits(seed, 500)
    with Streams(seed).as_global("model"):
        model = SmallCNN()
    train(model, part, seed, 6, learning_rate=0.01)
    return model, rest.take(torch.tensor([0])).images


def show(model: SmallCNN, image: Tensor, pictures: list[Tensor], numbers: list[int]) -> Side:
    """Return the pictures, and how many of them are what the network computes at their place."""
    with torch.no_grad():
        truth = functional.relu(model.conv2(functional.relu(model.conv1(image))))[0]
    num_true = sum(torch.allclose(one, truth[place], atol=1e-6) for place, one in enumerate(pictures))
    below = sum(bool((one < 0).any()) for one in pictures)
    limit = float(truth.max())
    figure = draw_pictures(
        pictures, _ROWS, _COLUMNS, titles=[f"channel {one}" for one in numbers], limits=(-limit, limit)
    )
    said = f"“The {len(pictures)} maps of the second layer”, {len(set(numbers))} of them different."
    rows = (
        ("grey, black and white", f"0, {-limit:.2f} and {limit:.2f}"),
        ("pictures with values below 0", str(below)),
        ("different channels", str(len(set(numbers)))),
    )
    return Side(float(num_true), said, figure, rows)
