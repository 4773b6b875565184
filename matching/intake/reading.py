"""One file read: the clean frame, and what was read and what was not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from matching.errors import FileRefused, Problem
from matching.intake.columns import HEADING_ROWS, Heading, Plan, best_heading, is_handed_out, missing_columns
from matching.intake.files import content_of, first_rows, read_sheets
from matching.intake.records import Records, read_records, with_hashes
from matching.intake.rows import UNTITLED
from matching.intake.sheets import Sheet
from matching.schema import ID, PROVENANCE, RECORD, Kind
from matching.settings import Settings

# A file with more wrong cells than this is told the first ones; the rest would not be read.
_PROBLEMS_TOLD: Final = 50
# So many known headings make a list beyond doubt.
_A_LIST: Final = 3


@dataclass(frozen=True)
class Reading:
    """A file that can be taken.

    `frame` has the record's columns and `schema.PROVENANCE`; `rows` is how many stand below the headings. `left_out`
    says which rows are no records and why, `wrong` what is wrong with rows that are not in the frame for it, `notes`
    what else is worth saying. `headings` has one for each sheet read.
    """

    kind: Kind
    file: str
    sha256: str
    frame: pl.DataFrame
    rows: int
    headings: tuple[Heading, ...]
    left_out: tuple[Problem, ...]
    wrong: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    # The records whose rows are wrong, which may lack values: they are in the file all the same.
    rejected: pl.DataFrame | None = None

    @property
    def unread(self) -> tuple[str, ...]:
        """Headings of the file that fit no column; what stands below them is kept as it is."""
        return tuple(dict.fromkeys(heading for each in self.headings for heading in each.unread))

    @property
    def wrong_told(self) -> tuple[Problem, ...]:
        """What is wrong, as much of it as a person would read."""
        return tuple(_first(self.file, self.wrong))

    @property
    def refused(self) -> int:
        """How many rows are wrong."""
        return len({(problem.sheet, problem.row) for problem in self.wrong})


def read_file(path: str | Path, kind: Kind, settings: Settings | None = None) -> Reading:
    """Read a file from disk; see `read_bytes`. Raises `CallError` when it is not there."""
    path = Path(path)
    return read_bytes(path.name, content_of(path), kind, settings)


def read_demands(path: str | Path) -> pl.DataFrame:
    """A demand list (.csv, .xlsx, .xls, .ods) as a clean frame: the columns of `schema.DEMAND` and `schema.PROVENANCE`.

    Raises `DuijieError` that says file, sheet, row, column and what to do.
    """
    return read_file(path, "demands").frame


def read_achievements(path: str | Path) -> pl.DataFrame:
    """An achievement catalogue (.csv, .xlsx, .xls, .ods) as a clean frame: `schema.ACHIEVEMENT`, `schema.PROVENANCE`.

    Raises `DuijieError` that says file, sheet, row, column and what to do.
    """
    return read_file(path, "achievements").frame


def read_bytes(
    name: str,
    content: bytes,
    kind: Kind,
    settings: Settings | None = None,
    plan: Plan | None = None,
    *,
    good_rows: bool = False,
) -> Reading:
    """Read the bytes of an uploaded file.

    Rows without a title, totals, notes and rows that repeat an earlier one are left out and said so. Anything else that
    is wrong refuses the file whole: `FileRefused` lists the places, file, row, column and remedy each. With `good_rows`
    the rows that are right are taken and the others told; there may be none that is right.
    """
    settings = settings or Settings()
    return read_tables(name, content, read_sheets(name, content, settings), kind, settings, plan, good_rows=good_rows)


def read_tables(
    name: str,
    content: bytes,
    sheets: Sequence[Sheet],
    kind: Kind,
    settings: Settings,
    plan: Plan | None = None,
    *,
    good_rows: bool = False,
) -> Reading:
    """Read sheets that were already parsed; see `read_bytes`."""
    headings, notes = _headings(name, sheets, kind, plan or Plan())
    found = [read_records(name, sheet, heading, kind, settings) for sheet, heading in headings]
    rows = sum(each.rows for each in found)
    if not rows:
        raise FileRefused(Problem("file.no_rows", file=name, values={"row": headings[0][1].row}))
    frame, repeated, clashing = _once(name, found, kind)
    wrong = (*(problem for each in found for problem in each.wrong), *clashing)
    if wrong and not good_rows:
        raise FileRefused(*_first(name, wrong))
    if frame.is_empty() and not wrong:
        if all(problem.key != UNTITLED for each in found for problem in each.left_out):
            raise FileRefused(Problem("file.no_rows", file=name, values={"row": headings[0][1].row}))
        raise FileRefused(Problem("file.no_titles", file=name, values={"rows": rows}))
    left_out = (*(problem for each in found for problem in each.left_out), *repeated)
    order = {sheet.name: place for place, (sheet, _) in enumerate(headings)}
    return Reading(
        kind,
        name,
        hashlib.sha256(content).hexdigest(),
        frame,
        rows,
        tuple(heading for _, heading in headings),
        tuple(sorted(left_out, key=lambda each: (order[each.sheet], each.row))),
        tuple(sorted(wrong, key=lambda each: (order[each.sheet], each.row))),
        tuple(notes),
        pl.concat([with_hashes(each.rejected, kind).select(frame.columns) for each in found]),
    )


def _headings(
    name: str, sheets: Sequence[Sheet], kind: Kind, plan: Plan
) -> tuple[list[tuple[Sheet, Heading]], list[Problem]]:
    """The sheets that hold a list, with their headings, and what is to be said of the others.

    Hidden sheets hold what choices are made from; they are read only where no other sheet holds a list.
    """
    found: list[tuple[Sheet, Heading]] = []
    notes: list[Problem] = []
    for hidden in (False, True):
        for sheet in sheets:
            if sheet.hidden != hidden:
                continue
            rows = first_rows(sheet, HEADING_ROWS + 1)
            if is_handed_out(rows[0]):
                continue
            heading = best_heading(rows, kind, plan, sheet.spans, sheet.name)
            if hidden and found:
                notes.append(Problem("sheet.hidden", name, values={"sheet": sheet.name}))
            elif heading is None:
                notes.append(Problem("sheet.no_heading", name, values={"sheet": sheet.name}))
            else:
                found.append((sheet, heading))
    # A sheet of instructions may begin a row with 成果名称: beside a real list that is no list.
    most = max((len(heading.found) for _, heading in found), default=0)
    for each in [each for each in found if len(each[1].found) == 1 and most >= _A_LIST]:
        found.remove(each)
        notes.append(Problem("sheet.no_heading", name, values={"sheet": each[0].name}))
    if not found:
        first = next((sheet for sheet in sheets if not sheet.hidden), sheets[0])
        raise missing_columns(name, first_rows(first, 1)[0], kind)
    return found, notes


def _first(name: str, problems: Sequence[Problem]) -> Iterable[Problem]:
    yield from problems[:_PROBLEMS_TOLD]
    if len(problems) > _PROBLEMS_TOLD:
        yield Problem("file.more_problems", file=name, values={"count": len(problems) - _PROBLEMS_TOLD})


def _once(name: str, found: Sequence[Records], kind: Kind) -> tuple[pl.DataFrame, list[Problem], list[Problem]]:
    """Each record once: rows that repeat one are left out, those that say something else under its id are wrong."""
    empty = pl.DataFrame(schema={**RECORD[kind], **PROVENANCE})
    whole = pl.concat([empty, *(with_hashes(each.frame, kind).select(empty.columns) for each in found)])
    taken: dict[str, tuple[str, str, int]] = {}
    repeated, clashing, keep = [], [], []
    for identity, digest, sheet, row in whole.select(
        ID[kind], "content_hash", "source_sheet", "source_row"
    ).iter_rows():
        known = taken.setdefault(identity, (digest, sheet, row))
        keep.append(known == (digest, sheet, row))
        if keep[-1]:
            continue
        values: dict[str, object] = {"first": known[2]}
        if known[0] == digest:
            repeated.append(Problem("row.repeated", name, row, values=values, sheet=sheet))
        else:
            values["identity"] = identity
            clashing.append(Problem("row.same_id", name, row, values=values, sheet=sheet))
    return whole.filter(pl.Series(keep, dtype=pl.Boolean)), repeated, clashing
