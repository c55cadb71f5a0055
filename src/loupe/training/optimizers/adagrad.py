import torch

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import L2Decay, LearningRate


@register_optimizer("adagrad")
def adagrad(
    *, parameters: Parameters, learning_rate: LearningRate = 1e-2, weight_decay: L2Decay = 0.0
) -> torch.optim.Adagrad:
    """Gradients divided by the root of the sum of all their squares (Duchi et al., 2011)."""
    return torch.optim.Adagrad(parameters, lr=learning_rate, weight_decay=weight_decay)
