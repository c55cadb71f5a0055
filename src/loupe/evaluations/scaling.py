"""Probabilities set right: a network's logits scaled so that 90 % sure is right nine times of ten.

Fitted on validation images only, kept with a run, and applied behind the network: what it says stays the
network's, only how sure it is changes (isotonic regression may change the class too).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from loupe.metrics import Predictions
from loupe.statistics.calibration import fit_isotonic

ScalingMethod = Literal["none", "temperature", "vector", "isotonic"]
METHODS: tuple[ScalingMethod, ...] = ("none", "temperature", "vector", "isotonic")
FEWEST_OF_CLASS = 20
"""Images of each class below which no method is chosen that bends classes one by one."""
FEWEST_ISOTONIC = 1_000
"""Images below which isotonic regression is not chosen: it follows few too closely (scikit-learn's guide)."""
_COLDEST, _HOTTEST = 0.05, 20.0
_LEAST = 1e-6  # a probability is never 0: that would claim certainty from a few images
_PULL = 0.01  # of vector scaling towards no scaling, per image
_KNOTS = 200
_MOST_FITTED = 5_000_000  # images x classes a scaling is fitted to
_MOST_AT_ONCE = 4_000_000  # images x classes x knots in memory


class Scaling(nn.Module):
    """Logits in, logits out: (batch, classes) float each, whose softmax is better calibrated.

    Args:
        method: how.
        parameters: "temperature": `temperature` (1,). "vector": `weight` and `bias` (classes,). "isotonic":
            `said` and `right`, (classes, knots) each: probabilities, and what they are set to, ascending.
    """

    def __init__(self, method: ScalingMethod, parameters: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.method = method
        for name, one in (parameters or {}).items():
            self.register_buffer(name, one.float())

    @property
    def temperature_value(self) -> float:
        """The temperature, > 0."""
        return float(self.get_buffer("temperature"))

    def forward(self, logits: Tensor) -> Tensor:
        if self.method == "temperature":
            return logits / self.get_buffer("temperature")
        if self.method == "vector":
            return logits * self.get_buffer("weight") + self.get_buffer("bias")
        if self.method == "isotonic":
            return self._set_right(logits.softmax(1)).clamp_min(_LEAST).log()
        return logits

    def _set_right(self, probabilities: Tensor) -> Tensor:
        """Return each class's probability on the straight lines between its knots."""
        said, right = self.get_buffer("said"), self.get_buffer("right")
        num_classes, num_knots = said.shape
        passed = (probabilities[:, :, None] >= said).sum(2)
        after = passed.clamp(1, num_knots - 1) + num_knots * torch.arange(num_classes, device=said.device)
        ends = [one.flatten()[after - step] for one in (said, right) for step in (1, 0)]
        share = ((probabilities - ends[0]) / (ends[1] - ends[0]).clamp_min(1e-12)).clamp(0, 1)
        return ends[2] + share * (ends[3] - ends[2])

    def apply_to(self, answers: Predictions) -> Predictions:
        """Return answers with their logits scaled."""
        knots = self.get_buffer("said").shape[1] if self.method == "isotonic" else 1
        rows = max(1, _MOST_AT_ONCE // (answers.num_classes * knots))
        with torch.no_grad():
            scaled = [self(part) for part in answers.logits.split(rows)]
        return Predictions(answers.labels, torch.cat(scaled))

    def describe(self) -> str:
        """Return what it does in a few words."""
        if self.method == "temperature":
            return f"temperature {self.temperature_value:.3g}"
        return {
            "none": "as the network says",
            "vector": "vector scaling",
            "isotonic": "isotonic regression",
        }[self.method]

    def to_dict(self) -> dict[str, Any]:
        """Return method and parameters as plain values."""
        return {
            "method": self.method,
            "parameters": {name: one.tolist() for name, one in self.named_buffers()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], num_classes: int) -> "Scaling":
        """Return the scaling `to_dict` gave.

        Raises:
            ValueError: it is none, or one for another number of classes.
            KeyError: something is missing.
        """
        method, parameters = values["method"], values["parameters"]
        names = _NAMES[method]
        tensors = {name: torch.tensor(parameters[name], dtype=torch.float32) for name in names}
        for name, one in tensors.items():
            is_one = name == "temperature"
            if one.shape[:1] != (1 if is_one else num_classes,) or not bool(one.isfinite().all()):
                raise ValueError(f"{name} of shape {tuple(one.shape)} for {num_classes} classes")
        if method == "temperature" and not float(tensors["temperature"]) > 0:
            raise ValueError("a temperature that is not above 0")
        if method == "isotonic" and (
            tensors["said"].shape != tensors["right"].shape or tensors["said"].shape[-1] < 2
        ):
            raise ValueError("knots that are no pairs")
        return cls(method, tensors)


_NAMES: dict[str, tuple[str, ...]] = {
    "none": (),
    "temperature": ("temperature",),
    "vector": ("weight", "bias"),
    "isotonic": ("said", "right"),
}


def limit_answers(answers: Predictions) -> Predictions:
    """Return the answers a scaling is fitted to: all, or of millions of probabilities a part drawn once.

    Args:
        answers: of any images; a part that was drawn already is returned as it is.
    """
    most = max(1, _MOST_FITTED // answers.num_classes)
    if len(answers.labels) <= most:
        return answers
    order = torch.randperm(len(answers.labels), generator=torch.Generator().manual_seed(0))
    drawn = order[:most].sort().values
    return Predictions(answers.labels[drawn], answers.logits[drawn])


def fit_scaling(answers: Predictions, method: ScalingMethod) -> Scaling:
    """Return the scaling that suits answers best.

    Args:
        answers: of images the network did not train on; where these have millions of probabilities, a part
            is used (`limit_answers`).
        method: "temperature" (one number; Guo et al., 2017), "vector" (a factor and a shift a class; there
            too), "isotonic" (a rising curve a class, classes against the rest; Zadrozny and Elkan, 2002).
    """
    fits = {"temperature": _fit_temperature, "vector": _fit_vector, "isotonic": _fit_isotonic}
    return fits[method](limit_answers(answers)) if method in fits else Scaling("none")


def measure_loss(answers: Predictions) -> float:
    """Return the mean negative log likelihood, in nats."""
    return float(answers.losses.mean())


def _fit_temperature(answers: Predictions) -> Scaling:
    from scipy.optimize import minimize_scalar  # here: whoever fits nothing need not wait for it

    logits, labels = answers.logits.double(), answers.labels

    def measure(log_temperature: float) -> float:
        return float(nn.functional.cross_entropy(logits / np.exp(log_temperature), labels))

    ends = np.log(_COLDEST), np.log(_HOTTEST)
    found = minimize_scalar(measure, bounds=ends, method="bounded", options={"xatol": 1e-5})
    return Scaling("temperature", {"temperature": torch.tensor([float(np.exp(found.x))])})


def _fit_vector(answers: Predictions) -> Scaling:
    from scipy.optimize import minimize

    logits, labels = answers.logits.double(), answers.labels
    num_classes = answers.num_classes

    def measure(flat: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, object]:
        both = torch.tensor(flat, dtype=torch.float64).view(2, num_classes).requires_grad_()
        with torch.enable_grad():
            loss = nn.functional.cross_entropy(logits * both[0] + both[1], labels)
            loss = loss + _PULL * ((both[0] - 1).square().sum() + both[1].square().sum()) / 2
            (gradient,) = torch.autograd.grad(loss, both)
        return float(loss.detach()), gradient.flatten().numpy()

    start = np.concatenate([np.ones(num_classes), np.zeros(num_classes)])
    found = torch.from_numpy(minimize(measure, start, jac=True, method="L-BFGS-B").x).view(2, num_classes)
    return Scaling("vector", {"weight": found[0], "bias": found[1]})


def _fit_isotonic(answers: Predictions) -> Scaling:
    probabilities = answers.logits.double().softmax(1)
    curves = [
        _fit_curve(probabilities[:, label].numpy(), (answers.labels == label).double().numpy())
        for label in range(answers.num_classes)
    ]
    most = max(len(said) for said, _ in curves)
    said, right = (torch.stack([_pad(curve[side], most) for curve in curves]) for side in (0, 1))
    return Scaling("isotonic", {"said": said, "right": right})


def _fit_curve(said: Any, truth: Any) -> tuple[list[float], list[float]]:
    """Return the knots of an isotonic regression: where its level changes, at most so many."""
    levels, fitted, _ = fit_isotonic(said, truth)
    # of each stretch of one level its ends, as scikit-learn keeps them
    is_end = np.ones(len(levels), dtype=bool)
    is_end[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
    kept = np.flatnonzero(is_end)
    if len(kept) > _KNOTS:
        kept = kept[np.linspace(0, len(kept) - 1, _KNOTS).round().astype(int)]
    return levels[kept].tolist(), fitted[kept].tolist()


def _pad(values: Sequence[float], length: int) -> Tensor:
    """Return values with the last one repeated; at least two."""
    return torch.tensor([*values, *[values[-1]] * (max(2, length) - len(values))])


def scale_out_of_fold(
    answers: Predictions, method: ScalingMethod, seed: int, num_folds: int = 5
) -> Predictions:
    """Return answers of which each fold is scaled by what the other folds say; order and labels stay.

    Args:
        answers: of images the network did not train on.
        method: of scaling.
        seed: of the folds.
        num_folds: ≥ 2; fewer where there are fewer images.
    """
    total = len(answers.labels)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(seed))
    logits = torch.empty_like(answers.logits)
    for fold in order.chunk(min(num_folds, total)):
        is_other = torch.ones(total, dtype=torch.bool)
        is_other[fold] = False
        others = Predictions(answers.labels[is_other], answers.logits[is_other])
        held = Predictions(answers.labels[fold], answers.logits[fold])
        scaling = fit_scaling(others, method) if len(others.labels) else Scaling("none")
        logits[fold] = scaling.apply_to(held).logits
    return Predictions(answers.labels, logits)


def choose_scaling(answers: Predictions, seed: int) -> tuple[Scaling, dict[ScalingMethod, float]]:
    """Return the scaling with the least loss on folds it was not fitted on, and the loss of each method.

    Of few images only temperature scaling is chosen: what bends classes one by one follows the images it was
    fitted to, and makes other ones, which differ a little, surely wrong (`list_choosable`).

    Args:
        answers: of validation images; where these have millions of probabilities, a part is used
            (`limit_answers`).
        seed: of the folds.
    """
    answers = limit_answers(answers)
    losses = {method: measure_loss(scale_out_of_fold(answers, method, seed)) for method in METHODS}
    best = min(list_choosable(answers.labels, answers.num_classes), key=losses.__getitem__)
    return fit_scaling(answers, best), losses


def list_choosable(labels: Tensor, num_classes: int) -> list[ScalingMethod]:
    """Return the methods that so many images are enough for: `FEWEST_OF_CLASS` and `FEWEST_ISOTONIC`."""
    least = int(torch.bincount(labels, minlength=num_classes).min())
    found: list[ScalingMethod] = ["none", "temperature"]
    if least >= FEWEST_OF_CLASS:
        found.append("vector")
        found += ["isotonic"] if len(labels) >= FEWEST_ISOTONIC else []
    return [one for one in METHODS if one in found]
