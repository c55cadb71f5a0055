"""The typed description of a study: a question, and the runs that answer it."""

from loupe.study.files import list_studies as list_studies
from loupe.study.files import read_study_file as read_study_file
from loupe.study.reading import parse_study as parse_study
from loupe.study.schema import Axis as Axis
from loupe.study.schema import Stage as Stage
from loupe.study.schema import Study as Study
