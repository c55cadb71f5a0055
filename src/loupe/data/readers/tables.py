"""Tables as text, with commas, semicolons, tabs or bars, as spreadsheets and programs write them."""

import codecs
import csv
import io
import re
from pathlib import Path

from loupe.data.image_files import list_image_suffixes
from loupe.errors import DataError, DataFileError, suggest

_MOST_BYTES = 512 * 2**20
_DELIMITERS = "\t;,|"
_SAYS_DELIMITER = re.compile(r"\ufeff?\"?sep=(.)\"?\r?\n", re.IGNORECASE)  # first line, for Excel alone
_OTHER_FORMS = {
    b"PK\x03\x04": "a workbook or an archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database of SQLite",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel",
    b"ARROW1": "an Arrow file",
}
_ALLOWED = "CSV in UTF-8, with commas, semicolons or tabs"


def read_table(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header of a table and its rows with their line numbers; empty rows are passed over.

    Raises:
        DataError: rows of another length than the header, or names of columns where there are files.
        DataFileError: no such file, or none of such text.
    """
    if not table.is_file():
        siblings = [entry.name for entry in table.parent.iterdir()] if table.parent.is_dir() else []
        raise DataFileError(
            f"There is no table {table}.",
            got="a folder" if table.is_dir() else str(table),
            allowed="a CSV file with a row an image",
            nearest=suggest(table.name, siblings),
            next_step=f"data.name=folder data.path={table}" if table.is_dir() else "set data.path",
        )
    try:
        with table.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError("more than 512 MiB")
        form = next((form for begin, form in _OTHER_FORMS.items() if content.startswith(begin)), None)
        if form is not None:
            raise ValueError(form)
        header, rows = parse_table(content)
    except (OSError, ValueError, csv.Error) as error:
        raise DataFileError(
            f"The table {table} cannot be read.",
            got=str(error).partition("\n")[0][:120],
            allowed=_ALLOWED,
            next_step="save it so",
        ) from None
    if any(Path(cell).suffix.casefold() in list_image_suffixes() for cell in header):
        raise DataError(
            f"The table {table} begins with an image, not with the names of its columns.",
            got=", ".join(header)[:200],
            allowed="a first line that names the columns",
            next_step="put one at the top, such as: path,label",
        )
    for number, row in rows:
        if len(row) != len(header):
            more = "; one that holds a comma, as 3,0 does, stands in quotation marks"
            raise refuse_row(
                table,
                number,
                f"{len(row)} cells under {len(header)} columns",
                "as many cells as columns" + (more if len(row) > len(header) else ""),
            )
    return header, rows


def refuse_row(
    table: Path, number: int, got: str, allowed: str = "a path and a label, each file once"
) -> DataError:
    """Return an error that names a line of a table."""
    return DataError(
        f"Line {number} of {table} cannot be used.",
        got=got[:200],
        allowed=allowed,
        next_step="mend the table",
    )


def parse_table(content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return header and rows of a table as `read_table`, of any lengths, whatever stands between cells.

    Raises:
        ValueError, csv.Error: it is no such text.
    """
    return _read_text(_decode(content))


def find_delimiter(content: bytes) -> str:
    """Return what stands between cells: "," or ";" or a tab; but for "," decimals may have commas.

    Raises:
        ValueError: it is no text.
    """
    return _split_off_delimiter(_decode(content))[0]


def _decode(content: bytes) -> str:
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # "Unicode text" of Excel
    text = content.decode("utf-16" if is_wide else "utf-8-sig")
    return text if "\n" in text else text.replace("\r", "\n")  # lines as they ended on old Macs


def _read_text(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    delimiter, text, lines_before = _split_off_delimiter(text)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    header = [name.strip() for name in next(reader, [])]
    rows = [(reader.line_num + lines_before, row) for row in reader if any(cell.strip() for cell in row)]
    return header, rows


def _split_off_delimiter(text: str) -> tuple[str, str, int]:
    """Return what stands between cells, the table, and how many lines before it say so."""
    said = _SAYS_DELIMITER.match(text)
    if said is not None:
        return said.group(1), text[said.end() :], 1
    lines = (line for line in io.StringIO(text) if line.strip())
    return _find_delimiter(next(lines, ""), next(lines, None)), text, 0


def _find_delimiter(header: str, first: str | None) -> str:
    """Return what stands between the names of columns; what is between quotes does not count.

    Where names hold commas themselves, as in "path;label (cat, dog)", the first row tells.
    """
    bare, row = (re.sub(r'"[^"]*"', "", line or "") for line in (header, first))

    def rank(one: str) -> tuple[bool, int, bool]:
        count = bare.count(one)
        return count > 0 and (first is None or row.count(one) == count), count, one == ","

    return max(_DELIMITERS, key=rank)
