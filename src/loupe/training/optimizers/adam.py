import torch

from loupe.training.optimizers import Parameters, register_optimizer
from loupe.training.optimizers.settings import Beta, L2Decay, LearningRate


@register_optimizer("adam")
def adam(
    *,
    parameters: Parameters,
    learning_rate: LearningRate = 1e-3,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    weight_decay: L2Decay = 0.0,
) -> torch.optim.Adam:
    """Adam (Kingma and Ba, 2015); its weight decay is an L2 penalty."""
    betas = (beta1, beta2)
    return torch.optim.Adam(parameters, lr=learning_rate, betas=betas, weight_decay=weight_decay, fused=True)
