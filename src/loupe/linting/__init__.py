"""`loupe lint`: mistakes in recipes, runs and other people's scripts, found by reading. No torch here."""

from loupe.linting.code import Code as Code
from loupe.linting.linting import lint_file as lint_file
from loupe.linting.linting import lint_record as lint_record
from loupe.linting.linting import lint_source as lint_source
from loupe.linting.reading import read_source as read_source
from loupe.linting.record import Record as Record
from loupe.linting.registry import RULES as RULES
from loupe.linting.registry import register_rule as register_rule
from loupe.linting.violation import Hit as Hit
from loupe.linting.violation import RecordHit as RecordHit
from loupe.linting.violation import Violation as Violation
