"""Fields as a block of the vector space: how common each is, and records' fields as rows.

A field stands in a row with confidence / sqrt(how common it is in the record's list), so that agreeing on a rare field
says more: sum p q / prior is how much likelier two records are to share their field than any two. A record's fields in
one taxonomy have length sqrt(share of the taxonomy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.ranking.weights import Weights
from matching.schema import KINDS, Kind


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
    known = [_of_records(of_list, frame) for of_list, frame in zip(ids, fields, strict=True)]
    columns = pl.concat(each.select("name", "taxonomy") for each in known).unique().sort("name")
    names = columns["name"]
    common = np.zeros((len(KINDS), len(names)))
    for row, (of_list, frame) in enumerate(zip(ids, known, strict=True)):
        places = names.search_sorted(frame["name"]).to_numpy()
        found = np.bincount(places, frame["confidence"].to_numpy(), minlength=len(names))
        common[row] = np.where(found > 0, found, 1.0) / max(1, len(of_list))
    importance = {each: weights.taxonomies.get(each, 1.0) for each in sorted(columns["taxonomy"].unique())}
    shares = np.array([importance[each] / sum(importance.values()) for each in columns["taxonomy"]], dtype=np.float64)
    return FittedFields(names, common, shares)


def field_rows(fitted: FittedFields, kind: Kind, ids: Sequence[str], fields: pl.DataFrame) -> sp.csr_matrix:
    """Rows of records (float64) in the order of `ids`; fields that were not fitted are left out."""
    frame = _of_records(ids, fields).filter(pl.col("name").is_in(fitted.names.implode()))
    columns = fitted.names.search_sorted(frame["name"]).to_numpy().astype(np.int32)
    values = frame["confidence"].to_numpy() / np.sqrt(fitted.common[KINDS.index(kind), columns])
    taxonomies = frame.select(pl.struct("row", "taxonomy").rle_id()).to_series().to_numpy()
    # bincount adds in the order of the rows, so that a sum is the same whatever other records there are.
    values = values / np.sqrt(np.bincount(taxonomies, values**2))[taxonomies] * np.sqrt(fitted.shares[columns])
    begins = np.searchsorted(frame["row"].to_numpy(), np.arange(len(ids) + 1)).astype(np.int32)
    rows = sp.csr_matrix((values, columns, begins), (len(ids), len(fitted.names)))
    rows.sum_duplicates()
    return rows


def _of_records(ids: Sequence[str], fields: pl.DataFrame) -> pl.DataFrame:
    """Columns row (of the record), taxonomy, name, confidence, by row and name."""
    rows = pl.DataFrame({"record_id": pl.Series(ids, dtype=pl.String())}).with_row_index("row")
    return (
        fields.filter(pl.col("confidence") > 0)
        .join(rows, on="record_id")
        .select(
            pl.col("row").cast(pl.Int64),
            "taxonomy",
            "confidence",
            name=pl.col("taxonomy") + ":" + pl.col("code"),
        )
        .sort("row", "name", "confidence")
    )
