import torch

import loupe


@loupe.register_metric("share_of_ones", unit="percent", better="lower", bounds=(0, 1), title="share of ones")
def measure_share(predicted: torch.Tensor) -> loupe.Estimate:
    """Return how often the answer is the second class."""
    return loupe.Estimate(float((predicted == 1).float().mean()))


run = loupe.train("digits", "train.epochs=1", "model.width=1", "evaluate.metrics=['share_of_ones']")
print(run.read_result().best.test.metrics["share_of_ones"].describe())
