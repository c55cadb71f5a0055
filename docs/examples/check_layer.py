from torch import Tensor, nn

import loupe


class ReLU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=0)


report = loupe.check_layer(ReLU, kind="relu")
print(report)
