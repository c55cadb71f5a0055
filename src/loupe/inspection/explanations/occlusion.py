from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.inspection.explanations import Attribution, name_blank, register_explanation
from loupe.wording import count_of

_IMAGES_AT_ONCE = 512  # covered images of one forward pass
_MOST_QUICK_WORK = 3e10  # multiply-adds of all covered images; a second or so on a CPU


@register_explanation(
    "occlusion",
    is_signed=True,
    order=20,
    num_passes=200,  # roughly, with the default size and stride
    note="how far the class's {score} drops while a window of {size} × {size} pixels is filled with "
    "{filling}; the window slides over the image, {step} further each time",
)
@dataclass(frozen=True)
class Occlusion:
    """How much the class loses when a window covers a pixel; works for any network. Negative: it gains.

    Zeiler and Fergus 2014 (arXiv:1311.2901). A square window slides over the image and is filled with one
    value; a pixel's value is the mean drop over the windows that cover it. The last window of a row or column
    ends at the border, so that all windows are whole and every pixel is covered.

    Extras: `size` and `stride`, as used; `step`, the stride in words; `score`; `filling`, what covers.
    """

    size: Annotated[
        int | None,
        Field(
            ge=1, description="Side of the window, in pixels; left out, a fifth of the image's shorter side."
        ),
    ] = None
    stride: Annotated[
        int | None,
        Field(ge=1, description="Pixels from window to window, at most `size`; left out, a third of `size`."),
    ] = None
    fill: Annotated[
        float,
        Field(description="What covers, normalised; 0 is the mean colour where normalisation is measured."),
    ] = 0.0
    score: Annotated[
        Literal["logit", "probability"], Field(description="What drops: the class's logit or probability.")
    ] = "logit"

    @staticmethod
    def quick_settings(multiply_adds: int, image_size: tuple[int, int]) -> dict[str, int]:
        """Return size and stride of a window, the stride wider where the usual one would take long."""
        height, width = image_size
        size = max(1, round(min(image_size) / 5))
        stride = max(1, size // 3)
        while stride < size and multiply_adds * (height // stride) * (width // stride) > _MOST_QUICK_WORK:
            stride += 1
        return {"size": size, "stride": stride}

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attribution:
        height, width = images.shape[2:]
        size, stride = self._choose_window(height, width)
        windows = place_windows(height, width, size, stride).to(images.device)
        with torch.no_grad():
            scores = self._score(model, images, targets)
            drops = scores[:, None] - self._score_covered(model, images, targets, windows)
            shares = windows.flatten(1).to(drops)
            maps: Tensor = drops @ (shares / shares.sum(0))
        extras = {
            "size": size,
            "stride": stride,
            "step": count_of(stride, "pixel"),
            "score": self.score,
            "filling": name_blank(self.fill),
        }
        return Attribution(maps.view(-1, height, width), extras)

    def _choose_window(self, height: int, width: int) -> tuple[int, int]:
        shorter = min(height, width)
        size = self.size or max(1, round(shorter / 5))
        stride = self.stride or max(1, size // 3)
        if size > shorter or stride > size:
            raise LoupeError(
                f"This window does not slide over images of {height} x {width} pixels.",
                got=f"size {size}, stride {stride}",
                allowed=f"size 1 to {shorter}, stride 1 to size",
                next_step="leave both out, or choose smaller ones",
            )
        return size, stride

    def _score_covered(self, model: nn.Module, images: Tensor, targets: Tensor, windows: Tensor) -> Tensor:
        """Return the score of each image under each window, (batch, windows)."""
        num_windows = len(windows)
        pairs = torch.arange(len(images) * num_windows, device=images.device)
        scores = []
        for part in pairs.split(_IMAGES_AT_ONCE):
            image, window = part // num_windows, part % num_windows
            covered = images[image].masked_fill(windows[window][:, None], self.fill)
            scores.append(self._score(model, covered, targets[image]))
        return torch.cat(scores).view(len(images), num_windows)

    def _score(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        logits = model(images)
        scores = logits.softmax(1) if self.score == "probability" else logits
        of_targets: Tensor = scores.gather(1, targets[:, None])[:, 0]
        return of_targets


def place_windows(height: int, width: int, size: int, stride: int) -> Tensor:
    """Return where each window lies, (windows, height, width) bool, row by row."""

    def place_on_line(length: int) -> Tensor:
        starts = torch.tensor(sorted({*range(0, length - size, stride), length - size}))
        pixels = torch.arange(length)
        return (pixels >= starts[:, None]) & (pixels < starts[:, None] + size)

    rows, columns = place_on_line(height), place_on_line(width)
    return (rows[:, None, :, None] & columns[None, :, None, :]).flatten(0, 1)
