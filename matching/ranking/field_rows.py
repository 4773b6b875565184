"""Fields as a block of the vector space: how common each is, and records' fields as rows.

A field stands in a row with confidence / sqrt(how common it is in the record's list), so that agreeing on a rare field
says more: sum p q / prior is how much likelier two records are to share their field than any two. A record's fields in
one taxonomy have length sqrt(share of the taxonomy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.ranking.weights import Weights
from matching.schema import KINDS, Kind

# So many fields are numbered at a time: it bounds the memory, not the result.
_FIELDS_AT_A_TIME: Final = 500_000


@dataclass(frozen=True)
class FittedFields:
    """Fields of both lists: `names` are "taxonomy:code" in order.

    `common` (kinds x fields) is the mean confidence of the field over a list's records, or, of a field that this list
    does not have, what one sure record would make of it. `shares` has the share of each field's taxonomy (0–1).
    """

    names: pl.Series
    common: np.ndarray
    shares: np.ndarray


def fit_fields(ids: Sequence[Sequence[str]], fields: Sequence[pl.DataFrame], weights: Weights) -> FittedFields:
    """Fit on both lists, demands first: their ids in order and frames of `schema.FIELDS`.

    Fields of other records are left out.
    """
    said = _numbered(pl.concat(frame.select("taxonomy", "code").unique() for frame in fields))
    known = [_of_records(of_list, frame, said) for of_list, frame in zip(ids, fields, strict=True)]
    found = np.array([np.bincount(each["column"], each["confidence"], len(said)) for each in known])
    there = np.array([np.bincount(each["column"], minlength=len(said)) for each in known]).any(axis=0)
    sizes = np.array([[max(1, len(of_list))] for of_list in ids])
    common = np.where(found > 0, found, 1.0)[:, there] / sizes
    taxonomies = said["taxonomy"].filter(pl.Series(there))
    importance = {each: weights.taxonomies.get(each, 1.0) for each in sorted(taxonomies.unique())}
    shares = np.array([importance[each] / sum(importance.values()) for each in taxonomies], dtype=np.float64)
    return FittedFields(said["name"].filter(pl.Series(there)), common, shares)


def fields_of(fitted: FittedFields, ids: Sequence[str], fields: pl.DataFrame) -> pl.DataFrame:
    """Columns row (of `ids`), column (of what was fitted), confidence, by row and column; others are left out."""
    columns = pl.DataFrame({"name": fitted.names}).with_row_index("column")
    said = _numbered(fields.select("taxonomy", "code").unique()).drop("column").join(columns, on="name")
    return _of_records(ids, fields, said)


def field_rows(fitted: FittedFields, kind: Kind, found: pl.DataFrame, first: int, last: int) -> sp.csr_matrix:
    """Rows of a kind's records (float64) from `first` up to `last`, out of what `fields_of` found."""
    some = found[found["row"].search_sorted(first) : found["row"].search_sorted(last)]
    row, column = some["row"].to_numpy().astype(np.int64) - first, some["column"].to_numpy().astype(np.int32)
    values = some["confidence"].to_numpy() / np.sqrt(fitted.common[KINDS.index(kind), column])
    taxonomy_of = fitted.names.str.extract("^([^:]*)").rank("dense").to_numpy().astype(np.int64)
    in_taxonomy = row * (len(taxonomy_of) + 1) + taxonomy_of[column]
    taxonomies = np.cumsum(np.diff(in_taxonomy, prepend=-1) != 0) - 1
    # bincount adds in the order of the rows, so that a sum is the same whatever other records there are.
    values = values / np.sqrt(np.bincount(taxonomies, values**2))[taxonomies] * np.sqrt(fitted.shares[column])
    begins = np.searchsorted(row, np.arange(last - first + 1)).astype(np.int32)
    rows = sp.csr_matrix((values, column, begins), (last - first, len(fitted.names)))
    rows.sum_duplicates()
    return rows


def _numbered(fields: pl.DataFrame) -> pl.DataFrame:
    """Taxonomy, code, name and column of each field, in the order of the names."""
    named = fields.unique().with_columns(name=pl.col("taxonomy") + ":" + pl.col("code"))
    return named.sort("name").with_row_index("column")


def _of_records(ids: Sequence[str], fields: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Columns row (of the record), column (of the field), confidence, by row and column.

    `known` has taxonomy, code and column. Names are left behind at once: with them a large list's fields would take
    more memory than its texts.
    """
    rows = pl.DataFrame({"record_id": pl.Series(ids, dtype=pl.String())}).with_row_index("row")
    columns = known.select("taxonomy", "code", "column")
    found = [pl.DataFrame(schema={"row": pl.UInt32, "column": pl.UInt32, "confidence": pl.Float64})]
    for some in fields.iter_slices(_FIELDS_AT_A_TIME):
        sure = some.filter(pl.col("confidence") > 0).join(columns, on=["taxonomy", "code"])
        found.append(sure.join(rows, on="record_id").select(found[0].columns))
    return pl.concat(found).sort("row", "column", "confidence")
