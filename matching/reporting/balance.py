"""Supply and demand by field: how many demands and achievements have their main field at or under each node."""

from __future__ import annotations

from typing import Final

import polars as pl

from matching.fields.taxonomies import Taxonomy
from matching.reporting.codes import UNKNOWN

BALANCE: Final[dict[str, pl.DataType]] = {
    "code": pl.String(),
    "parent": pl.String(),
    "demands": pl.Int64(),
    "achievements": pl.Int64(),
    "lean": pl.Float64(),
}


def balance(
    taxonomy: Taxonomy, demand_codes: pl.Series, achievement_codes: pl.Series, demands: int, achievements: int
) -> pl.DataFrame:
    """A row for each node in file order and one for the unknown (`BALANCE`).

    `demand_codes` and `achievement_codes` are the main fields of the records that have one, `demands` and
    `achievements` how many records there are. A node counts what stands under it too. `lean` says to which side it
    leans, shares of the two lists set against each other: 1 where there are only demands, 0 where there are only
    achievements, 0.5 where both have the same share of their list; null where there is nothing.
    """
    by_code = [dict(codes.value_counts().iter_rows()) for codes in (demand_codes, achievement_codes)]
    rows = []
    for node in taxonomy.nodes:
        counts = [sum(known.get(code, 0) for code in taxonomy.below(node.code)) for known in by_code]
        rows.append((node.code, node.parent, *counts))
    rows.append((UNKNOWN, "", demands - len(demand_codes), achievements - len(achievement_codes)))
    share_of_demands = pl.col("demands") / max(demands, 1)
    share_of_achievements = pl.col("achievements") / max(achievements, 1)
    both = share_of_demands + share_of_achievements
    counted = {name: dtype for name, dtype in BALANCE.items() if name != "lean"}
    return pl.DataFrame(rows, schema=counted, orient="row").with_columns(
        lean=pl.when(both > 0).then(share_of_demands / both)
    )
