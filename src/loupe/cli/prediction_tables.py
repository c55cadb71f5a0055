"""Answers about image files as text: CSV, JSON, and the lines that sum them up."""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from loupe.reports.page import format_interval, format_level, format_percent
from loupe.statistics import compute_wilson_interval
from loupe.statistics.selective import Threshold
from loupe.using.image_answers import Answer, Answers
from loupe.wording import count_of, guard_cell, show_plainly

TableFormat = Literal["csv", "json"]

_UNSURE = "unsure"


def write_table(answers: Answers, form: TableFormat) -> str:
    """Return the answers as CSV, one row an image that could be read, or as JSON, with the refusals too."""
    return _write_csv(answers) if form == "csv" else _write_json(answers)


def _write_csv(answers: Answers) -> str:
    """Return columns file, answer, class_1, probability_1, class_2 … and true_class where one is known."""
    top = max((len(one.classes) for one in answers.answers), default=1)
    is_known = any(one.true_class is not None for one in answers.answers)
    ranks = [name for rank in range(1, top + 1) for name in (f"class_{rank}", f"probability_{rank}")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "answer", *ranks, *(["true_class"] if is_known else [])])
    for one in answers.answers:
        pairs = zip(one.classes, one.probabilities, strict=True)
        named = [cell for name, probability in pairs for cell in (name, f"{probability:.6f}")]
        truth = [one.true_class or ""] if is_known else []
        cells = [_write_path(one.file), _name_answer(one), *named, *truth]
        writer.writerow([guard_cell(show_plainly(cell)) for cell in cells])
    return text.getvalue()


def _write_json(answers: Answers) -> str:
    values: dict[str, Any] = {
        "answers": [_describe_answer(one) for one in answers.answers],
        "refusals": [{"file": _write_path(one.file), "reason": one.reason} for one in answers.refusals],
        "below": answers.below,
        "num_unsure": answers.num_unsure,
    }
    accuracy = answers.accuracy
    if accuracy is not None:
        values["accuracy"] = {
            "value": accuracy.accuracy,
            "low": accuracy.interval.low,
            "high": accuracy.interval.high,
            "confidence": accuracy.confidence,
            "correct": accuracy.correct,
            "num_images": accuracy.num_images,
            "num_trained_on": accuracy.num_trained_on,
            "num_test": accuracy.num_test,
        }
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _describe_answer(one: Answer) -> dict[str, Any]:
    pairs = zip(one.classes, one.probabilities, strict=True)
    return {
        "file": _write_path(one.file),
        "answer": None if one.is_unsure else one.answer,
        "top": [{"class": name, "probability": probability} for name, probability in pairs],
        "true_class": one.true_class,
        "role": one.role,
    }


def _name_answer(one: Answer) -> str:
    return _UNSURE if one.is_unsure else one.answer


def _write_path(path: Path) -> str:
    """Return a path as text that can be written: bytes that are no UTF-8 as \\x…."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def summarise_answers(answers: Answers) -> Iterator[str]:
    """Yield the lines that sum the answers up: how many, how many unsure, refusals, accuracy."""
    total = len(answers.answers) + len(answers.refusals)
    yield f"{len(answers.answers):,} of {count_of(total, 'image')} answered"
    if answers.below is not None:
        yield f"{answers.num_unsure:,} of them unsure: most probable class below {answers.below:g}"
    elif answers.num_unsure:
        yield f"{answers.num_unsure:,} of them unsure"
    yield from answers.notes
    if answers.threshold is not None:
        yield describe_threshold(answers.threshold)
    if answers.scaling:
        yield f"probabilities are set right: {answers.scaling}"
    if answers.num_own_test:
        yield (
            f"{answers.num_own_test:,} of them are test images of this run: a look at its test set, number "
            f"{answers.num_looks if answers.num_looks is not None else 'unknown'} on its record"
        )
    accuracy = answers.accuracy
    if accuracy is None:
        return
    which = "images in folders named after classes"
    if answers.below is not None or answers.num_unsure:
        which += " that were not left unsure"
    interval = f"{format_interval(accuracy.interval)}, {format_level(accuracy.confidence)} interval"
    figure = f"accuracy {format_percent(accuracy.accuracy)} ({interval})"
    yield f"{figure}: {accuracy.correct:,} of {accuracy.num_images:,} {which}"
    if accuracy.num_trained_on is None:
        yield "whether some of these trained or selected the network is not known: its run keeps no record"
    elif accuracy.num_trained_on:
        yield (
            f"warning: {accuracy.num_trained_on:,} of these {accuracy.num_images:,} trained or selected the "
            "network: the accuracy flatters it"
        )


def describe_threshold(one: Threshold) -> str:
    """Return where a threshold comes from: of how many images, and what their number can promise."""
    right = "none is given"
    if one.answered:  # five of five right promise little
        ends = format_interval(compute_wilson_interval(one.correct, one.answered))
        right = f"{one.correct:,} of {one.answered:,} right ({ends}, 95 % interval)"
    return f"the threshold comes from {one.total:,} validation images: of those as sure {right}"


def list_refusals(answers: Answers) -> Iterator[str]:
    """Yield a line for each file that got no answer."""
    for one in answers.refusals:
        yield f"no answer: {_write_path(one.file)} ({one.reason})"
