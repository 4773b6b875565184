"""Reads one workbook in a process of its own: `python -I workbook_process.py MEGABYTES SECONDS CHARACTERS`.

A workbook is a compressed file from somebody else: it can declare a sheet of billions of cells or unpack to
gigabytes, and the reader then aborts the process it runs in. So this script is run by path, imports nothing of
the package, limits its own memory and CPU time first, takes the bytes on standard input and answers with one
JSON document on standard output: {"rows": [[text, …], …]}, rows from the sheet's first, cells from column A. It
answers nothing and fails when the texts have more characters than it was allowed: many cells can share one long text.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from io import BytesIO


def cell_text(value: object) -> str:
    """A cell as text: whole numbers without a decimal point, dates in ISO form."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value).strip()


def main() -> None:
    """Limit, read, answer."""
    memory = int(sys.argv[1]) * 1024 * 1024
    seconds = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_filelike(BytesIO(sys.stdin.buffer.read()))
    sheet = workbook.get_sheet_by_index(0)
    rows = []
    left = int(sys.argv[3])
    for row in sheet.to_python(skip_empty_area=False):
        texts = [cell_text(cell) for cell in row]
        left -= sum(map(len, texts))
        if left < 0:
            sys.exit("too many characters")
        rows.append(texts)
    sys.stdout.buffer.write(json.dumps({"rows": rows}, ensure_ascii=False).encode())


if __name__ == "__main__":
    main()
