import torch

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import Beta, L2Decay, LearningRate


@register_optimizer("nadam")
def nadam(
    *,
    parameters: Parameters,
    learning_rate: LearningRate = 2e-3,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    weight_decay: L2Decay = 0.0,
) -> torch.optim.NAdam:
    """Adam with Nesterov's look-ahead momentum (Dozat, 2016)."""
    betas = (beta1, beta2)
    return torch.optim.NAdam(parameters, lr=learning_rate, betas=betas, weight_decay=weight_decay)
