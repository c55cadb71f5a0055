"""The fields of a recipe's `[train]` table."""

from operator import lt
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from loupe.recipe.class_balance import ClassWeights, Sampling, check_class_weights, check_sampling
from loupe.recipe.sections import Choice, Section


class EarlyStopping(Section):
    """Stop when the mean validation loss of a window of epochs no longer improves on the window before."""

    window: PositiveInt = Field(20, description="Epochs in a window; the first look is after two windows.")
    min_improvement: float = Field(
        0.0, description="Smallest fall of the mean validation loss, in nats; below 0 tolerates a rise."
    )


_LAST_EPOCH = 10**9


def _is_count(value: object, largest: int) -> bool:
    return isinstance(value, int) and value is not True and 1 <= value <= largest


def _list(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else value


class FreezeLater(Section):
    """Layers that train for the first epochs only."""

    layers: tuple[str, ...] = Field(
        min_length=1, description="Layers that stop training; `loupe show` names them."
    )
    after_epoch: int | tuple[int, ...] = Field(
        description="Last epoch in which they train, ≥ 1: one for all, or one for each layer."
    )

    @field_validator("after_epoch", mode="before")
    @classmethod
    def _refuse_what_is_no_epoch(cls, value: object, info: ValidationInfo) -> object:
        epochs = value if isinstance(value, list | tuple) else [value]
        if not all(_is_count(one, _LAST_EPOCH) for one in epochs):
            raise ValueError(f"a whole number from 1 to {_LAST_EPOCH}, or a list with one for each layer")
        if len(set(epochs)) == 1 and len(epochs) == len(info.data.get("layers", ())):
            return epochs[0]  # the same training has the same recipe
        return tuple(epochs) if isinstance(value, list) else value

    @property
    def last_epochs(self) -> dict[str, int]:
        """The last epoch in which each layer trains, by its name."""
        after = self.after_epoch
        epochs = (after,) * len(self.layers) if isinstance(after, int) else after
        return dict(zip(self.layers, epochs, strict=True))

    @field_validator("layers")
    @classmethod
    def _refuse_layers_twice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place, layer in enumerate(value):
            for other in value[:place]:
                if f"{layer}.".startswith(f"{other}.") or f"{other}.".startswith(f"{layer}."):
                    raise ValueError(f"each layer once; {layer} and {other} overlap")
        return value

    @model_validator(mode="after")
    def _refuse_other_number(self) -> "FreezeLater":
        if not isinstance(self.after_epoch, int) and len(self.after_epoch) != len(self.layers):
            raise ValueError(
                f"after_epoch with one epoch for all layers or with {len(self.layers)}, one for each; "
                f"it has {len(self.after_epoch)}"
            )
        return self


class Lookahead(Section):
    """Slow weights that the trained ones are pulled back to."""

    every: PositiveInt = Field(5, le=10**6, description="Steps between two pulls, ≥ 1.")
    decay: float = Field(
        0.7737809375,
        gt=0,
        lt=1,
        description="Part of the slow weights that stays at the last pull, in (0, 1).",
    )
    power: float = Field(
        3.0,
        ge=0,
        le=100,
        description="How late the pull sets in: the part that stays is decay x progress to this power; 0 for "
        "the same throughout.",
    )


class ProgressiveResizing(Section):
    """Images made smaller for the first epochs."""

    size: int | tuple[int, ...] = Field(
        description="Shorter side of the images in pixels, ≥ 1; several, rising, for images that grow."
    )
    until_epoch: int | tuple[int, ...] = Field(
        description="Last epoch with small images, ≥ 1; one for each size, rising."
    )
    way: Literal["resize", "crop"] = Field(
        "resize", description='"resize" makes pixels coarser, "crop" cuts a random window out of each image.'
    )

    @field_validator("size", "until_epoch", mode="before")
    @classmethod
    def _refuse_what_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        largest = 10**4 if info.field_name == "size" else _LAST_EPOCH
        numbers = value if isinstance(value, list | tuple) else [value]
        is_rising = all(_is_count(one, largest) for one in numbers) and all(map(lt, numbers, numbers[1:]))
        if not (numbers and is_rising):
            raise ValueError(f"a whole number from 1 to {largest}, or a list of them that rises")
        return numbers[0] if len(numbers) == 1 else tuple(numbers)  # the same training has the same recipe

    @model_validator(mode="after")
    def _refuse_other_number(self) -> "ProgressiveResizing":
        sizes, epochs = (len(_list(one)) for one in (self.size, self.until_epoch))
        if sizes != epochs:
            raise ValueError(
                f"until_epoch with one epoch for each size; it has {epochs}, and size has {sizes}"
            )
        return self

    @property
    def last_epochs(self) -> dict[int, int]:
        """The last epoch of each size, by the size in pixels, smallest first."""
        return dict(zip(_list(self.size), _list(self.until_epoch), strict=True))


class HardExamples(Section):
    """Only the hardest images of a batch train the network; a small proxy network ranks them."""

    keep: float = Field(0.5, gt=0, lt=1, description="Part of each batch that trains, in (0, 1).")
    proxy: Choice = Field(
        description="Model that ranks the images, with its settings; it is trained on the hardest ones too."
    )


class TrainSection(Section):
    """How the network is trained."""

    epochs: PositiveInt = Field(20, le=_LAST_EPOCH, description="Passes over the training images, ≥ 1.")
    batch_size: PositiveInt = Field(64, le=10**9, description="Images in a training batch, ≥ 1.")
    accumulate: PositiveInt = Field(
        1,
        le=10**9,
        description="Micro-batches that a batch is cut into, ≥ 1: their gradients add up to the step of the "
        "whole batch, in less memory. Batch norm sees micro-batches; so each has two images or more.",
    )
    optimizer: Choice = Field(
        Choice(name="adam"), description="Optimizer and its settings; `loupe optimizers` lists them."
    )
    decay: Literal["all", "weights"] = Field(
        "all",
        description='What weight decay acts on: "all", or "weights" only (not biases, not norms).',
    )
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Factor on the learning rate from layer to layer away from the head, in (0, 1]: 0.7 for "
        "weights from elsewhere that should change little.",
    )
    schedule: Choice = Field(
        Choice(name="constant"),
        description="Learning-rate schedule and its settings; `loupe schedules` lists them.",
    )
    warmup_epochs: float = Field(
        0.0, ge=0, le=10**6, description="Epochs over which the learning rate rises from nothing, ≥ 0."
    )
    loss: Choice | None = Field(
        None,
        description="What training minimises; `loupe losses` lists them. Cross-entropy if left out, or mean "
        "squared error of a model that gives images back. What is reported stays the same.",
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Probability spread evenly over all classes by losses that smooth, in [0, 1).",
    )
    class_weights: Annotated[ClassWeights, BeforeValidator(check_class_weights)] = Field(
        "none",
        description='What an image\'s loss counts by its class: "none" alike, "balanced" inversely to the '
        'images of its class, "effective:beta=0.999" inversely to their effective number, or a table '
        "{cat = 2, dog = 1} (classes that it leaves out count 1).",
    )
    sampling: Annotated[Sampling, BeforeValidator(check_sampling)] = Field(
        "shuffled",
        description='How often a class is drawn in an epoch: "shuffled" each image once, "balanced" every '
        "class alike, or a power in [0, 1] of its number of images (0 balanced, 1 shuffled).",
    )
    clip_norm: float | None = Field(
        None, gt=0, description="Largest global gradient norm, > 0; no clipping if left out."
    )
    average_decay: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Decay of a moving average of the weights, in (0, 1); the average is then what is judged "
        "and kept. No average if left out.",
    )
    lookahead: Lookahead | None = Field(
        None,
        description="Slow weights that the trained ones are pulled back to; none if left out.",
    )
    precision: Literal["auto", "float32", "bfloat16", "fast"] = Field(
        "auto",
        description='What layers compute in: "auto" is bfloat16 on GPUs with units for it, else float32; '
        '"fast" is bfloat16 on CPUs with units for it, too. Weights stay float32.',
    )
    channels_last: bool | Literal["auto"] = Field(
        False,
        description="Lay weights and maps out channel by channel of each pixel, quicker for many networks; "
        '"auto" tries both for a second, and the run\'s recipe then says which it took.',
    )
    compile: bool = Field(
        False, description="Compile the network with torch.compile: minutes at first, then faster steps."
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="Windowed early stopping; trains all epochs if left out."
    )
    hard_examples: HardExamples | None = Field(
        None, description="Train on the hardest part of each batch only; on all of it if left out."
    )
    progressive_resizing: ProgressiveResizing | None = Field(
        None, description="Smaller images for the first epochs; the full size throughout if left out."
    )
    freeze_later: FreezeLater | None = Field(
        None, description="Layers that train for the first epochs only; none if left out."
    )
    clean_train_images: NonNegativeInt = Field(
        2000,
        description="Training images on which accuracy is measured as on validation "
        "(no augmentation, weights still); 0 turns it off.",
    )

    @model_validator(mode="after")
    def _refuse_tiny_micro_batches(self) -> "TrainSection":
        if self.accumulate > 1 and 2 * self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate up to {max(1, self.batch_size // 2)}, half of batch_size ({self.batch_size}): "
                "two images or more in a micro-batch"
            )
        return self

    @model_validator(mode="after")
    def _refuse_endless_warmup(self) -> "TrainSection":
        if self.warmup_epochs and self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs below epochs ({self.epochs}), so that the rate is reached")
        return self
