"""Studies: a question, the runs that answer it, and the answer.

What stands here needs no torch: the typed description of a study. Carrying one out is in `loading`, `plan`,
`scheduler` and `run`, what was found in `analysis` and `answer`.
"""

from loupe.studies.describe_fields import describe_study_fields as describe_study_fields
from loupe.studies.files import list_studies as list_studies
from loupe.studies.files import read_study_file as read_study_file
from loupe.studies.reading import parse_study as parse_study
from loupe.studies.schema import Axis as Axis
from loupe.studies.schema import Stage as Stage
from loupe.studies.schema import Study as Study
