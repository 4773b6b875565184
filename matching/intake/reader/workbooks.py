"""Workbooks of the kinds xlsx, xls and ods as sheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from tempfile import NamedTemporaryFile
from typing import Final, cast

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from matching.intake.reader.answer import Found, Limits, Unreadable, table
from matching.intake.reader.archives import scan_archive
from matching.intake.reader.open_document import Range, merged_ranges
from matching.intake.reader.sheet_xml import SheetScan
from matching.intake.reader.signatures import FileKind

# The streams in which old workbooks keep macros, as the directory writes their names.
_MACROS: Final = ("_VBA_PROJECT".encode("utf-16-le"), b"V\x00B\x00A\x00\x00\x00")
# What the reader of values says of a sheet whose cells lie too far apart.
_TOO_MANY: Final = "Cell limit exceeded"
_YEARS: Final = (1900, 2101)
# Merged cells of one row matter where headings stand.
_SPANNED_ROWS: Final = 60


def read_workbook(content: bytes, kind: FileKind, limits: Limits) -> list[Found]:
    """All sheets with something in them. Raises `Unreadable` for what cannot be taken."""
    scans = _scan_old(content) if kind == "xls" else scan_archive(content, limits)
    try:
        merged: Mapping[str, Sequence[Range]] = {}
        # The library tells what is wrong with a file by its suffix alone; of bytes without one it only says no.
        with NamedTemporaryFile(suffix=f".{kind}") as file:
            file.write(content)
            file.flush()
            workbook = CalamineWorkbook.from_path(file.name)
            if kind == "ods":
                merged = merged_ranges(content)
            found = [
                _read(workbook.get_sheet_by_index(place), told.visible, merged, scans, limits)
                for place, told in enumerate(workbook.sheets_metadata)
                if told.typ == SheetTypeEnum.WorkSheet
            ]
    except PasswordError as error:
        raise Unreadable("file.encrypted") from error
    except CalamineError as error:
        if _TOO_MANY in str(error):
            raise Unreadable("file.range_too_large", cells=limits.cells) from error
        raise Unreadable("file.damaged") from error
    except (OSError, ValueError) as error:
        raise Unreadable("file.damaged") from error
    return found


def _scan_old(content: bytes) -> dict[str, SheetScan]:
    """What the sheets of an old workbook hold that their values do not tell, by the sheet's name."""
    import msoffcrypto
    from msoffcrypto.exceptions import FileFormatError

    try:
        encrypted = msoffcrypto.OfficeFile(BytesIO(content)).is_encrypted()
    except (FileFormatError, OSError, ValueError, IndexError, AttributeError) as error:
        raise Unreadable("file.damaged") from error
    if encrypted:
        raise Unreadable("file.encrypted")
    if any(name in content for name in _MACROS):
        raise Unreadable("file.macros")
    from matching.intake.reader.old_workbook import scan_old_workbook

    return scan_old_workbook(content)


def _read(
    sheet: CalamineSheet,
    visible: SheetVisibleEnum,
    merged: Mapping[str, Sequence[Range]],
    scans: Mapping[str, SheetScan],
    limits: Limits,
) -> Found:
    ranges = sheet.merged_cell_ranges or merged.get(sheet.name, [])
    scan = scans.get(sheet.name, SheetScan())
    hidden = visible != SheetVisibleEnum.Visible
    monthlike: set[tuple[int, int]] = set()

    def rows() -> Iterator[tuple[int, list[object]]]:
        for row, values in enumerate(_values(sheet), start=1):
            monthlike.update((row, place) for place, value in enumerate(values) if _like_a_month(value))
            yield row, values

    spans = tuple(
        (row + 1, first[1], last[1])
        for first, last in ranges
        if last[1] > first[1]
        for row in range(first[0], min(last[0] + 1, _SPANNED_ROWS))
    )
    cells = table(_filled_down(rows(), ranges), limits)
    valueless, errors = frozenset(scan.valueless), frozenset(scan.errors)
    return Found(sheet.name, cells, hidden, spans, valueless, errors, frozenset(monthlike))


def _values(sheet: CalamineSheet) -> Iterable[list[object]]:
    """The values of all rows from the sheet's first cell. Row by row takes less memory, but loses blank margins."""
    if sheet.start == (0, 0):
        return cast(Iterable[list[object]], sheet.iter_rows())
    return cast(list[list[object]], sheet.to_python(skip_empty_area=False))


def _filled_down(
    rows: Iterator[tuple[int, list[object]]], ranges: Sequence[Range]
) -> Iterator[tuple[int, list[object]]]:
    """Rows with the value of every merged range repeated down its first column."""
    starts: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, _) in ranges:
        if bottom > top:
            starts.setdefault(top + 1, []).append((left, bottom + 1))
    standing: dict[int, tuple[int, object]] = {}
    for row, cells in rows:
        for column, (last, value) in standing.items():
            if row <= last and column < len(cells):
                cells[column] = value
        for column, last in starts.get(row, ()):
            if column < len(cells):
                standing[column] = last, cells[column]
        yield row, cells


def _like_a_month(value: object) -> bool:
    """Whether a number may be a month that lost its zero: 2024.10 typed into a cell is the number 2024.1."""
    return isinstance(value, float) and _YEARS[0] <= value < _YEARS[1] and repr(value).endswith(".1")
