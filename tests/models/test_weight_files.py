"""Weights from elsewhere: what a file may hold, and how it is brought to fit."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from loupe.errors import LoupeError
from loupe.models.transfer import copy_weights_by_name
from loupe.models.weight_files import read_weight_file, rename_weights
from loupe.models.weight_fitting import fit_tensor

WEIGHTS = {"conv.weight": torch.randn(4, 3, 3, 3), "fc.bias": torch.randn(5)}


def check_equal(found: dict[str, Tensor], wanted: dict[str, Tensor] = WEIGHTS) -> None:
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        {"state_dict": WEIGHTS, "epoch": 3},
        {"model": {"state_dict": WEIGHTS}, "args": {"lr": 0.1}},
        {"module." + name: one for name, one in WEIGHTS.items()},
        {"_orig_mod." + name: one for name, one in WEIGHTS.items()},
    ],
)
@pytest.mark.parametrize("is_old", [False, True])
def test_torch_files_of_the_usual_kinds(tmp_path: Path, content: object, is_old: bool) -> None:
    torch.save(content, tmp_path / "weights.pth", _use_new_zipfile_serialization=not is_old)
    check_equal(read_weight_file(tmp_path / "weights.pth"))


def test_safetensors_by_content_whatever_the_name(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "weights.bin")
    check_equal(read_weight_file(tmp_path / "weights.bin"))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (open, (str(self.place), "w"))  # what an attacker would write


@pytest.mark.parametrize("is_old", [False, True])
def test_nothing_in_a_file_is_run(tmp_path: Path, is_old: bool) -> None:
    sprung = tmp_path / "sprung"
    file = tmp_path / "weights.pt"
    torch.save({"w": torch.zeros(1), "trap": Trap(sprung)}, file, _use_new_zipfile_serialization=not is_old)
    with pytest.raises(LoupeError, match="would run code"):
        read_weight_file(file)
    file.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(LoupeError):
        read_weight_file(file)
    assert not sprung.exists()


def test_a_whole_network_is_refused_with_the_way_out(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "net.pt")
    with pytest.raises(LoupeError, match="would run code") as refused:
        read_weight_file(tmp_path / "net.pt")
    assert "state_dict" in str(refused.value.next_step)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no file with weights"),
        (b"hello, these are no weights", "no file with weights"),
        (b"PK\x03\x04 broken", "no file with weights"),
        ((200).to_bytes(8, "little") + b"{ broken", "cannot be read"),
    ],
)
def test_files_of_other_kinds_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "odd.pt").write_bytes(content)
    with pytest.raises(LoupeError, match=message):
        read_weight_file(tmp_path / "odd.pt")


def test_files_that_are_not_there_or_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match="There is no file"):
        read_weight_file(tmp_path / "none.pt")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    with pytest.raises(LoupeError, match="holds no weights"):
        read_weight_file(tmp_path / "empty.pt")


def test_names_are_renamed_by_the_longest_beginning() -> None:
    weights = {name: torch.zeros(1) for name in ("backbone.conv.weight", "backbone.fc.bias", "other.bias")}
    renamed = rename_weights(weights, {"backbone": "", "backbone.fc": "head"})
    assert sorted(renamed) == ["conv.weight", "head.bias", "other.bias"]
    assert sorted(rename_weights(weights, {"": "net"})) == [
        "net.backbone.conv.weight",
        "net.backbone.fc.bias",
        "net.other.bias",
    ]


@pytest.mark.parametrize(
    ("prefixes", "message"),
    [({"encoder": ""}, "begins with 'encoder'"), ({"back": ""}, "begins with 'back'"), ({"a": "b"}, "'b.x'")],
)
def test_renaming_that_fits_nothing_or_collides_is_refused(prefixes: dict[str, str], message: str) -> None:
    weights = {name: torch.zeros(1) for name in ("backbone.w", "a.x", "b.x")}
    with pytest.raises(LoupeError, match=message):
        rename_weights(weights, prefixes)


def test_filters_for_colour_fit_grey_images_and_more_channels() -> None:
    filters = torch.randn(4, 3, 3, 3)
    grey = torch.rand(2, 1, 8, 8)
    fit = fit_tensor("conv.weight", filters, torch.zeros(4, 1, 3, 3))
    assert fit is not None
    as_colour = nn.functional.conv2d(grey.expand(2, 3, 8, 8), filters)
    assert torch.allclose(nn.functional.conv2d(grey, fit[0]), as_colour, atol=1e-5)
    six = fit_tensor("conv.weight", filters, torch.zeros(4, 6, 3, 3))
    assert six is not None
    twice = torch.rand(2, 3, 8, 8)
    assert torch.allclose(
        nn.functional.conv2d(twice.repeat(1, 2, 1, 1), six[0]),
        nn.functional.conv2d(twice, filters),
        atol=1e-5,
    )
    assert fit_tensor("conv.weight", filters, torch.zeros(4, 1, 5, 5)) is None


def test_positions_keep_their_token_and_smooth_pictures_their_shape() -> None:
    rows = torch.linspace(-1, 1, 14)
    picture = torch.stack([rows[:, None].expand(14, 14), rows[None].expand(14, 14)], -1).reshape(1, 196, 2)
    theirs = torch.cat([torch.tensor([[[7.0, 8.0]]]), picture], 1)
    fit = fit_tensor("pos_embed", theirs, torch.zeros(1, 1 + 49, 2))
    assert fit is not None
    assert fit[0][0, 0].tolist() == [7.0, 8.0]
    grid = fit[0][0, 1:].reshape(7, 7, 2)
    assert torch.allclose(grid[1:-1, 0, 0], rows.reshape(7, 2).mean(1)[1:-1], atol=0.02)
    assert fit_tensor("pos_embed", theirs, torch.zeros(1, 1 + 48, 2)) is None


def test_what_is_fitted_is_said_and_other_shapes_are_skipped() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.Linear(2, 3))
    weights = {"0.weight": torch.randn(4, 3, 3, 3), "1.weight": torch.randn(9, 2), "old.bias": torch.zeros(1)}
    outcome = copy_weights_by_name(model, weights, fits_shapes=True)
    assert outcome.fitted == {"0.weight": "3 channels to 1"}
    assert outcome.skipped["1.weight"] == "3 x 2 here, 9 x 2 there"
    assert outcome.unused == ("old.bias",)
    assert torch.equal(model[0].weight, weights["0.weight"].sum(1, keepdim=True))
