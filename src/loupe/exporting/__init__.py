"""Networks as files that need no Loupe: written with all that belongs to them, read back, compared."""

from loupe.exporting.formats import EXPORT_FORMATS as EXPORT_FORMATS
from loupe.exporting.formats import ExportFormat as ExportFormat
from loupe.exporting.formats import Use as Use
from loupe.exporting.formats import build_export_format as build_export_format
from loupe.exporting.formats import register_export_format as register_export_format
