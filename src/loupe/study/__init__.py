"""The typed description of a study: a question, and the runs that answer it.

A reproduction is a source's published claims, and the studies that say whether they hold.
"""

from loupe.study.describe import describe_study_fields as describe_study_fields
from loupe.study.files import list_reproductions as list_reproductions
from loupe.study.files import list_studies as list_studies
from loupe.study.files import read_reproduction as read_reproduction
from loupe.study.files import read_study_file as read_study_file
from loupe.study.reading import parse_study as parse_study
from loupe.study.references import find_unknown_claims as find_unknown_claims
from loupe.study.reproduction import Effect as Effect
from loupe.study.reproduction import Numbers as Numbers
from loupe.study.reproduction import Reproduction as Reproduction
from loupe.study.reproduction import Winner as Winner
from loupe.study.schema import Axis as Axis
from loupe.study.schema import Stage as Stage
from loupe.study.schema import Study as Study
