"""Twelve questions: planted training curves and answers get the verdict that was planted."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from loupe.data.ledger import Looks as MachineLooks
from loupe.evaluations import Column, Look, Looks, Table
from loupe.metrics import Predictions, compute_metrics
from loupe.questions import Answer, Evidence, answer_questions, gather_evidence
from loupe.recipe import Recipe
from loupe.runs import RunFolder, RunResult
from loupe.runs.result import Outcome
from loupe.training import EpochRecord

pytestmark = pytest.mark.thorough

NAMES = ("cat", "dog", "owl")
BY_NAME = ("fit", "length", "rate", "classes", "probabilities", "labels", "data", "robustness", "simple")


def make_history(
    losses: list[float],
    train: list[float] | None = None,
    rates: list[float] | None = None,
    **changes: Any,
) -> list[EpochRecord]:
    values = {"clean_train_loss": 0.1, "clean_train_accuracy": 0.9, "validation_accuracy": 0.9, **changes}
    return [
        EpochRecord(
            epoch=index + 1,
            learning_rate=rates[index] if rates else 0.1,
            train_loss=train[index] if train else loss,
            train_accuracy=0.9,
            validation_loss=loss,
            seconds=1.0,
            images_per_second=1.0,
            **values,
        )
        for index, loss in enumerate(losses)
    ]


def make_answers(right: tuple[int, int, int], each: int = 200) -> Predictions:
    """Return answers to `each` images of each class, of which so many are right; the others say "owl"."""
    labels = torch.arange(3).repeat_interleave(each)
    named = labels.clone()
    for label, count in enumerate(right):
        named[label * each + count : (label + 1) * each] = (label + 1) % 3
    return Predictions(labels, 2.0 * torch.nn.functional.one_hot(named, 3).double())


def make_evidence(history: list[EpochRecord], best: int | None = None, **more: Any) -> Evidence:
    answers = more.pop("answers", make_answers((180, 180, 180)))
    score = compute_metrics(answers, NAMES, 0.95)
    test = score if more.pop("is_opened", True) else None
    result = RunResult(
        status=more.pop("status", "finished"),
        reason=more.pop("reason", None),
        recipe_name="planted",
        seed=0,
        num_images={"train": 2000, "validation": len(answers.labels), "test": len(answers.labels)},
        best=Outcome(best or len(history), score, test) if history else None,
        last=None,
        selected_by="accuracy",
        stopped_early=False,
        test_picking=None,
        test_openings=(),
        seconds=1.0,
        images_per_second=1.0,
        parameters=10,
        confidence=0.95,
    )
    return Evidence(Recipe(), result, history, validation_answers=answers, **more)


def ask(evidence: Evidence) -> dict[str, Answer]:
    return {one.name: one for one in answer_questions(evidence)}


FALLING = [1.0, 0.7, 0.5, 0.4, 0.35, 0.33, 0.32, 0.32, 0.32, 0.32]


@pytest.mark.parametrize(
    ("train", "validation", "verdict", "word"),
    [
        (0.999, 0.90, "attention", "over-fits"),
        (0.70, 0.70, "attention", "under-fits"),
        (0.76, 0.57, "attention", "does both"),
        (0.97, 0.965, "good", "neither"),
        (None, 0.9, "unknown", "not measured"),
    ],
)
def test_fit(train: float | None, validation: float, verdict: str, word: str) -> None:
    accuracies = {"clean_train_accuracy": train, "validation_accuracy": validation}
    losses = {"clean_train_loss": 0.1 if train else None}
    answer = ask(make_evidence(make_history(FALLING, **accuracies, **losses)))["fit"]
    assert answer.verdict == verdict
    assert word in answer.sentence


@pytest.mark.parametrize(
    ("losses", "rates", "verdict", "word"),
    [
        (FALLING, None, "good", "settled"),
        ([1.0 - 0.08 * epoch for epoch in range(10)], None, "attention", "still learning"),
        (
            [1.0 - 0.08 * e for e in range(10)],
            [0.1 * (10 - e) / 10 for e in range(10)],
            "unknown",
            "learning rate",
        ),
        ([1.0, 0.6, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 1.0], None, "attention", "lowest after epoch 3 of 10"),
        ([1.0, 0.5], None, "unknown", "too few"),
        (
            [*[1.0 - 0.1 * epoch for epoch in range(6)], 0.4, 0.4, 0.4, 0.42],
            None,
            "good",
            "over the last 2 of 10 epochs validation loss was 2.5 % higher than over the 2 before: it had",
        ),
    ],
)
def test_length(losses: list[float], rates: list[float] | None, verdict: str, word: str) -> None:
    answer = ask(make_evidence(make_history(losses, rates=rates)))["length"]
    assert answer.verdict == verdict
    assert word in answer.sentence


def test_a_loss_that_stands_still_with_its_rate_has_not_settled_where_much_is_missed() -> None:
    rates = [0.1 * (10 - epoch) / 10 for epoch in range(10)]
    missing, fitting = (
        ask(make_evidence(make_history(FALLING, rates=rates, clean_train_accuracy=accuracy)))["length"]
        for accuracy in (0.2, 0.99)
    )
    assert (missing.verdict, fitting.verdict) == ("unknown", "good")
    assert "only a longer run could tell" in missing.sentence


def test_advice_to_augment_less_is_for_those_who_augment() -> None:
    accuracies = {"clean_train_accuracy": 0.7, "validation_accuracy": 0.7, "clean_train_loss": 0.1}
    evidence = make_evidence(make_history(FALLING, **accuracies))
    assert ask(evidence)["fit"].next_step == "train longer, or a wider network"
    flipping = Recipe().model_copy(
        update={"data": Recipe().data.model_copy(update={"augment": ("horizontal-flip",)})}
    )
    step = ask(replace(evidence, recipe=flipping))["fit"].next_step
    assert step == "train longer, a wider network, or weaker data.augment"


@pytest.mark.parametrize(
    ("train", "verdict", "word"),
    [
        (FALLING, "good", "No sign"),
        ([1.0, 0.8, 1.2, 0.7, 1.0, 0.6, 0.9, 0.5, 0.8, 0.5], "attention", "Too high"),
        ([2.30, 2.29, 2.29, 2.28, 2.28, 2.28, 2.27, 2.27, 2.27, 2.26], "attention", "far too low"),
    ],
)
def test_rate(train: list[float], verdict: str, word: str) -> None:
    answer = ask(make_evidence(make_history(train)))["rate"]
    assert answer.verdict == verdict
    assert word in answer.sentence


@pytest.mark.parametrize(("low", "verdict"), [(0.04, "attention"), (-0.01, "good")])
def test_a_corruption_breaks_it_only_beyond_chance(low: float, verdict: str) -> None:
    headings = ("corruption", "lost on average (points)", "from", "to")
    row = ("blur", 0.12, low, 0.2)
    table = Table("", tuple(Column(heading) for heading in headings), (row,))
    look = Look("robustness", "Robustness", "Robustness", 56, "validation", 28, 1.0, "So.", (), (table,))
    answer = ask(make_evidence(make_history(FALLING), looks=Looks((look,))))["robustness"]
    assert answer.verdict == verdict
    assert ("blur" in answer.next_step) == (verdict == "attention")


def test_a_network_that_knows_no_more_than_chance_gets_no_tick() -> None:
    headings = ("corruption", "lost on average (points)", "from", "to")
    table = Table("", tuple(Column(heading) for heading in headings), (("blur", 0.01, -0.03, 0.05),))
    look = Look("robustness", "Robustness", "Robustness", 56, "validation", 28, 1.0, "So.", (), (table,))
    for right, verdict in (((66, 70, 72), "unknown"), ((150, 150, 150), "good")):
        evidence = make_evidence(make_history(FALLING), answers=make_answers(right), looks=Looks((look,)))
        answer = ask(evidence)["robustness"]
        assert answer.verdict == verdict
        assert ("naming one class would be, 33.3 %. So." in answer.sentence) == (verdict == "unknown")
    unsure = ask(make_evidence(make_history(FALLING), answers=make_answers((190, 190, 190))))["labels"]
    assert unsure.verdict == "unknown"
    assert "sure of none of 600 validation images: it cannot" in unsure.sentence


def test_what_is_done_already_is_not_advised() -> None:
    recipe = Recipe.model_validate({"train": {"sampling": "balanced"}, "evaluate": {"track_examples": True}})
    answers = make_answers((130, 180, 182))
    before = ask(make_evidence(make_history(FALLING), answers=answers))
    after = ask(replace(make_evidence(make_history(FALLING), answers=answers), recipe=recipe))
    assert before["classes"].next_step == "its mistakes; more images of the class, or train.class_weights"
    assert after["classes"].next_step == "its mistakes; more images of the class"
    surer = make_evidence(make_history(FALLING), answers=Predictions(answers.labels, answers.logits * 5))
    assert "track_examples" in (ask(surer)["labels"].next_step or "")
    assert ask(replace(surer, recipe=recipe))["labels"].next_step == "look at the surest mistakes"


def test_a_training_that_broke_off_comes_first() -> None:
    found = ask(make_evidence(make_history(FALLING), status="failed", reason="the loss is not finite"))
    assert found["rate"].verdict == "attention"
    assert "Is the learning rate right?" in found["next"].sentence


def test_the_worst_class_is_named_only_beyond_chance() -> None:
    bad = ask(make_evidence(make_history(FALLING), answers=make_answers((130, 180, 182))))["classes"]
    assert bad.verdict == "attention"
    assert bad.sentence.startswith("cat is told apart worst: 65.0 %")
    assert "most often taken for dog" in bad.sentence
    even = ask(make_evidence(make_history(FALLING), answers=make_answers((176, 180, 182))))["classes"]
    assert even.verdict == "good"


def test_very_sure_mistakes_beyond_what_the_network_admits_point_to_labels() -> None:
    answers = make_answers((180, 180, 180))
    surer = Predictions(answers.labels, answers.logits * 5)
    assert ask(make_evidence(make_history(FALLING), answers=surer))["labels"].verdict == "attention"
    right = Predictions(answers.labels, 10.0 * torch.nn.functional.one_hot(answers.labels, 3).double())
    assert ask(make_evidence(make_history(FALLING), answers=right))["labels"].verdict == "good"


def test_what_came_after_the_best_epoch_is_not_to_be_trained_for_longer() -> None:
    rising = [1.0, 0.6, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 1.0]
    history = make_history(rising, clean_train_accuracy=0.7, validation_accuracy=0.7)
    answers = ask(make_evidence(history, best=3))
    assert answers["length"].sentence.startswith("Longer than it needed")
    assert "over-fits before it has learned them" in answers["fit"].sentence
    assert "train longer" not in (answers["fit"].next_step or "")
    assert "train longer" not in (answers["next"].next_step or "")


def test_a_loss_that_turns_while_the_accuracy_still_rises_is_no_waste() -> None:
    rising = [1.0, 0.6, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 1.0]
    history = make_history(rising, clean_train_accuracy=0.8, validation_accuracy=0.8)
    answers = ask(make_evidence(history, best=10))
    assert "lowest after epoch 3 of 10 (0.4) and rose to 1, while accuracy was best after epoch 10" in (
        answers["length"].sentence
    )
    assert "label_smoothing" in (answers["length"].next_step or "")
    assert answers["fit"].sentence.endswith("it under-fits.")


def test_a_loss_that_turned_late_is_no_turn() -> None:
    late = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.5, 0.5, 0.5]  # lowest after seven of ten
    assert not ask(make_evidence(make_history(late), best=7))["length"].sentence.startswith("Longer")
    early = [1.0, 0.9, 0.8, 0.7, 0.6, 0.4, 0.5, 0.5, 0.5, 0.5]  # after six
    assert ask(make_evidence(make_history(early), best=6))["length"].sentence.startswith("Longer")


def test_a_class_that_is_never_named_is_said_so() -> None:
    labels = torch.tensor([0] * 30 + [1] * 30 + [2] * 3)
    named = torch.where(labels == 2, 0, labels)
    answers = Predictions(labels, 2.0 * torch.nn.functional.one_hot(named, 3).double())
    answer = ask(make_evidence(make_history(FALLING), answers=answers))["classes"]
    assert answer.verdict == "attention"
    noisy = labels.clone()
    noisy[:24] = 1
    noisy[30:54] = 0  # so that chance may make the worst
    named = torch.where(labels == 2, 0, noisy)
    answers = Predictions(labels, 2.0 * torch.nn.functional.one_hot(named, 3).double())
    answer = ask(make_evidence(make_history(FALLING), answers=answers))["classes"]
    assert (answer.verdict, "owl is never named" in answer.sentence) == ("attention", True)
    alone = torch.tensor([*range(60), 60])  # of one image it says nothing that it is missed
    answers = Predictions(labels[alone], answers.logits[alone])
    answer = ask(make_evidence(make_history(FALLING), answers=answers))["classes"]
    assert "never named" not in answer.sentence


def test_an_image_under_two_classes_is_a_wrong_label_for_sure() -> None:
    answers = make_answers((200, 200, 200))
    surer = Predictions(answers.labels, answers.logits * 5)
    evidence = make_evidence(make_history(FALLING), answers=surer)
    assert ask(evidence)["labels"].verdict == "good"
    warning = "1 image stands under more than one class (cat and dog): at most one label can be right."
    contradicted = replace(evidence, result=replace(evidence.result, warnings=(warning,)))
    answer = ask(contradicted)["labels"]
    assert (answer.verdict, answer.sentence.endswith(warning)) == ("attention", True)


def test_all_right_flatters_too() -> None:
    answers = make_answers((200, 200, 200))
    looks = MachineLooks(40, 20, {})
    answer = ask(make_evidence(make_history(FALLING), answers=answers, own_looks=1, machine_looks=looks))
    assert "would seem about 0.17 points better" in answer["freshness"].sentence


def test_one_seed_tells_nothing_of_others_and_several_do() -> None:
    one = make_evidence(make_history(FALLING))
    assert ask(one)["seeds"].verdict == "unknown"
    near = [one.result, make_evidence(make_history(FALLING), answers=make_answers((181, 180, 180))).result]
    assert ask(replace(one, seeds=near))["seeds"].verdict == "good"
    far = [one.result, make_evidence(make_history(FALLING), answers=make_answers((100, 180, 180))).result]
    assert ask(replace(one, seeds=far))["seeds"].verdict == "attention"


@pytest.mark.parametrize(
    ("own", "machine", "verdict", "word"),
    [
        (None, None, "unknown", "missing"),
        (1, MachineLooks(1, 1, {}), "good", "once, in 1 recipe"),
        (1, None, "unknown", "not known"),
        (2, MachineLooks(2, 1, {}), "attention", "twice"),
        (
            1,
            MachineLooks(40, 20, {}),
            "attention",
            "the best of 20 equal recipes would seem about 2.24 points better",
        ),
    ],
)
def test_freshness(own: int | None, machine: MachineLooks | None, verdict: str, word: str) -> None:
    evidence = make_evidence(make_history(FALLING), own_looks=own, machine_looks=machine)
    answer = ask(evidence)["freshness"]
    assert answer.verdict == verdict
    assert word in answer.sentence


def test_a_classifier_is_asked_twelve_questions_and_an_autoencoder_fewer() -> None:
    evidence = make_evidence(make_history(FALLING))
    assert len(answer_questions(evidence)) == 12
    other = replace(evidence, result=replace(evidence.result, objective="reconstruction"))
    assert "classes" not in ask(replace(other, history=make_history(FALLING, clean_train_accuracy=None)))


def test_every_answer_of_a_real_run_has_its_section_in_the_report(trained: RunFolder) -> None:
    answers = answer_questions(gather_evidence(trained, trained.require_result()))
    page = trained.report_file.read_text(encoding="utf-8")
    assert [one.name for one in answers][: len(BY_NAME)] == list(BY_NAME)
    for one in answers:
        assert one.question in page
        assert not one.section or f'id="{one.section}"' in page, one.section
        assert one.verdict != "unknown" or one.next_step or one.name in ("next",)
