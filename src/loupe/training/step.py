"""One step of a training, in parts: for `fit`, for several networks at once, and for whoever times them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from loupe.data.batches import Batch, Shard
from loupe.training.learning_rates import apply_schedule_step, read_rates
from loupe.training.measure import run_model
from loupe.training.optimizers.stepping import take_step
from loupe.training.plan import TrainingPlan
from loupe.training.schedules import ScheduleStep
from loupe.training.state import TrainingState


class TrainingStep:
    """Takes the steps of one training: `begin`, `choose`, `compute_gradients`, `update`, in this order.

    The optimizer's learning rates are read when this is made: they are the largest ones, that the schedule
    scales down.

    Args:
        plan: what a step computes.
        state: what it moves.
        depth: layers of the network that the batches have passed already.
    """

    def __init__(self, plan: TrainingPlan, state: TrainingState, depth: int = 0) -> None:
        self.plan = plan
        self.state = state
        self._depth = depth
        self._base_rates = read_rates(state.optimizer)

    def begin(self, step: int, losses: Sequence[float]) -> ScheduleStep:
        """Set the optimizer's learning rate, and momentum if it moves, and return what the schedule says.

        Args:
            step: 0, 1, … over all epochs.
            losses: on validation, of the epochs completed.
        """
        settings = self.plan.schedule(step, losses)
        apply_schedule_step(self.state.optimizer, settings, self._base_rates)
        return settings

    def choose(self, batch: Batch, settings: ScheduleStep) -> Batch:
        """Return the part of a batch that trains the network: the hardest images, or all of them."""
        if self.state.hard_examples is None:
            return batch
        return self.state.hard_examples.choose(batch, settings, self.plan)

    def split(self, batch: Batch) -> list[tuple[Batch, float]]:
        """Return a batch's micro-batches, equal up to an image, and the part of its images each has.

        A small batch makes fewer of them: each has two images at the least, because batch norm has no spread
        of one.
        """
        count = len(batch.images)
        num_parts = max(1, min(self.plan.accumulate, count // 2))
        if num_parts == 1:
            return [(batch, 1.0)]
        cuts = [Shard(number, num_parts).cut(count) for number in range(num_parts)]
        return [(Batch(*(part[cut] for part in batch)), (cut.stop - cut.start) / count) for cut in cuts]

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the network's outputs, (batch, …), and the mean training loss, a scalar."""
        outputs = run_model(self.state.model, batch.images, self.plan.precision, self._depth)
        return outputs, self.plan.objective.training_loss(outputs, batch)

    def compute_gradients(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Leave the gradients of a batch in the network; return its mean loss and how right its answers are.

        The loss is a scalar, the answers are (batch,) in [0, 1], or None where nothing is right or wrong. A
        loss is a mean over images, so that of the batch is the mean of its micro-batches', each weighted by
        its images, and so is the gradient.
        """
        losses, answers = [], []
        for part, share in self.split(batch):
            outputs, mean_loss = self.forward(part)
            loss = mean_loss if share == 1 else share * mean_loss
            loss.backward()
            losses.append(loss.detach())
            answers.append(self.plan.objective.correct(outputs, part))
        if len(losses) == 1:
            return losses[0], answers[0]
        known = [answer for answer in answers if answer is not None]
        return torch.stack(losses).sum(), torch.cat(known) if known else None

    def update(self, step: int) -> None:
        """Move the weights along their gradients, and whatever follows them; `step` counts 1, 2, …"""
        model, optimizer = self.state.model, self.state.optimizer
        if self.plan.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), self.plan.clip_norm)
        take_step(optimizer)
        self.follow(step)

    def follow(self, step: int) -> None:
        """Let slow weights and the average follow the weights, which have moved; `step` counts 1, 2, …"""
        if self.state.lookahead is not None:
            self.state.lookahead.update(self.state.model, step)
        if self.state.average is not None:
            self.state.average.update(self.state.model)


def enter_training_mode(model: nn.Module) -> None:
    """Put a network into training mode, but for the layers whose parameters are all frozen.

    A norm without parameters goes with the layers that it lies among: frozen with all of them.
    """
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()
        elif not own and _is_frozen(module):
            for inner in module.modules():
                if list(inner.buffers(recurse=False)) and not list(inner.parameters(recurse=False)):
                    inner.eval()


def _is_frozen(module: nn.Module) -> bool:
    """Return whether a module holds parameters, and none of them is trained."""
    parameters = list(module.parameters())
    return bool(parameters) and not any(one.requires_grad for one in parameters)
