"""Submissions held against one another: what counts of each student, copies, places."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from loupe.classroom.entries import Classroom, Entry, Grades, Repeat
from loupe.classroom.gathering import Gathered, Handed
from loupe.classroom.likeness import Graded, find_alike
from loupe.classroom.ranking import find_places, order_best_first
from loupe.classroom.rules import Broken
from loupe.metrics import Predictions
from loupe.wording import count_of


def rank(classroom: Classroom, entries: Sequence[Entry], gathered: Gathered, folder: Path) -> Grades:
    """Return submissions in their places, after they were held against one another."""
    runs = {one.handed: _identify_run(one) for one in entries}
    entries, repeats = _leave_out_repeats(entries, runs)
    entries = _add_looks(entries, classroom.seal.looks)
    entries = _add_likeness(entries, classroom.seal.starting_weights != "none")
    last = _find_last(entries)
    counting = [one for one in entries if last[one.person] is one]
    clean = [one for one in counting if not one.is_refused and not one.broken]
    order = order_best_first([_value(one) for one in clean], classroom.metric)
    clean = [clean[index] for index in order]
    answers = [Predictions(classroom.hidden.labels, one.logits) for one in clean if one.logits is not None]
    places = find_places(answers, classroom.seal.metric, classroom.seal.confidence)
    ranked = tuple(replace(one, place=place) for one, place in zip(clean, places, strict=True))
    aside = [one for one in counting if not one.is_refused and one.broken]
    order = order_best_first([_value(one) for one in aside], classroom.metric)
    superseded = []
    stands = {(one.person, runs[one.handed]): one.handed for one in counting}
    for one in entries:
        first = stands.setdefault((one.person, runs[one.handed]), one.handed)
        if first != one.handed:  # it went back to a run of before
            repeats.append(Repeat(one.handed, first))
        elif last[one.person] is not one:
            superseded.append(one)
    return Grades(
        classroom,
        ranked,
        tuple(aside[index] for index in order),
        tuple(one for one in counting if one.is_refused),
        tuple(gathered.passed),
        tuple(superseded),
        tuple(repeats),
        folder,
    )


def _tell_moment(entry: Entry) -> tuple[datetime, int, str]:
    """Return what orders submissions; of one moment, "bo.zip" comes before its copy "bo (1).zip"."""
    return entry.handed.submitted, len(entry.handed.place), entry.handed.place


def _identify_run(entry: Entry) -> Hashable:
    """Return what is equal where one run was handed in twice, whatever the files are called."""
    if entry.reply.fingerprint is None:
        return entry.handed
    return entry.reply.fingerprint, frozenset(one.kind for one in entry.broken if one.kind != "late")


def _leave_out_repeats(
    entries: Sequence[Entry], runs: Mapping[Handed, Hashable]
) -> tuple[list[Entry], list[Repeat]]:
    """Return submissions without those of the same run as the student's one before: the first stands."""
    before: dict[str, Handed] = {}
    repeats: list[Repeat] = []
    for one in sorted(entries, key=_tell_moment):
        earlier = before.get(one.person)
        if earlier is not None and runs[earlier] == runs[one.handed]:
            repeats.append(Repeat(one.handed, earlier))
        else:
            before[one.person] = one.handed
    again = {one.handed for one in repeats}
    return [one for one in entries if one.handed not in again], repeats


def _value(entry: Entry) -> float:
    return entry.value.value if entry.value is not None and entry.value.value is not None else float("nan")


def _find_last(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the submission of each student that counts: the last one in time, else the last one."""
    last: dict[str, Entry] = {}
    moments: dict[str, tuple[bool, datetime, str]] = {}
    for one in entries:
        is_in_time = not any(rule.kind == "late" for rule in one.broken)
        moment = is_in_time, one.handed.submitted, one.handed.place
        if one.person not in last or moment >= moments[one.person]:
            last[one.person], moments[one.person] = one, moment
    return last


def _add_looks(entries: Sequence[Entry], allowed: int) -> list[Entry]:
    """Return submissions with the looks of each student summed over all that he handed in.

    A run that comes twice, as a file that was uploaded again, looked no more often than it did.
    """
    looks: dict[str, dict[str, int]] = {}
    for one in entries:
        runs = looks.setdefault(one.person, {})
        key = one.reply.fingerprint.training if one.reply.fingerprint is not None else one.handed.place
        runs[key] = max(runs.get(key, 0), one.reply.num_looks or 0)
    found = []
    for one in entries:
        runs = looks[one.person]
        total = sum(runs.values())
        has_too_many = total > allowed and not any(rule.kind == "looks" for rule in one.broken)
        if has_too_many and not one.is_refused:
            what = f"{count_of(total, 'look')} at the test images over {count_of(len(runs), 'run')} handed in"
            one = replace(one, broken=(*one.broken, Broken("looks", f"{what}; allowed: {allowed}")))
        found.append(one)
    return found


def _add_likeness(entries: Sequence[Entry], may_share: bool) -> list[Entry]:
    """Return submissions with what they are alike to: the later one is set aside, both are named.

    Args:
        entries: all that was handed in.
        may_share: whether trainings may start from weights that others have too.
    """
    found = list(entries)
    compared = [
        (index, Graded(one.name, one.handed.submitted, one.reply.fingerprint, one.logits))
        for index, one in enumerate(entries)
        if one.reply.fingerprint is not None
    ]
    for pair in find_alike([one for _, one in compared]):
        (first, earlier), (second, later) = compared[pair.earlier], compared[pair.later]
        if found[first].is_refused and not found[second].is_refused:  # an altered run takes nobody's place
            (first, earlier), (second, later) = (second, later), (first, earlier)
        text = pair.describe(earlier.name)
        if pair.is_copy(may_share):
            order = (
                ", which was handed in earlier, as the files say"
                if first == compared[pair.earlier][0]
                else ""
            )
            text += f"{order}; whose it is, is for you to find out"
            found[second] = replace(found[second], broken=(*found[second].broken, Broken("copy", text)))
        else:
            found[second] = replace(found[second], notes=(*found[second].notes, text))
        note = f"{later.name} handed in what is like it: {pair.likeness}"
        found[first] = replace(found[first], notes=(*found[first].notes, note))
    return found
