"""Studies: a question, the runs that answer it, and the answer."""

from loupe.experiments.studies.loading import load_study as load_study
from loupe.experiments.studies.run import PreparedStudy as PreparedStudy
from loupe.experiments.studies.run import carry_out_study as carry_out_study
from loupe.experiments.studies.run import prepare_study as prepare_study
from loupe.experiments.studies.run import run_study as run_study
