import torch
from torch import Tensor, nn
from torch.nn import functional

from loupe.pitfalls.drawing import draw_pictures
from loupe.pitfalls.plain import Part, draw_batches, split_digits
from loupe.pitfalls.registry import TellTale, register_pitfall
from loupe.pitfalls.side import Side
from loupe.runtime import Streams

_NUM_EPOCHS = 40


@register_pitfall(
    "collapsed-autoencoder",
    title="An autoencoder out of its reach",
    tell_tale=TellTale(
        "its error over that of the mean image, which needs no network",
        "",
        apart=0.5,
    ),
    rule="Let the decoder's last activation reach the pixels; hold every error against that of a constant "
    "image.",
    source="D-004-12",
    looks="The loss falls and then stands still; restored images stay grey where they should be black.",
    in_loupe="A recipe whose pixels the decoder cannot reach is refused; the mean image stands on every "
    "report.",
    lint=("decoder-range",),
)
class CollapsedAutoencoder:
    """Pixels are brought to [-1, 1] under a sigmoid, which gives [0, 1]."""

    def wrong(self, seed: int) -> Side:
        """Train on pixels in [-1, 1]: half of them lie below anything that a sigmoid gives."""
        train, held_out = split_digits(seed, 900)
        return train_on(train.images * 2 - 1, held_out.images * 2 - 1, seed, (-1, 1))

    def right(self, seed: int) -> Side:
        """Train the same network on pixels in [0, 1]."""
        train, held_out = split_digits(seed, 900)
        return train_on(train.images, held_out.images, seed, (0, 1))


def build_autoencoder(seed: int) -> nn.Sequential:
    """Return a dense autoencoder with a code of ten numbers, encoder first."""
    with Streams(seed).as_global("model"):
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        decoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())
    return nn.Sequential(encoder, decoder)


def restore(model: nn.Module, images: Tensor) -> Tensor:
    """Return what an autoencoder gives back, in the images' shape."""
    restored: Tensor = model(images).view_as(images)
    return restored


def train_autoencoder(model: nn.Module, images: Tensor, seed: int, num_epochs: int = _NUM_EPOCHS) -> None:
    """Train an autoencoder in place, by Adam on the mean squared error."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    part = Part(images, torch.zeros(len(images), dtype=torch.int64))
    for epoch in range(num_epochs):
        for batch in draw_batches(part, seed, epoch):
            loss = functional.mse_loss(restore(model, batch.images), batch.images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def train_on(images: Tensor, held_out: Tensor, seed: int, limits: tuple[float, float]) -> Side:
    """Return the error on held-out images, and some of them above what was given back."""
    model = build_autoencoder(seed)
    train_autoencoder(model, images, seed)
    with torch.no_grad():
        restored = restore(model, held_out)
    error = float(functional.mse_loss(restored, held_out))
    mean_image = float((held_out - images.mean(0)).square().mean())
    figure = draw_pictures([*held_out[:8, 0], *restored[:8, 0]], 2, 8, limits=limits)
    said = f"“Trained to a mean squared error of {error:.3f}.” The mean image scores {mean_image:.3f}."
    return Side(
        error / mean_image, said, figure, (("error", f"{error:.4f}"), ("mean image", f"{mean_image:.4f}"))
    )
