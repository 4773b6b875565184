"""Write the sample workbooks anew from the CSV files beside them: `python scripts/sample_workbooks.py`."""

from __future__ import annotations

import csv
import re
from datetime import date, datetime
from pathlib import Path

import xlsxwriter

SAMPLES = Path(__file__).resolve().parent.parent / "datasets" / "samples"
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
WIDTHS = {"名称": 34, "单位": 26, "问题": 60, "简介": 60, "指标": 44, "目标": 34, "范围": 34, "工作": 34}


def main() -> None:
    """Write demands.xlsx and achievements.xlsx, with numbers and dates as an office would type them."""
    for kind, sheet in (("demands", "技术需求"), ("achievements", "科技成果")):
        with (SAMPLES / f"{kind}.csv").open(encoding="utf-8-sig", newline="") as source:
            write(SAMPLES / f"{kind}.xlsx", sheet, list(csv.reader(source)))


def write(path: Path, sheet: str, rows: list[list[str]]) -> None:
    """One sheet: a bold heading row that stays in view, wrapped texts, amounts and days as such."""
    workbook = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    # A fixed moment keeps the file the same when nothing in it changed; a day alone would be taken for now.
    workbook.set_properties({"created": datetime(2026, 11, 1)})
    bold = workbook.add_format({"bold": True, "bg_color": "#E8EEF2", "border": 1, "text_wrap": True})
    plain = workbook.add_format({"text_wrap": True, "valign": "top"})
    day = workbook.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
    table = workbook.add_worksheet(sheet)
    table.freeze_panes(1, 2)
    for column, heading in enumerate(rows[0]):
        width = next((width for word, width in WIDTHS.items() if word in heading), 16)
        table.set_column(column, column, width)
        table.write_string(0, column, heading, bold)
        for row, cells in enumerate(rows[1:], start=1):
            text = cells[column]
            if text and "万元" in heading:
                table.write_number(row, column, float(text), plain)
            elif ISO_DAY.fullmatch(text):
                table.write_datetime(row, column, date.fromisoformat(text), day)
            elif text:
                table.write_string(row, column, text, plain)
    workbook.close()


if __name__ == "__main__":
    main()
