import torch
import torch.nn.functional as F
from torch import Tensor, nn

_IMAGES_AT_ONCE = 250  # bounds the memory that their patches take


class WhiteningConv2d(nn.Conv2d):
    """A first layer that takes apart what neighbouring pixels share; its filters are not trained.

    Filters are the eigenvectors of the covariance of the images' patches, each divided by the root of its
    variance, and their negatives, so that no sign is lost in the activation that follows. What comes out has
    unit variance and no correlation between directions. As in airbench (K. Jordan, 2024). The bias is
    trained. Filters are random until `initialise_from` has seen images, and are kept with the weights.

    Input shape: (batch, in_channels, height, width). Output shape: (batch, 2 in_channels kernel_size², height
    - kernel_size + 1, width - kernel_size + 1).

    Args:
        in_channels: channels of the images.
        kernel_size: side of a patch in pixels.
        floor: added to every variance, so that directions of next to none are not blown up, > 0.
    """

    weight: Tensor  # a buffer here

    def __init__(self, in_channels: int, kernel_size: int = 2, floor: float = 5e-4) -> None:
        super().__init__(in_channels, 2 * in_channels * kernel_size**2, kernel_size)
        self.floor = floor
        drawn = self.weight.detach()
        del self._parameters["weight"]
        self.register_buffer("weight", drawn)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def initialise_from(self, images: Tensor) -> None:
        """Set the filters from images as the network gets them, (images, in_channels, height, width)."""
        size = self.kernel_size[0]
        vectors, variances = find_directions(compute_patch_covariance(images, size))
        filters = vectors / (variances + self.floor).sqrt()[:, None]
        both = torch.cat([filters, -filters]).view(self.weight.shape)
        with torch.no_grad():
            self.weight.copy_(both)


def compute_patch_covariance(images: Tensor, size: int) -> Tensor:
    """Return the covariance of all square patches, (channels size², channels size²) float64.

    Args:
        images: (images, channels, height, width) floating point.
        size: side of a patch in pixels.
    """
    length = images.shape[1] * size**2
    total = torch.zeros(length, dtype=torch.float64)
    products, count = torch.zeros(length, length, dtype=torch.float64), 0
    for some in images.cpu().split(_IMAGES_AT_ONCE):
        patches = F.unfold(some, size).transpose(0, 1).flatten(1).double()
        total += patches.sum(1)
        products += patches @ patches.T
        count += patches.shape[1]
    mean = total / count
    return products / count - torch.outer(mean, mean)


def find_directions(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvectors of a covariance as rows, by falling variance, and their variances.

    Of the two signs an eigenvector may have, the one whose largest component is positive.
    """
    variances, columns = torch.linalg.eigh(covariance)
    vectors = columns.T.flip(0)
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return vectors * largest.sign(), variances.flip(0).clamp_min(0)
