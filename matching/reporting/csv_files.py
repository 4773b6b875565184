"""A report's tables as CSV files, and files as one archive that is the same however often it is made."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from matching.reporting.sheets import ColumnKind, Form, Report, Sheet, moment_text, rounded, texts, yuan

# A spreadsheet program takes a cell that begins with one of these for a formula.
FORMULA_START: Final = re.compile(r"[=+\-@\t\r\n\x00＝＋－＠]")
# What no file system takes in a name.
_NOT_IN_NAMES: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
# Numbers as programs read them: no separators, no signs of unit.
_WRITTEN: Final[Mapping[ColumnKind, Form]] = {
    "text": lambda text: defused(str(text)),
    "count": str,
    "amount": lambda fen: yuan(fen).replace(",", ""),
    "share": lambda share: rounded(share, 4).replace(",", ""),
    "days": lambda days: rounded(days, 1).replace(",", ""),
    "date": date.isoformat,
    "moment": moment_text,
}


def csv_files(report: Report) -> dict[str, bytes]:
    """A CSV per sheet by its file name, in the report's order.

    UTF-8 with the mark that spreadsheet programs look for; amounts in yuan with two decimals, shares as 0–1 with four.
    """
    return {
        f"{number:02d}-{_NOT_IN_NAMES.sub(' ', sheet.title).strip(' .') or sheet.code}.csv": _csv(
            sheet, report.language
        )
        for number, sheet in enumerate(report.sheets, start=1)
    }


def defused(text: str) -> str:
    """A text that no spreadsheet program takes for a formula."""
    return f"'{text}" if FORMULA_START.match(text) else text


def zip_of(files: Mapping[str, bytes], as_of: datetime) -> bytes:
    """Files as one archive, all dated `as_of` in the zone that it carries."""
    target = BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # The format counts years from 1980.
            entry = ZipInfo(name, max(as_of.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
            entry.compress_type = ZIP_DEFLATED
            # The same on every system, and readable by everyone where it is unpacked.
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return target.getvalue()


def _csv(sheet: Sheet, language: str) -> bytes:
    written = StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow([defused(column.heading) for column in sheet.columns])
    rows.writerows(zip(*(texts(sheet, column, language, _WRITTEN) for column in sheet.columns), strict=True))
    return written.getvalue().encode("utf-8-sig")
