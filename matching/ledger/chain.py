"""Checking the chain: whether every row and link is what it was when it was sealed.

A link holds a table's name, how many rows a transaction added to it, the place of the last one, the digest of these
rows (`canonical`), a moment, and the SHA-256 of all that with the hash of the link before.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import JSON, Boolean, Connection, Engine, Table, func, select
from sqlalchemy import Row as Found

from matching.errors import Problem
from matching.intake.records import content_hash
from matching.ledger.canonical import LOT, PLACE, Digest, Row, stored_rows
from matching.ledger.database import reading
from matching.ledger.rights import permit
from matching.ledger.sealing import BEGINNING, SEALED, link_hash
from matching.ledger.tables import RECORD_TABLE, link, original
from matching.schema import RECORD, Kind

Tell = Callable[[int, int], None]
# So many rows of a link with one too many are gone through to find out which.
_TRIED: Final = 200
# Rows named in a finding.
_NAMED: Final = 5


@dataclass(frozen=True)
class Verification:
    """What was checked and found; `head` is the newest link's hash, `knows_head` whether an earlier one is there."""

    rows: int
    links: int
    head: str
    findings: tuple[Problem, ...]
    knows_head: bool = True

    @property
    def sound(self) -> bool:
        """Whether everything is as it was sealed, and the earlier head, if one was asked for, is part of it."""
        return not self.findings and self.knows_head


def verify(engine: Engine, progress: Tell | None = None, head: str = "") -> Verification:
    """Recompute the whole chain, every record's content hash and every kept file's SHA-256.

    `head` is the hash of a link seen earlier: cutting off the chain's end shows in its absence alone. `progress` is
    called with the rows checked and their number.
    """
    permit(engine, "keep_ledger")
    with reading(engine) as connection:
        found = verify_on(connection, progress)
        if not head or head == BEGINNING:
            return found
        known = connection.execute(select(link.c.link_id).where(link.c.hash == head)).first() is not None
    return replace(found, knows_head=known)


def head_of(connection: Connection) -> str:
    """The hash of the newest link; `BEGINNING` where there is none."""
    newest = connection.execute(select(link.c.hash).order_by(link.c.link_id.desc()).limit(1)).scalar()
    return newest or BEGINNING


def verify_on(connection: Connection, progress: Tell | None = None) -> Verification:
    """The same of what a connection sees."""
    links = connection.execute(select(link).order_by(link.c.link_id)).all()
    findings = _broken(links)
    total = sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in SEALED.values())
    rows = 0

    def tell(more: int) -> None:
        nonlocal rows
        rows += more
        if progress:
            progress(min(rows, total), total)

    for name, table in SEALED.items():
        findings += _changed(connection, table, [each for each in links if each.table_name == name], tell)
    return Verification(rows, len(links), links[-1].hash if links else BEGINNING, tuple(findings))


def _broken(links: Sequence[Found[*tuple[object, ...]]]) -> list[Problem]:
    """Links that are missing, changed, out of order, or about no table."""
    findings = []
    before, expected = {BEGINNING}, 1
    for each in links:
        if each.link_id != expected:
            values: dict[str, object] = {"first": expected, "last": each.link_id - 1}
            findings.append(Problem("chain.links_missing", values=values))
        values_of = (each.link_id, each.table_name, each.rows, each.last_place, each.digest, each.at)
        fits = {link_hash(previous, *values_of) for previous in before}
        if each.link_id == expected and each.hash not in fits:
            findings.append(Problem("chain.link_changed", values={"link": each.link_id}))
        if each.table_name not in SEALED:
            values = {"link": each.link_id, "table": each.table_name}
            findings.append(Problem("chain.no_table", values=values))
        # A link whose own hash was changed does not make the next one wrong.
        before, expected = {each.hash, *fits}, each.link_id + 1
    return findings


def _changed(
    connection: Connection, table: Table, links: Sequence[Found[*tuple[object, ...]]], tell: Callable[[int], None]
) -> list[Problem]:
    """What is wrong with the rows of a table, given the links that seal them."""
    findings: list[Problem] = []
    ends = [each.last_place for each in links]

    def pieces() -> Iterator[tuple[int, Sequence[Row]]]:
        for rows in stored_rows(connection, table):
            findings.extend(_wrong_values(table, rows))
            yield from _by_link(rows, ends)
            tell(len(rows))

    sound: set[int] = set()
    for number, group in groupby(pieces(), key=itemgetter(0)):
        own = [] if number < len(links) else [row for _, rows in group for row in rows]
        if own:
            findings.append(_unsealed(table, own))
        elif _digest(table, (rows for _, rows in group)) == (links[number].rows, links[number].digest):
            sound.add(number)
    for number in sorted(set(range(len(links))) - sound):
        after = ends[number - 1] if number else 0
        findings += _looked_closer(connection, table, links[number], after)
    return findings


def _by_link(rows: Sequence[Row], ends: list[int]) -> Iterator[tuple[int, Sequence[Row]]]:
    """Rows in the order of their places, cut where links end, with the number of the link that each piece is of."""
    begin = 0
    while begin < len(rows):
        number = bisect_left(ends, rows[begin][0])
        end = len(rows)
        if number < len(ends):
            end = bisect_right(rows, ends[number], lo=begin, key=itemgetter(0))
        # Links out of order may end before this row: it belongs to none of them.
        yield number, rows[begin : max(end, begin + 1)]
        begin = max(end, begin + 1)


def _digest(table: Table, pieces: Iterable[Sequence[Row]]) -> tuple[int, str]:
    """How many rows there are, and their digest; "" where a value is of another type than its column's."""
    digest = Digest(table)
    waiting: list[Row] = []
    try:
        for piece in pieces:
            waiting += piece
            while len(waiting) >= LOT:
                digest.add_rows(waiting[:LOT])
                del waiting[:LOT]
        if waiting:
            digest.add_rows(waiting)
    except TypeError:
        return digest.rows, ""
    return digest.rows, digest.hexdigest()


def _looked_closer(
    connection: Connection, table: Table, sealed: Found[*tuple[object, ...]], after: int
) -> list[Problem]:
    """Which of the rows between two places are not those that a link sealed."""
    rows: list[Row] = []
    for lot in stored_rows(connection, table, after):
        rows += [row for row in lot if row[0] <= sealed.last_place]
        if lot[-1][0] > sealed.last_place:
            break
    values: dict[str, object] = {"table": table.name, "link": sealed.link_id, "rows": sealed.rows, "found": len(rows)}
    if len(rows) < sealed.rows:
        gaps = sorted(set(range(sealed.last_place - sealed.rows + 1, sealed.last_place + 1)) - {row[0] for row in rows})
        places = gaps[:_NAMED] if len(gaps) == sealed.rows - len(rows) else [sealed.last_place]
        return [Problem("chain.rows_missing", values={**values, "places": places})]
    for kept in _without_some(rows, sealed.rows):
        if _digest(table, [kept]) == (sealed.rows, sealed.digest):
            there = {row[0] for row in kept}
            return [_unsealed(table, [row for row in rows if row[0] not in there])]
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        return [Problem("chain.row_changed", values={**values, **_place(table, last)})]
    ends = {"first": first[0], "last": last[0], "first_key": _key(table, first), "last_key": _key(table, last)}
    return [Problem("chain.rows_changed", values={**values, **ends})]


def _without_some(rows: list[Row], sealed: int) -> Iterator[list[Row]]:
    """What may be left of rows when those that were put among them are left out."""
    if len(rows) > sealed:
        yield rows[-sealed:]
        yield rows[:sealed]
    if len(rows) == sealed + 1 <= _TRIED:
        for place in range(1, sealed):
            yield rows[:place] + rows[place + 1 :]


def _unsealed(table: Table, rows: Sequence[Row]) -> Problem:
    ends: dict[str, object] = {"first": rows[0][0], "last": rows[-1][0], "count": len(rows)}
    named = [_key(table, row) for row in rows[:_NAMED]]
    return Problem("chain.rows_unsealed", values={"table": table.name, **ends, "keys": named})


def _key(table: Table, row: Row) -> str:
    names = [PLACE, *(column.name for column in table.columns)]
    return " ".join(str(row[names.index(column.name)]) for column in table.primary_key.columns)


def _place(table: Table, row: Row) -> dict[str, object]:
    return {"table": table.name, "place": row[0], "key": _key(table, row)}


def _wrong_values(table: Table, rows: Sequence[Row]) -> list[Problem]:
    """Records whose content hash is not that of what they say; kept files whose name is not their SHA-256."""
    names = [PLACE, *(column.name for column in table.columns)]
    if table is original:
        wrong = [row for row in rows if not _is_original(dict(zip(names, row, strict=True)))]
        return [Problem("chain.wrong_original", values=_place(table, row)) for row in wrong]
    for kind, record_table in RECORD_TABLE.items():
        if table is record_table:
            wrong = [row for row in rows if not _is_record(kind, table, dict(zip(names, row, strict=True)))]
            return [Problem("chain.wrong_content_hash", values=_place(table, row)) for row in wrong]
    return []


def _is_original(row: dict[str, object]) -> bool:
    content = row["content"]
    try:
        return isinstance(content, bytes) and hashlib.sha256(zlib.decompress(content)).hexdigest() == row["sha256"]
    except zlib.error:
        return False


def _is_record(kind: Kind, table: Table, row: dict[str, object]) -> bool:
    said: dict[str, object] = {}
    for name in RECORD[kind]:
        value = row[name]
        match table.c[name].type:
            case JSON():
                try:
                    value = json.loads(str(value))
                except ValueError:
                    return False
            case Boolean():
                value = bool(value)
        said[name] = value
    return content_hash(said) == row["content_hash"]
