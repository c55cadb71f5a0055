"""Where a small network's step goes: plain PyTorch, Loupe, and the same step written out by hand, in turn.

usage: python bench/small_step.py [--rounds N] [--batch N] [--threads N]

Batches of 28 x 28 pixels through two convolutions and two dense layers, cross-entropy, SGD. Three tables:

- a step of each way: with one thread in processor time, so that other work on the machine counts less, with
  more threads by the clock; with a batch of two as well, whose arithmetic costs next to nothing, so that what
  is left is there for any batch;
- Loupe's step by part;
- operators of plain PyTorch's and of Loupe's step, by torch's profiler: medians of single calls times calls.

"One node" has the network's gradients written out in one function, for this network only; "no autograd"
leaves out autograd, modules and optimizer as well. Both compute what Loupe computes: so much is to be gained
at most with torch's own kernels. All keep freed memory, as Loupe's runs do.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from loupe import build_model
from loupe.data.batches import Batch
from loupe.models.layers.fast_max_pool import share_out
from loupe.runtime import describe_device, keeping_freed_memory
from loupe.training import Classification, TrainingPlan, build_optimizer, build_schedule
from loupe.training.state import TrainingState
from loupe.training.step import TrainingStep

CLASSES, RATE, STEPS = 5, 0.02, 4
_gradient_of_convolution = torch.ops.aten.convolution_backward
_threshold = torch.ops.aten.threshold_backward.grad_input
_CORNERS = (433, 222, 36, 36, 6, 1)  # strides of 5 x 5 kernels in the corners of 6 x 6, by column and row


def take_weight_gradient(gradient: Tensor, images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Return the gradient of a convolution's kernels."""
    wanted = [False, True, False]
    found: Tensor = _gradient_of_convolution(
        gradient, images, weight, None, [stride] * 2, [0, 0], [1, 1], False, [0, 0], 1, wanted
    )[1]
    return found


class OneNode(torch.autograd.Function):
    """The whole network, for the batch's logits, with its gradients in a row."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, *weights: Tensor) -> Tensor:
        logits, kept = run_forward(images, weights)
        ctx.save_for_backward(images, *weights, *kept)
        return logits

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        images, *rest = ctx.saved_tensors
        return None, *run_backward(images, rest[:8], rest[8:], gradient)


def run_forward(images: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Return the logits, and what the gradients need to know."""
    first, first_bias, second, second_bias, dense, dense_bias, last, last_bias = weights
    four = first.new_zeros(24, 1, 6, 6)
    four.as_strided((2, 2, 6, 1, 5, 5), _CORNERS).copy_(first)
    upper, lower = F.conv2d(images, four, first_bias.repeat(4), 2).unflatten(1, (2, 2, 6)).unbind(2)
    left, right = torch.maximum(upper, lower).unbind(1)
    differences, maps = [lower - upper, right - left], torch.maximum(left, right).relu_()
    convolved = F.conv2d(maps, second, second_bias)
    upper, lower = convolved[..., 0::2, :], convolved[..., 1::2, :]
    rows = torch.maximum(upper, lower)
    left, right = rows[..., 0::2], rows[..., 1::2]
    differences += [lower - upper, right - left]
    pooled = torch.maximum(left, right).relu_()
    hidden = torch.addmm(dense_bias, pooled.flatten(1), dense.t()).relu_()
    return torch.addmm(last_bias, hidden, last.t()), [*differences, maps, pooled, hidden]


def run_backward(
    images: Tensor, weights: Sequence[Tensor], kept: Sequence[Tensor], gradient: Tensor
) -> list[Tensor]:
    """Return the gradients of the weights, in their order."""
    _, _, second, _, dense, _, last, _ = weights
    first_rows, first_columns, second_rows, second_columns, maps, pooled, hidden = kept
    found = [gradient.sum(0), gradient.t().mm(hidden)]
    gradient = gradient.mm(last)
    _threshold(gradient, hidden, 0.0, grad_input=gradient)
    found += [gradient.sum(0), gradient.t().mm(pooled.flatten(1))]
    gradient = gradient.mm(dense).view_as(pooled)
    _threshold(gradient, pooled, 0.0, grad_input=gradient)
    of_rows = torch.empty_like(second_rows)
    share_out(gradient, second_columns, of_rows[..., 0::2], of_rows[..., 1::2])
    of_maps = gradient.new_empty(len(gradient), 12, 8, 8)
    share_out(of_rows, second_rows, of_maps[..., 0::2, :], of_maps[..., 1::2, :])
    last_axis = [one.contiguous(memory_format=torch.channels_last) for one in (of_maps, maps)]
    found += [gradient.sum((0, 2, 3)), take_weight_gradient(*last_axis, second, 1).contiguous()]
    gradient = F.conv2d(of_maps, second.flip(2, 3).transpose(0, 1), padding=4)
    _threshold(gradient, maps, 0.0, grad_input=gradient)
    columns = torch.empty_like(first_rows)
    share_out(gradient, first_columns, *columns.unbind(1))
    corners = gradient.new_empty(len(gradient), 2, 2, 6, 12, 12)
    share_out(columns, first_rows, *corners.unbind(2))
    of_four = take_weight_gradient(corners.flatten(1, 3), images, gradient.new_empty(24, 1, 6, 6), 2)
    found += [gradient.sum((0, 2, 3)), of_four.as_strided((2, 2, 6, 1, 5, 5), _CORNERS).sum((0, 1))]
    return found[::-1]


def build_plain() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 12, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(192, 80), nn.ReLU(), nn.Linear(80, CLASSES),
    )  # fmt: skip


class Ways:
    """A step of each way on one batch; the weights move, and nothing depends on where they are."""

    def __init__(self, batch_size: int) -> None:
        torch.manual_seed(0)
        self.batch = Batch(torch.randn(batch_size, 1, 28, 28), torch.randint(CLASSES, (batch_size,)))
        self.plain, self.model = build_plain(), self._build()
        self.plain_optimizer = torch.optim.SGD(self.plain.parameters(), lr=RATE)
        schedule = build_schedule("constant", num_epochs=1, steps_per_epoch=1)
        optimizer = build_optimizer("sgd", self.model.parameters(), learning_rate=RATE, momentum=0.0)
        state = TrainingState(self.model, optimizer, None, None, None)
        self.step = TrainingStep(TrainingPlan(1, schedule, Classification()), state)
        self.by_hand = list(self._build().parameters())
        self.hand_optimizer = build_optimizer("sgd", self.by_hand, learning_rate=RATE, momentum=0.0)

    @staticmethod
    def _build() -> nn.Module:
        return build_model("cnn", in_channels=1, image_size=(28, 28), num_classes=CLASSES)

    def take_plain_step(self) -> None:
        F.cross_entropy(self.plain(self.batch.images), self.batch.labels).backward()
        self.plain_optimizer.step()
        self.plain_optimizer.zero_grad()

    def take_loupe_step(self) -> None:
        self.step.begin(0, [])
        loss, _ = self.step.compute_gradients(self.batch)
        loss.item()
        self.step.update(1)

    def take_one_node_step(self) -> None:
        logits = OneNode.apply(self.batch.images, *self.by_hand)
        loss = F.cross_entropy(logits, self.batch.labels)
        loss.backward()
        loss.item()
        self.hand_optimizer.step()
        self.hand_optimizer.zero_grad()

    @torch.no_grad()
    def take_bare_step(self) -> None:
        images, labels = self.batch
        logits, kept = run_forward(images, self.by_hand)
        answers = torch.log_softmax(logits, 1)
        F.nll_loss(answers, labels).item()
        gradient = answers.exp_()
        gradient[torch.arange(len(labels)), labels] -= 1
        gradients = run_backward(images, self.by_hand, kept, gradient.div_(len(labels)))
        torch._foreach_add_(self.by_hand, gradients, alpha=-RATE)

    def all(self) -> dict[str, Callable[[], None]]:
        return {
            "plain PyTorch": self.take_plain_step,
            "Loupe": self.take_loupe_step,
            "one node": self.take_one_node_step,
            "no autograd": self.take_bare_step,
        }


def check(ways: Ways) -> None:
    """Refuse gradients by hand that are not Loupe's."""
    ways.step.compute_gradients(ways.batch)
    theirs = [one.grad for one in ways.model.parameters()]
    logits = OneNode.apply(ways.batch.images, *ways.model.parameters())
    ours = torch.autograd.grad(F.cross_entropy(logits, ways.batch.labels), list(ways.model.parameters()))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    ways.model.zero_grad()


def time_in_turn(tasks: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Return microseconds of one call of each, a mean a round; a few calls at a time."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        sums = dict.fromkeys(tasks, 0.0)
        for _ in range(15):
            for name, task in tasks.items():
                task()
                started = clock()
                for _ in range(STEPS):
                    task()
                sums[name] += clock() - started
        for name, value in sums.items():
            seconds[name].append(1e6 * value / 15 / STEPS)
    return seconds


def time_parts(ways: Ways, steps: int) -> dict[str, float]:
    """Return the median microseconds of each part of Loupe's step, by the processor's clock."""
    step, batch, clock = ways.step, ways.batch, time.process_time
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(steps):
        marks = [clock()]
        step.begin(0, [])
        marks.append(clock())
        outputs, loss = step.forward(batch)
        marks.append(clock())
        loss.backward()
        marks.append(clock())
        step.plan.objective.correct(outputs, batch)
        loss.item()
        marks.append(clock())
        step.update(1)
        marks.append(clock())
        names = ("schedule", "forward and loss", "backward", "right answers", "weights")
        for name, start, end in zip(names, marks, marks[1:], strict=False):
            times[name].append(1e6 * (end - start))
    return {name: statistics.median(values) for name, values in times.items()}


KINDS = {
    "convolutions, forward": ("mkldnn_convolution", "thnn_conv", "slow_conv"),
    "convolutions, gradients": ("convolution_backward",),
    "pooling": ("max_pool",),
    "matrix products": ("::mm", "::addmm"),
    "comparing, adding, rectifying": (
        "maximum", "::sub", "threshold", "relu", "clamp_min", "::add", "::sum", "::gt", "where", "::mul",
    ),
    "copying and filling": ("copy_", "fill_", "zero_", "scatter", "index", "flip", "repeat"),
    "loss": ("softmax", "nll_loss"),
    "views and memory": (
        "empty", "as_strided", "view", "slice", "select", "resize", "::t", "expand", "unbind",
    ),
}  # fmt: skip


def count_operators(task: Callable[[], None], steps: int) -> dict[str, tuple[float, float]]:
    """Return microseconds and calls a step of each kind of operator."""
    for _ in range(5):
        task()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(steps):
            task()
    times: dict[str, list[float]] = defaultdict(list)
    for event in profiled.events():
        if event.name.startswith(("aten::", "torch::")):
            times[event.name].append(event.self_cpu_time_total)
    found: dict[str, tuple[float, float]] = dict.fromkeys((*KINDS, "others"), (0.0, 0.0))
    for name, values in times.items():
        kind = next((one for one, parts in KINDS.items() if any(part in name for part in parts)), "others")
        calls = len(values) / steps
        found[kind] = (found[kind][0] + calls * statistics.median(values), found[kind][1] + calls)
    return found


def show(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with keeping_freed_memory():
        print(f"{describe_device(torch.device('cpu'))}, torch {torch.__version__}, {arguments.rounds} rounds")
        for size in (arguments.batch, 2):
            ways = Ways(size)
            check(ways)
            times = time_in_turn(ways.all(), arguments.rounds)
            print(f"\n| batch of {size} | microseconds a step | plain / this |\n|---|---|---|")
            for name, values in times.items():
                ratios = [plain / one for plain, one in zip(times["plain PyTorch"], values, strict=True)]
                print(f"| {name} | {show(values, 0)} | {show(ratios, 2)} |")
        ways = Ways(arguments.batch)
        print("\n| part of Loupe's step | CPU microseconds |\n|---|---|")
        for name, value in time_parts(ways, 300).items():
            print(f"| {name} | {value:,.0f} |")
        plain, loupe = (count_operators(task, 100) for task in (ways.take_plain_step, ways.take_loupe_step))
        print("\n| operators | plain: microseconds, calls | Loupe: microseconds, calls |\n|---|---|---|")
        for kind in plain:
            cells = (f"{times[kind][0]:,.0f}, {times[kind][1]:,.0f}" for times in (plain, loupe))
            print(f"| {kind} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
