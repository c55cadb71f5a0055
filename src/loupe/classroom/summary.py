"""What came of a class in sentences: who is best, and how a place is read."""

from loupe.classroom.entries import Entry, Grades
from loupe.wording import is_tied, list_names


def summarise(grades: Grades) -> str:
    """Return in a sentence what came of a class."""
    ranked = grades.ranked
    if not ranked:
        return "Nobody is ranked."
    metric, best = grades.classroom.metric, ranked[0]
    value = best.value.write() if best.value is not None else ""
    if len(ranked) == 1:
        return f"{best.name} alone is ranked: {metric.title} {value}."
    firsts = [best, *(one for one in ranked[1:] if is_tied(_value(one), _value(best)))]
    others = [one for one in ranked if one not in firsts]
    if len(firsts) > 1:
        value = metric.write(_value(best))
    who = list_names([one.name for one in firsts])
    if not others:
        return f"{who} have the same {metric.title}, {value}, and share the place."
    lead = f"{who} {'has' if len(firsts) == 1 else 'have'} the best {metric.title}, {value}"
    sharing = [one.name for one in others if one.place and one.place.first == 1]
    if not sharing:
        whom = others[0].name if len(others) == 1 else "everyone else"
        return f"{lead}, and {'is' if len(firsts) == 1 else 'are'} clearly better than {whom}."
    if len(sharing) == 1:
        return f"{lead}; {sharing[0]} is not clearly worse and shares the place."
    if len(sharing) == len(others):
        return f"{lead}; none of the {len(others)} others is clearly worse, and all share the place."
    return f"{lead}; {list_names(sharing)} are not clearly worse and share the place."


def explain_places(grades: Grades) -> str:
    """Return how the first place that is shared is read; "" where none is."""
    shared = next(
        (one.place for one in grades.ranked if one.place and one.place.first != one.place.last), None
    )
    if shared is None:
        return ""
    better, worse = shared.first - 1, len(grades.ranked) - shared.last
    if not better and not worse:
        return f"“{shared}” reads: nobody is clearly better, and nobody clearly worse."
    return f"“{shared}” reads: {_count(better)} clearly better, and {_count(worse)} clearly worse."


def _count(number: int) -> str:
    return "nobody is" if not number else "one is" if number == 1 else f"{number} are"


def _value(entry: Entry) -> float:
    return entry.value.value if entry.value is not None and entry.value.value is not None else float("nan")
