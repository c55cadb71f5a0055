"""Studies as tables, figures, sentences and pages."""

from loupe.reports.studies.analysis import StudyAnalysis as StudyAnalysis
from loupe.reports.studies.analysis import analyse_study as analyse_study
from loupe.reports.studies.answer import answer_question as answer_question
from loupe.reports.studies.report import write_study_report as write_study_report
