from loupe.evaluations.absent_classes import say_absent
from loupe.evaluations.finding import Bar, Bars, Finding, Value, write_value
from loupe.evaluations.registry import register_evaluation
from loupe.metrics import Predictions, compute_metrics
from loupe.wording import name_tied, quote_name


@register_evaluation("class_accuracy", title="Accuracy by class", chapter="Classes", order=10)
def measure_class_accuracy(answers: Predictions, class_names: tuple[str, ...], level: float) -> Finding:
    """Accuracy among the images of each class, with intervals: which class is told apart worst."""
    measured = compute_metrics(answers, class_names, level)
    ranked = sorted(measured.per_class, key=lambda one: one.accuracy)
    bars = tuple(
        Bar(one.name, one.accuracy, one.interval, f"{one.correct}/{one.num_images}") for one in ranked
    )
    worst, best, overall = ranked[0], ranked[-1], write_value(measured.accuracy, "percent")
    values = [
        Value("accuracy", measured.accuracy, "percent", measured.interval),
        Value(f"accuracy of {quote_name(worst.name)}", worst.accuracy, "percent", worst.interval),
    ]
    sentence = f"All classes together: {overall}."
    if worst.accuracy < best.accuracy:
        shares = [write_value(one.accuracy, "percent", 1) for one in (worst, best)]
        pairs = [(one.name, one.accuracy) for one in measured.per_class]
        least, most = (name_tied(pairs, one.accuracy) for one in (worst, best))
        sentence = f"From {least}, {shares[0]}, to {most}, {shares[1]}; all together {overall}."
    sentence += say_absent([sum(row) for row in measured.confusion], class_names)
    note = f"Line: the class's interval. Dotted: all classes together, {overall}."
    return Finding(sentence, values, [Bars("", bars, measured.accuracy, note)])
