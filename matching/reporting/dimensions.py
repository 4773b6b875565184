"""What figures can be cut by, and which column of which frame says so.

A figure that has no such property, as a demand has no maturity, is not cut by it: its cells are null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl

from matching.errors import CallError, Problem
from matching.fields.ip_kinds import ip_kind_codes
from matching.fields.maturity import load_stages
from matching.fields.regions import in_province, region_codes
from matching.fields.taxonomies import first_taxonomy, load_taxonomies
from matching.reporting.codes import UNKNOWN
from matching.reporting.period import EVERY
from matching.schema import CONTRACT_KINDS

# The first taxonomy by a name that does not depend on which it is.
FIELD: Final = "field"
# Of whom or what a frame's rows are, and where the columns of its dimensions stand.
_REGION: Final = "city"
_OF_DEMANDS: Final = (_REGION, "enterprise")
_OF_ACHIEVEMENTS: Final = ("institute", "ip_kind", "maturity")
_OF_CONTRACTS: Final = ("transfer_institution", "contract_kind")
# How the code of a province ends.
_WHOLE_PROVINCE: Final = "0000"
# Dimensions of one table at most.
_MOST: Final = 2


def dimensions() -> tuple[str, ...]:
    """Everything that figures can be cut by; taxonomies by their codes."""
    return (*load_taxonomies(), *_OF_DEMANDS, *_OF_ACHIEVEMENTS, "agent", *_OF_CONTRACTS, *EVERY)


def known_dimensions(names: Sequence[str]) -> tuple[str, ...]:
    """Dimensions by the names that a user gives; raises `CallError` for others, and for the same one twice."""
    given = tuple(first_taxonomy().code if name == FIELD else name for name in names)
    unknown = [name for name in given if name not in dimensions()]
    if unknown:
        raise CallError(Problem("stats.unknown_cut", values={"names": unknown, "known": [FIELD, *dimensions()]}))
    if len(set(given)) < len(given) or len(given) > _MOST:
        raise CallError(Problem("stats.wrong_cuts", values={"names": given, "most": _MOST}))
    return given


def of_demands() -> tuple[str, ...]:
    """Dimensions of demands, periods apart."""
    return (*load_taxonomies(), *_OF_DEMANDS)


def of_achievements() -> tuple[str, ...]:
    """Dimensions of achievements, periods apart."""
    return (*load_taxonomies(), *_OF_ACHIEVEMENTS)


def of_pairs() -> tuple[str, ...]:
    """Dimensions of pairs, periods apart; the field of a pair is that of its achievement."""
    return (*of_achievements(), *_OF_DEMANDS)


def of_contracts() -> tuple[str, ...]:
    """Dimensions of deals, periods apart."""
    return (*of_pairs(), "agent", *_OF_CONTRACTS)


def codes_in_order(dimension: str) -> tuple[str, ...] | None:
    """All codes of a dimension in their order, UNKNOWN last; None for one whose rows are names or periods."""
    listed = _LISTED.get(dimension)
    if listed is not None:
        return (*listed(), UNKNOWN)
    if dimension in load_taxonomies():
        return (*(node.code for node in load_taxonomies()[dimension].fields), UNKNOWN)
    return None


def is_a_ranking(dimension: str) -> bool:
    """Whether the rows of a dimension stand with the largest first, UNKNOWN last: names and regions."""
    return dimension == _REGION or (codes_in_order(dimension) is None and dimension not in EVERY)


def places_in_order(dimension: str) -> pl.Expr:
    """The place of each code of a dimension among its codes, the same for all that are not listed."""
    places = {code: place for place, code in enumerate(codes_in_order(dimension) or ())}
    return pl.col(dimension).replace_strict(places, default=len(places), return_dtype=pl.Int64)


def codes_always_shown(dimension: str) -> tuple[str, ...]:
    """Codes that have a row also where nothing is counted: all that are listed, of regions those of the province."""
    if dimension != _REGION:
        return codes_in_order(dimension) or ()
    return tuple(code for code in region_codes() if in_province(code) and not code.endswith(_WHOLE_PROVINCE))


_LISTED: Final[Mapping[str, Callable[[], Sequence[str]]]] = {
    _REGION: region_codes,
    "ip_kind": ip_kind_codes,
    "maturity": lambda: [stage.code for stage in load_stages()],
    "contract_kind": lambda: CONTRACT_KINDS,
}


def with_dimensions(
    rows: pl.DataFrame, names: Sequence[str], demands: pl.DataFrame, achievements: pl.DataFrame
) -> pl.DataFrame:
    """Rows with the columns of some dimensions, of pairs those of their records, UNKNOWN where one is not there."""
    missing = [name for name in names if name not in rows.columns]
    of_achievement = [name for name in missing if name in of_achievements()]
    of_demand = [name for name in missing if name in _OF_DEMANDS]
    if of_achievement:
        beside = achievements.select("achievement_id", *of_achievement)
        rows = rows.join(beside, on="achievement_id", how="left", maintain_order="left")
    if of_demand:
        rows = rows.join(demands.select("demand_id", *of_demand), on="demand_id", how="left", maintain_order="left")
    texts = [pl.col(name).fill_null(UNKNOWN).replace("", UNKNOWN) for name in names if name in rows.columns]
    return rows.with_columns(texts)
