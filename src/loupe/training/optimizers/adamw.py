import torch

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import Beta, DecoupledDecay, LearningRate


@register_optimizer("adamw")
def adamw(
    *,
    parameters: Parameters,
    learning_rate: LearningRate = 1e-3,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    weight_decay: DecoupledDecay = 0.01,
) -> torch.optim.AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""
    betas = (beta1, beta2)
    return torch.optim.AdamW(parameters, lr=learning_rate, betas=betas, weight_decay=weight_decay, fused=True)
