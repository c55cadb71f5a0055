"""What a search found: computed from its rows, drawn, written down as a page."""

from loupe.reports.searches.outcome import Candidate as Candidate
from loupe.reports.searches.outcome import SearchOutcome as SearchOutcome
from loupe.reports.searches.outcome import Share as Share
from loupe.reports.searches.outcome import find_outcome as find_outcome
from loupe.reports.searches.report import write_search_report as write_search_report
