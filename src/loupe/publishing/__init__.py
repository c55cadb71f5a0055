"""Runs and studies as what a paper or a talk takes: figures in files, tables, a draft of methods and results.

Every number comes from the record, with its interval; no test image is looked at.
"""

from loupe.publishing.drafts import write_draft as write_draft
from loupe.publishing.figure_files import write_figures as write_figures
from loupe.publishing.table import ReportTable as ReportTable
from loupe.publishing.tables import gather_tables as gather_tables
from loupe.publishing.tables import write_tables as write_tables
