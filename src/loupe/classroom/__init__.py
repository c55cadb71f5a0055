"""An exercise for a class: made, handed in, and judged on images that no student has.

The exercise is one file (`schema.py`). `making.py` divides its images into a pack for students and what the
teacher keeps; `submitting.py` packs a run; `grading.py` judges what was handed in, each network in a process
of its own (`isolation.py`); `ladder.py` says what a leaderboard may show so that nobody can fit to it.
"""

from loupe.classroom.reading import describe_exercise_fields as describe_exercise_fields
from loupe.classroom.reading import parse_exercise as parse_exercise
from loupe.classroom.reading import read_exercise_file as read_exercise_file
from loupe.classroom.schema import Exercise as Exercise
