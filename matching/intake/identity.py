"""Rows of a file that are records the ledger knows: under another id, or with values that the file has no column of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

import polars as pl

from matching.intake.organisations import organisation_key
from matching.intake.records import is_derived, with_hashes
from matching.schema import ID, ORGANISATION, RECORD, Kind

_NOT_A_LETTER: Final = re.compile(r"[\W_]+")


@cache
def title_key(title: str) -> str:
    """A title without width, case, spaces and punctuation."""
    return _NOT_A_LETTER.sub("", unicodedata.normalize("NFKC", title).casefold())


def with_known_ids(
    frame: pl.DataFrame, known: pl.DataFrame, kind: Kind, names: Mapping[str, str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Records with the ledger's ids where it knows them under another, and those ids by the file's.

    `known` has the id, organisation and title of the ledger's records. A row is such a record when organisation and
    title are the same after their names are resolved (`names` are confirmed ones), one of the two ids was made by this
    program, the ledger has no record of the row's own id, and the file none of the ledger's. Of several it is none.
    """
    identity, organisation = ID[kind], ORGANISATION[kind]
    keys = {name: organisation_key(name, names) for each in (frame, known) for name in each[organisation].unique()}
    taken = set(known[identity])
    there = set(frame[identity])
    by_key: dict[tuple[str, str], list[str]] = {}
    for key, name, title in known.select(identity, organisation, "title").iter_rows():
        by_key.setdefault((keys[name], title_key(title)), []).append(key)
    renamed: dict[str, str] = {}
    claimed: set[str] = set()
    for key, name, title in frame.select(identity, organisation, "title").iter_rows():
        found = by_key.get((keys[name], title_key(title)), [])
        if key in taken or len(found) != 1 or not title_key(title):
            continue
        other = found[0]
        free = other not in there and other not in claimed
        if free and (is_derived(other) or is_derived(key)):
            renamed[key] = other
            claimed.add(other)
    if not renamed:
        return frame, {}
    put = frame.with_columns(pl.col(identity).replace(renamed))
    return with_hashes(put.drop("content_hash"), kind).select(frame.columns), renamed


def with_known_values(frame: pl.DataFrame, known: pl.DataFrame, kind: Kind, stated: Iterable[str]) -> pl.DataFrame:
    """Records with what the ledger knows of them in the columns that the file does not have.

    `known` has the record's columns; `stated` are those of the file. A list of titles and prices changes prices: it
    does not take the summaries away.
    """
    identity = ID[kind]
    silent = [name for name in RECORD[kind] if name not in {identity, *stated}]
    mine = known.select(identity, *silent).join(frame, on=identity, how="semi")
    if mine.is_empty() or not silent:
        return frame
    kept = frame.drop(silent).join(mine, on=identity, how="left", maintain_order="left")
    there = pl.col(identity).is_in(mine[identity].implode())
    fresh = frame.select(pl.col(name).alias(f"{name} ") for name in silent)
    put = kept.hstack(fresh).with_columns(
        pl.when(there).then(pl.col(name)).otherwise(pl.col(f"{name} ")).alias(name) for name in silent
    )
    return with_hashes(put.drop("content_hash"), kind).select(frame.columns)
