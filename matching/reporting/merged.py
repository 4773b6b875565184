"""Records that were merged into another one: they are no longer counted, and are what that one is."""

from __future__ import annotations

import polars as pl

from matching.schema import CHOICES

_VISIBILITY = "visibility"


def as_one(records: pl.DataFrame, identity: str) -> pl.DataFrame:
    """Records of which one that was merged `into` another has what that one has, no day, and is not in use.

    Its pairs and deals go on under its own id, and are cut by what it is. Of two demands it is as secret as the more
    secret one: what it says is the other's, and its id is its own. One whose other is not there, since the upload that
    brought it was taken back, was merged into nothing: it counts for itself. `identity` is the column of ids, by which
    the records stand. The ledger makes no chains: the other one is itself merged into none.
    """
    into = pl.when(pl.col("into").is_in(records[identity].implode())).then("into").alias("into")
    records = records.with_columns(into)
    merged = records.filter(pl.col("into").is_not_null())
    if merged.is_empty():
        return records
    others = records.drop("into").rename({identity: "into"})
    own = [identity, "into", *(name for name in (_VISIBILITY,) if name in records.columns)]
    taken = merged.select(own).join(others, on="into", how="left", suffix=":other")
    if _VISIBILITY in own:
        taken = taken.with_columns(_more_secret(_VISIBILITY, f"{_VISIBILITY}:other"))
    taken = taken.with_columns(day=pl.lit(None, pl.Date()), in_use=pl.lit(False))
    return pl.concat([records.filter(pl.col("into").is_null()), taken.select(records.columns)]).sort(identity)


def as_counted(rows: pl.DataFrame, records: pl.DataFrame, identity: str) -> pl.DataFrame:
    """Rows with the id of the record that counts: that of the other one where theirs was merged into it."""
    found = rows.join(records.select(identity, "into"), on=identity, how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("into", identity).alias(identity)).drop("into")


def _more_secret(own: str, other: str) -> pl.Expr:
    secrets = [pl.lit(each) for each in reversed(CHOICES["demands"][_VISIBILITY])]
    said = [pl.when(pl.any_horizontal(pl.col(own, other) == each)).then(each) for each in secrets]
    return pl.coalesce(*said, own).alias(own)
