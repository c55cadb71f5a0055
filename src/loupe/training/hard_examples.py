"""Training on the hardest part of each batch, as a small proxy network ranks it."""

import torch
from torch import nn

from loupe.data.batches import Batch
from loupe.training.learning_rates import apply_schedule_step, read_rates
from loupe.training.measure import run_model
from loupe.training.plan import TrainingPlan
from loupe.training.schedules import ScheduleStep


class HardExamples:
    """A proxy network that sees every batch first, and hands on what it finds hardest.

    The proxy itself is trained on what it hands on, at the learning rate of the main training. Looking at all
    images costs its forward pass only, so that a proxy much smaller than the network saves most of what the
    easy images would have cost. As in airbench96_faster (K. Jordan, 2024).

    Args:
        proxy: a small network for the same images and outputs, on the device of the batches.
        optimizer: over its parameters.
    """

    def __init__(self, proxy: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.proxy = proxy
        self.optimizer = optimizer
        self._base_rates = read_rates(optimizer)

    def choose(self, batch: Batch, step_settings: ScheduleStep, plan: TrainingPlan) -> Batch:
        """Return the images of a batch with the largest losses, in order, and train the proxy on them.

        How many is the plan's `keep_hardest`, two at the least.
        """
        self.proxy.train()
        objective, clip_norm = plan.objective, plan.clip_norm
        outputs = run_model(self.proxy, batch.images, plan.precision)
        count = min(len(outputs), max(2, round(plan.keep_hardest * len(outputs))))
        losses = objective.losses(outputs.detach(), batch)
        chosen = losses.topk(count).indices.sort().values
        hardest = Batch(batch.images[chosen], batch.labels[chosen])
        objective.training_loss(outputs[chosen], hardest).backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(self.proxy.parameters(), clip_norm)
        apply_schedule_step(self.optimizer, step_settings, self._base_rates)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return hardest
