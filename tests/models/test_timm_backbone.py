"""Backbones of timm; skipped, saying why, where timm cannot be imported."""

import socket
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import loupe
from loupe.errors import LoupeError
from loupe.models import build_model
from loupe.models.timm_backbone import (
    find_backbone_normalization,
    find_timm_weights,
    load_timm,
    refuse_unreachable,
)
from loupe.running import load_recipe
from loupe.runs import RunFolder
from loupe.training.layer_decay import find_depths
from tests.models.buildable import find_timm_problem, needs_timm

SHAPES = [(1, (28, 28)), (3, (64, 48)), (4, (96, 96))]


@needs_timm
@pytest.mark.parametrize(
    "backbone", ["resnet18", "mobilenetv3_small_050", "convnext_atto", "vit_tiny_patch16_224"]
)
@pytest.mark.parametrize(("in_channels", "image_size"), SHAPES, ids=str)
def test_a_backbone_takes_any_size_and_channels(
    backbone: str, in_channels: int, image_size: tuple[int, int]
) -> None:
    if backbone.startswith(("vit", "convnext")) and min(image_size) < 32:
        pytest.skip("patches of 16, or five halvings, want larger images")
    model = build_model(
        "timm", in_channels=in_channels, image_size=image_size, num_classes=5, backbone=backbone
    )
    assert model(torch.randn(2, in_channels, *image_size)).shape == (2, 5)
    assert len(set(find_depths(model).values())) > 3, "layers with rates of their own"


@needs_timm
def test_an_unknown_backbone_names_the_nearest() -> None:
    with pytest.raises(LoupeError, match="no backbone 'resnet81'") as refused:
        build_model("timm", in_channels=3, image_size=(32, 32), num_classes=3, backbone="resnet81")
    assert str(refused.value.nearest).startswith("resnet")


@needs_timm
def test_the_normalisation_is_the_backbones() -> None:
    mean, std = find_backbone_normalization("resnet18", 3)
    assert mean == pytest.approx((0.485, 0.456, 0.406))
    assert find_backbone_normalization("resnet18", 1)[1] == pytest.approx((sum(std) / 3,))
    assert find_backbone_normalization("vit_tiny_patch16_224", 3)[0] == pytest.approx((0.5, 0.5, 0.5))


def put_into_cache(root: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Put weights where huggingface_hub keeps those of a backbone, as timm saves them."""
    from huggingface_hub import constants

    timm = load_timm()
    weights = timm.create_model(backbone, pretrained=False).state_dict()
    weights = {
        name: torch.randn_like(one) * 0.02 if one.is_floating_point() else one
        for name, one in weights.items()
    }
    weights = {name: one.abs() + 0.5 if "running_var" in name else one for name, one in weights.items()}
    place = timm.get_pretrained_cfg(backbone).hf_hub_id.replace("/", "--")
    snapshot = root / f"models--{place}" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    save_file(weights, snapshot / "model.safetensors")
    (root / f"models--{place}" / "refs").mkdir()
    (root / f"models--{place}" / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    return dict(weights)


@needs_timm
def test_weights_of_timms_cache_train_are_kept_and_the_normalisation_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = put_into_cache(tmp_path / "hub", "resnet18", monkeypatch)
    assert find_timm_weights("resnet18").name == "model.safetensors"
    quick = (
        "train.epochs=1",
        "data.fraction=0.1",
        "evaluate.look_inside=false",
        f"run.folder={tmp_path / 'runs'}",
    )
    recipe = {
        "model": {"name": "timm", "backbone": "resnet18"},
        "transfer": {"weights": "timm"},
        "train": {"layer_decay": 0.7},
    }
    run = loupe.train(recipe, *quick)
    notes = " ".join(run.read_result().notes)
    assert "brought to another shape (3 channels to 1): conv1.weight" in notes
    assert "not copied (new): fc" in notes
    assert "normalised as resnet18 of timm was" in notes
    kept = run.find_starting_weights()
    assert kept is not None
    assert torch.equal(load_file(kept)["layer1.0.conv1.weight"], weights["layer1.0.conv1.weight"])
    (tmp_path / "hub").rename(tmp_path / "gone")
    model, description = loupe.load_model(RunFolder(run.path))
    assert description["normalization"]["mean"] == pytest.approx([0.449], abs=1e-3)
    assert model(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


@needs_timm
def test_a_stated_normalisation_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_cache(tmp_path, "resnet18", monkeypatch)
    recipe = {"model": "timm", "transfer": {"weights": "timm"}}
    assert load_recipe(recipe).data.normalize == "backbone"
    assert load_recipe({**recipe, "data": {"normalize": "measured"}}).data.normalize == "measured"
    assert load_recipe({"model": "timm"}).data.normalize == "measured"


def test_a_server_that_is_away_is_told_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        refuse_unreachable(address)
    started = time.perf_counter()
    with pytest.raises(OSError, match="refused"):
        refuse_unreachable(address)
    assert time.perf_counter() - started < 5
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    refuse_unreachable(address)


@needs_timm
def test_weights_that_are_nowhere_say_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(LoupeError, match="not in timm's cache and cannot be fetched") as refused:
        find_timm_weights("resnet34")
    assert "transfer.weights" in str(refused.value.next_step)


@needs_timm
def test_layers_of_ours_fit_timms_by_name() -> None:
    """A small vision transformer takes DeiT's weights, positions brought to its grid."""
    from loupe.models.transfer import copy_weights_by_name

    theirs = load_timm().create_model("deit_tiny_patch16_224", pretrained=False).state_dict()
    ours = build_model(
        "vision-transformer", in_channels=3, image_size=(96, 96), num_classes=7, depth=12, patch=16
    )
    outcome = copy_weights_by_name(ours, theirs, new=["head"], fits_shapes=True)
    assert outcome.unused == ()
    assert set(outcome.skipped) == {"head.weight", "head.bias"}
    assert outcome.fitted == {"pos_embed": "14 x 14 patches to 6 x 6"}
    whole = build_model(
        "vision-transformer", in_channels=3, image_size=(224, 224), num_classes=1000, depth=12, patch=16
    )
    whole.load_state_dict(theirs)
    reference = load_timm().create_model("deit_tiny_patch16_224", pretrained=False)
    reference.load_state_dict(theirs)
    images = torch.randn(2, 3, 224, 224)
    assert torch.allclose(whole.eval()(images), reference.eval()(images), atol=1e-4)


@needs_timm
def test_mobile_net_computes_what_torchvisions_computes() -> None:
    from torchvision.models import mobilenet_v2

    theirs = mobilenet_v2().eval()
    ours = build_model("mobile-net", in_channels=3, image_size=(96, 96), num_classes=1000).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 96, 96)
    assert torch.allclose(ours(images), theirs(images), atol=1e-4)


@pytest.mark.skipif(not find_timm_problem(), reason="timm is there")
def test_without_timm_the_recipe_says_what_to_install() -> None:
    with pytest.raises(LoupeError, match="needs the library timm") as refused:
        load_recipe({"model": "timm"})
    assert "loupe-bench[timm]" in str(refused.value.next_step)
