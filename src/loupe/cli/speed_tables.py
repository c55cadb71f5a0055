"""Measured speed as rows of text."""

from collections.abc import Sequence

from loupe.benchmarking.report import Measurement, SpeedReport, Stage

HEADINGS = (
    "stage", "images/s", "range", "ms a batch", "MFLOP an image", "GFLOP/s", "of the product", "range",
)  # fmt: skip
RIGHT = tuple(range(1, len(HEADINGS)))
_BELOW_NOISE = "below the noise"  # of a difference of times that came out negative: it was not measured


def describe_stages(report: SpeedReport) -> list[tuple[str, ...]]:
    """Return a row of text for each stage, and for what the device does at best."""
    rows = [_describe_stage(report, stage) for stage in report.stages]
    for yardstick in (report.product, report.largest):
        if yardstick is not None:
            rate = yardstick.flops_per_second
            rows.append((yardstick.name, "", "", "", "", f"{rate.median / 1e9:,.1f}", "", ""))
    return rows


def describe_speed(report: SpeedReport) -> list[str]:
    """Return what else was measured, line by line; the last says what the recipe is bound by."""
    steps = report.steps_per_second
    lines = [
        f"{report.device}, {report.precision}{', compiled' if report.is_compiled else ''}; batches of "
        f"{report.batch_size} (evaluation {report.evaluation_batch_size}), {report.num_rounds} rounds in "
        "turn; medians, smallest and largest",
        f"steps a second: {steps.median:,.2f} ({steps.low:,.2f} to {steps.high:,.2f})",
    ]
    if report.batch_size < report.recipe_batch_size:
        lines.append(
            f"batches cut from {report.recipe_batch_size:,} images to {report.batch_size:,}, so that enough "
            "of them fit into the time; larger ones may be faster an image"
        )
    if report.other_epochs:
        lines.append(
            f"measured with whole images and every layer training; some epochs differ: "
            f"{'; '.join(report.other_epochs)}"
        )
    if report.peak_memory_bytes is not None:
        whose = "of the process" if report.device.startswith("CPU") else "on the device"
        lines.append(f"peak memory {whose}: {report.peak_memory_bytes / 2**20:,.0f} MiB")
    if report.compile_seconds is not None:
        lines.append(f"compiling: {report.compile_seconds:.1f} s, in the first step")
    return [*lines, report.sentence]


def _describe_stage(report: SpeedReport, stage: Stage) -> tuple[str, ...]:
    size = report.evaluation_batch_size if stage.name == "evaluate" else report.batch_size
    milliseconds = 1000 * size * stage.seconds_per_image.median
    speed, rate, share = stage.images_per_second, stage.flops_per_second, stage.share_of_product
    return (
        stage.name,
        f"{speed.median:,.0f}" if speed else "",
        _write_range(speed, "{:,.0f}") if speed else "",
        f"{milliseconds:,.3f}" if milliseconds >= 0 else _BELOW_NOISE,
        f"{stage.flops_per_image / 1e6:,.2f}" if stage.flops_per_image else "",
        f"{rate.median / 1e9:,.1f}" if rate else "",
        f"{100 * share.median:.0f} %" if share else "",
        _write_range(share, "{:.0f}", 100) if share else "",
    )


def _write_range(figure: Measurement, form: str, scale: float = 1.0) -> str:
    ends: Sequence[float] = (figure.low, figure.high)
    return " to ".join(form.format(scale * end) for end in ends)
