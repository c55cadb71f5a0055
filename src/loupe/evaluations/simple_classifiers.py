"""Classifiers that need no network, fitted in seconds: what a network has to be better than.

Each takes training images and gives the class of others. All work on plain pixels, and draw nothing but
`predict_from_random_features`, which is given its seed.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from loupe.data import ImageDataset

_PATCH_SIDE = 5  # pixels; smaller images have smaller patches
_BLOCK = 500  # images at once
_BLOCK_COLUMNS = 4096  # pixels at once
_LEAST_SQUARE = 1e-11  # beside the largest, of what is more than rounding
_MOST_VALUES = 2**25  # of random features before they are averaged, at once


def predict_majority(training: ImageDataset, images: ImageDataset) -> Tensor:
    """Return the most frequent training class for every image, (images,) int64; of equal ones the first."""
    most = max(range(training.num_classes), key=training.class_counts().__getitem__)
    return torch.full((len(images),), most)


def predict_nearest_mean(training: ImageDataset, images: ImageDataset) -> Tensor:
    """Return the class whose mean image is nearest (Euclidean), (images,) int64.

    A class without training images has no mean, and is never said.
    """
    pixels, wanted = flatten_pixels(training), flatten_pixels(images)
    counts = torch.bincount(training.labels, minlength=training.num_classes)
    sums = torch.zeros(training.num_classes, pixels.shape[1]).index_add_(0, training.labels, pixels)
    far = torch.cdist(wanted, sums / counts.clamp_min(1)[:, None])
    return far.masked_fill(counts == 0, float("inf")).argmin(1)


def predict_nearest_neighbours(training: ImageDataset, images: ImageDataset, k: int = 5) -> Tensor:
    """Return the class most frequent among the k nearest training images, (images,) int64.

    Nearest by Euclidean distance of the pixels; of equally frequent classes the first, as scikit-learn's
    `KNeighborsClassifier` has it.
    """
    nearest = find_nearest(flatten_pixels(training), flatten_pixels(images), k)[1]
    votes = F.one_hot(training.labels[nearest], training.num_classes).sum(1)
    first = torch.arange(training.num_classes) / (training.num_classes + 1)  # parts equal votes
    return (votes - first).argmax(1)


def find_nearest(pixels: Tensor, wanted: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return distances and positions of the k rows nearest to each wanted row, nearest first.

    Args:
        pixels: (many, size) float32.
        wanted: (some, size) float32.
        k: ≥ 1; fewer if there are fewer rows.
    """
    most = min(k, len(pixels))
    found = [torch.cdist(part, pixels).topk(most, largest=False) for part in wanted.split(_BLOCK)]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


def predict_logistic(training: ImageDataset, images: ImageDataset, penalty: float = 0.01) -> Tensor:
    """Return the class a multinomial logistic regression on standardised pixels says, (images,) int64."""
    pixels, wanted = standardise(flatten_pixels(training), flatten_pixels(images))
    return fit_logistic(pixels, training.labels, training.num_classes, penalty).say(wanted).argmax(1)


@dataclass(frozen=True, eq=False)
class LinearScores:
    """Scores of classes that are linear in the input.

    Args:
        weight: (size, classes) float.
        bias: (classes,) float.
    """

    weight: Tensor
    bias: Tensor

    def say(self, rows: Tensor) -> Tensor:
        """Return the score of each class, (rows, classes)."""
        return rows @ self.weight + self.bias


def fit_logistic(
    rows: Tensor, labels: Tensor, num_classes: int, penalty: float, most_steps: int = 100
) -> LinearScores:
    """Return a multinomial logistic regression by L-BFGS.

    Minimises the mean log loss + penalty / 2 · |weights|², the bias free: scikit-learn's `LogisticRegression`
    with C = 1 / (penalty · rows).

    Args:
        rows: (rows, size) float32, standardised.
        labels: (rows,) int64.
        num_classes: columns of the scores.
        penalty: ≥ 0.
        most_steps: of the optimizer.
    """
    from scipy.optimize import minimize

    size = rows.shape[1]
    if size > len(rows):
        # the best weights lie in the span of the rows: the same problem, turned, and smaller
        products = sum(part.double() @ part.double().T for part in rows.split(_BLOCK_COLUMNS, 1))
        squares, axes = torch.linalg.eigh(products)
        is_held = squares > _LEAST_SQUARE * squares.max()
        squares, axes = squares[is_held].sqrt(), axes[:, is_held]
        turned = fit_logistic((axes * squares).to(rows.dtype), labels, num_classes, penalty, most_steps)
        shares = axes @ (turned.weight.double() / squares[:, None])
        return LinearScores(rows.T @ shares.to(rows.dtype), turned.bias)
    truth = F.one_hot(labels, num_classes).to(rows.dtype)

    def measure(flat: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, object]:
        both = torch.from_numpy(flat).to(rows.dtype).view(size + 1, num_classes)
        weight = both[:-1]
        logs = torch.addmm(both[-1], rows, weight).log_softmax(1)
        loss = -(logs * truth).sum().double() / len(rows) + penalty / 2 * weight.double().square().sum()
        residual = (logs.exp() - truth) / len(rows)
        gradient = torch.cat([torch.addmm(penalty * weight, rows.T, residual), residual.sum(0)[None]])
        return float(loss), gradient.double().flatten().numpy()

    start = np.zeros((size + 1) * num_classes)
    found = minimize(
        measure,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": most_steps, "ftol": 1e-12, "gtol": 1e-7},
    )
    both = torch.from_numpy(found.x).to(rows.dtype).view(size + 1, num_classes)
    return LinearScores(both[:-1], both[-1])


def predict_from_random_features(
    training: ImageDataset, images: ImageDataset, seed: int, filters: int = 64, penalty: float = 0.01
) -> Tensor:
    """Return the class that ridge regression on random features says, (images,) int64.

    The features are those of one convolution with patches of training images drawn at random, contrast taken
    away, rectified and averaged over the four quarters of the image (Coates and Ng, 2012, without whitening):
    a network of which only the last layer is fitted, in closed form.

    Args:
        training: images to fit to.
        images: images to name.
        seed: of the patches drawn.
        filters: patches drawn, ≥ 1.
        penalty: of the ridge, per training image.
    """
    patches = _draw_patches(training, filters, torch.Generator().manual_seed(seed))
    features, wanted = (_compute_random_features(one, patches) for one in (training, images))
    features, wanted = standardise(features, wanted)
    return fit_ridge(features, training.labels, training.num_classes, penalty).say(wanted).argmax(1)


def fit_ridge(rows: Tensor, labels: Tensor, num_classes: int, penalty: float) -> LinearScores:
    """Return ridge regression on classes as 1 and -1.

    It is scikit-learn's `RidgeClassifier` with alpha = penalty · rows.

    Args:
        rows: (rows, size) float32.
        labels: (rows,) int64.
        num_classes: columns of the scores.
        penalty: > 0.
    """
    exact = rows.double()
    mean = exact.mean(0)
    truth = 2 * F.one_hot(labels, num_classes).double() - 1
    centred = exact - mean
    ridge = penalty * len(rows) * torch.eye(rows.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(centred.T @ centred + ridge, centred.T @ (truth - truth.mean(0)))
    return LinearScores(weight.to(rows.dtype), (truth.mean(0) - mean @ weight).to(rows.dtype))


def _draw_patches(training: ImageDataset, filters: int, generator: torch.Generator) -> Tensor:
    """Return (filters, channels, side, side) float32 patches of training images, mean 0 and length 1."""
    side = min(_PATCH_SIDE, *training.image_size)
    height, width = (size - side + 1 for size in training.image_size)
    which, rows, columns = (
        torch.randint(most, (filters,), generator=generator).tolist()
        for most in (len(training), height, width)
    )
    cut = [
        training.images[one][:, row : row + side, column : column + side].float()
        for one, row, column in zip(which, rows, columns, strict=True)
    ]
    patches = torch.stack(cut)
    patches = patches - patches.mean((1, 2, 3), keepdim=True)
    # a patch of one level says nothing: a random one takes its place
    noise = torch.randn(patches.shape, generator=generator)
    is_flat = patches.flatten(1).norm(dim=1) < 1
    patches[is_flat] = noise[is_flat] - noise[is_flat].mean((1, 2, 3), keepdim=True)
    scaled: Tensor = patches / patches.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return scaled


def _compute_random_features(images: ImageDataset, patches: Tensor) -> Tensor:
    """Return (images, 4 · filters) float32 features."""
    reach = patches.shape[-1] // 2
    height, width = images.image_size
    block = max(1, min(_BLOCK, _MOST_VALUES // (len(patches) * height * width)))
    pooled = [
        F.adaptive_avg_pool2d(F.conv2d(part.float() / 255, patches, padding=reach).relu(), 2).flatten(1)
        for part in images.images.split(block)
    ]
    return torch.cat(pooled)


def flatten_pixels(images: ImageDataset) -> Tensor:
    """Return pixels scaled to [0, 1], (images, pixels) float32."""
    return images.pixels.flatten(1).float() / 255


def standardise(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return both minus the mean of the first, over its deviation; columns that never vary become 0."""
    mean, scale = measure_spread(rows)
    return (rows - mean) * scale, (others - mean) * scale


def measure_spread(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of each column and one over its deviation, both (columns,); 0 where it never varies."""
    mean, std = rows.mean(0), rows.std(0, correction=0)
    return mean, torch.where(std > 1e-6, 1 / std.clamp_min(1e-6), torch.zeros_like(std))
