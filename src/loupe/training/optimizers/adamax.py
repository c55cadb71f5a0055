import torch

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import Beta, L2Decay, LearningRate


@register_optimizer("adamax")
def adamax(
    *,
    parameters: Parameters,
    learning_rate: LearningRate = 2e-3,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    weight_decay: L2Decay = 0.0,
) -> torch.optim.Adamax:
    """Adam with the largest recent gradient in place of the running square (Kingma and Ba, 2015)."""
    betas = (beta1, beta2)
    return torch.optim.Adamax(parameters, lr=learning_rate, betas=betas, weight_decay=weight_decay)
