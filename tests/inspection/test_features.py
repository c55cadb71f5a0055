import importlib.util
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from loupe.data.batches import Batch
from loupe.errors import LoupeError
from loupe.inspection import compute_features, embed, find_neighbours
from loupe.inspection.features import MapMethod


def make_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(16, 5), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(5, 3)
    )


def some_batches(*sizes: int) -> list[Batch]:
    return [Batch(torch.randn(size, 1, 4, 4), torch.zeros(size, dtype=torch.int64)) for size in sizes]


def test_features_are_what_the_head_is_given() -> None:
    model, batches = make_network().train(), some_batches(4, 3)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    features = torch.cat(list(compute_features(model, batches, "4")))
    expected = [model[1](batch.images.flatten(1)).relu() for batch in batches]
    torch.testing.assert_close(features, torch.cat(expected))
    assert model.training
    assert not model[4]._forward_pre_hooks
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_features_of_a_map_are_flattened() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    (features,) = compute_features(model, some_batches(4), "1")
    assert features.shape == (4, 2 * 2 * 2)


def test_a_layer_that_is_not_called_has_no_features() -> None:
    model = nn.ModuleDict({"used": nn.Linear(4, 2), "unused": nn.Linear(2, 2)})
    model.forward = lambda images: model["used"](images.mean(1))  # type: ignore[method-assign]  # on purpose
    with pytest.raises(LoupeError, match="has no features") as caught:
        list(compute_features(model, some_batches(2), "unused"))
    assert caught.value.got == "a layer that is not called"


@given(st.integers(0, 2**31), st.integers(1, 5), st.sampled_from(["cosine", "euclidean"]))
def test_neighbours_are_those_of_a_full_search_however_it_is_cut(seed: int, k: int, distance: str) -> None:
    generator = torch.Generator().manual_seed(seed)
    features, others = (torch.randn(count, 3, generator=generator) for count in (4, 9))
    found = find_neighbours(features, others.split(4), k, distance)
    for number, feature in enumerate(features):
        if distance == "cosine":
            cosines = [float(one @ feature / one.norm() / feature.norm()) for one in others]
            far = [1 - one for one in cosines]
        else:
            far = [math.dist(one.tolist(), feature.tolist()) for one in others]
        nearest = sorted(range(9), key=far.__getitem__)[:k]
        assert found.indices[number].tolist() == nearest
        assert found.distances[number].tolist() == pytest.approx([far[one] for one in nearest], abs=1e-5)


def test_equal_images_are_found_first_and_features_of_nothing_are_far_from_all() -> None:
    others = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    found = find_neighbours(torch.tensor([[3.0, 0.0], [0.0, 0.0]]), others.split(3), k=2)
    assert found.indices.tolist() == [[1, 2], [0, 1]]
    assert found.distances.tolist() == [[0, 0], [1, 1]]
    exact = find_neighbours(others[2:3], [others], k=9, distance="euclidean")
    assert exact.indices.tolist() == [[2, 1, 0, 3]]
    assert exact.distances[0, 0] == 0


@pytest.mark.parametrize("width", [3, 40])
def test_the_map_has_the_principal_components_worked_out_otherwise(width: int) -> None:
    features = torch.randn(12, width, generator=torch.Generator().manual_seed(1)) * torch.linspace(
        3, 1, width
    )
    embedded = embed(features)
    centred = (features - features.mean(0)).double()
    left, values, _ = torch.linalg.svd(centred, full_matrices=False)
    torch.testing.assert_close(
        embedded.positions.abs().double(), (left * values)[:, :2].abs(), atol=1e-4, rtol=1e-4
    )
    shares = values.square() / values.square().sum()
    assert embedded.variance == pytest.approx(shares[:2].tolist())
    assert torch.equal(embed(features.clone()).positions, embedded.positions)
    mirrored = embed(-features).positions  # the sign is fixed by the directions, not by chance
    torch.testing.assert_close(mirrored, -embedded.positions, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 4), (5, 1), (4, 3)])
def test_little_and_equal_features_are_mapped_too(shape: tuple[int, int]) -> None:
    embedded = embed(torch.ones(shape))
    assert embedded.positions.tolist() == [[0, 0]] * shape[0]
    assert embedded.variance == (0, 0)


@pytest.mark.parametrize(
    ("method", "module", "package"), [("tsne", "sklearn", "scikit-learn"), ("umap", "umap", "umap-learn")]
)
def test_a_map_that_needs_a_package_names_it(method: MapMethod, module: str, package: str) -> None:
    if importlib.util.find_spec(module):
        pytest.skip(f"{package} is installed")
    with pytest.raises(LoupeError) as caught:
        embed(torch.randn(5, 3), method)
    assert str(caught.value) == (
        f"This map needs the package {package}.\n  got: no module {module}\n"
        f'  allowed: the method "pca", or an installed package\n  next: pip install {package}'
    )
