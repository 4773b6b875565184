"""The way of a pair: the day on which it took each step, from candidate to industrialised.

A step that a deal left out has no day of its own. It is taken to be reached on the day of the next step that has one,
so that nobody who is further ahead is missing at a step before it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from matching.reporting.period import local_days
from matching.schema import DEAL_ENDED, DEAL_STATES, PAIRS

# Steps of a pair, in their order.
DEAL_STEPS: Final = DEAL_STATES[1:]
STEPS: Final = ("candidates", "reviewed", "accepted", *DEAL_STEPS)
# Steps whose day the terms of a deal state.
_STATED: Final = {
    "signed": "signed_on",
    "registered": "registered_on",
    "industrialised": "industrialised_on",
}
_PAIR: Final = tuple(PAIRS)
# The place of each id among all, and the number of a pair.
_SIDES: Final = ("first", "second")
_NUMBER: Final = "number"
# What is asked of a pair's decision.
DECIDED: Final = (*PAIRS, "verdict", "agent", "at")
# Terms that a pair takes along.
_TERMS: Final = ("contract_kind", "transfer_institution", "total_fen", "technical_fen")
_OF_DEALS: Final = (*(f"own_{step}" for step in DEAL_STEPS), "deal_id", "handler", "ended", *_TERMS)

JOURNEYS: Final[dict[str, pl.DataType]] = {
    **PAIRS,
    **{step: pl.Date() for step in STEPS},
    **{f"own_{step}": pl.Date() for step in STEPS},
    "decider": pl.String(),
    "deal_id": pl.Int64(),
    "handler": pl.String(),
    "ended": pl.Boolean(),
    "contract_kind": pl.String(),
    "transfer_institution": pl.String(),
    "total_fen": pl.Int64(),
    "technical_fen": pl.Int64(),
}


def journeys(
    brought: pl.DataFrame, decided: pl.DataFrame, deals: pl.DataFrame, terms: pl.DataFrame, timezone: str
) -> pl.DataFrame:
    """A row for every pair that was brought forward, decided on or dealt in (`JOURNEYS`), by ids.

    `brought`, `decided`, `deals` and `terms` are what `ledger.past` reads. A column named for a step has the day on
    which it was reached, `own_…` the day that the pair itself has for it. Deals count as long as their pair's
    acceptance stands. `decider` decided last, `handler` is responsible for the deal, or moved it last.
    """
    reviewed = decided.filter(pl.col("verdict") != "later")
    reviewed = reviewed.with_columns(own_reviewed=local_days(pl.col("at"), timezone)).select(
        *_PAIR,
        "own_reviewed",
        decider="agent",
        own_accepted=pl.when(pl.col("verdict") == "accept").then("own_reviewed"),
    )
    shown = brought.select(*_PAIR, own_candidates=local_days(pl.col("at"), timezone))
    found = _by_pair(shown, reviewed, _steps_of_deals(deals, terms, timezone))
    stands = pl.col("own_accepted").is_not_null()
    found = found.with_columns(pl.when(stands).then(name).alias(name) for name in _OF_DEALS)
    own = [pl.col(f"own_{step}") for step in STEPS]
    reached = {step: pl.coalesce(own[place:]) for place, step in enumerate(STEPS)}
    return found.with_columns(**reached).select(*JOURNEYS).cast(JOURNEYS)  # type: ignore[arg-type]


def _by_pair(shown: pl.DataFrame, reviewed: pl.DataFrame, dealt: pl.DataFrame) -> pl.DataFrame:
    """All pairs that were shown or reviewed with what is known of them, by ids.

    Pairs are told apart by a whole number, by which they are joined and sorted several times faster than by two ids.
    """
    ids = [pl.concat([shown[side], reviewed[side], dealt[side]]).unique().sort() for side in _PAIR]
    places = [each.to_frame().with_row_index(side) for each, side in zip(ids, _SIDES, strict=True)]
    first, second = (pl.col(side).cast(pl.Int64) for side in _SIDES)

    def numbered(rows: pl.DataFrame) -> pl.DataFrame:
        for side, place in zip(_PAIR, places, strict=True):
            rows = rows.join(place, on=side)
        return rows.select((first * len(ids[1]) + second).alias(_NUMBER), pl.exclude(*_PAIR, *_SIDES))

    found = numbered(shown).join(numbered(reviewed), on=_NUMBER, how="full", coalesce=True)
    found = found.join(numbered(dealt), on=_NUMBER, how="left").sort(_NUMBER)
    number = found[_NUMBER]
    sides = (number // max(len(ids[1]), 1), number % max(len(ids[1]), 1))
    named = [each.gather(side).alias(name) for each, side, name in zip(ids, sides, _PAIR, strict=True)]
    return found.drop(_NUMBER).with_columns(named)


def _steps_of_deals(deals: pl.DataFrame, terms: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Deals with the days of their steps: those that the terms state, else those of the entries."""
    stated = terms.select("deal_id", "responsible", *_TERMS, *_STATED.values())
    found = deals.join(stated, on="deal_id", how="left")
    last = pl.max_horizontal(
        pl.when(pl.col(step).is_not_null()).then(place) for place, step in enumerate(DEAL_STEPS, start=1)
    ).fill_null(0)
    found = found.with_columns(last=last)
    days = {}
    for place, step in enumerate(DEAL_STEPS, start=1):
        day = local_days(pl.col(step), timezone)
        if step in _STATED:
            day = pl.when(pl.col("last") >= place).then(pl.coalesce(pl.col(_STATED[step]), day))
        days[f"own_{step}"] = day
    responsible = pl.col("responsible").fill_null("")
    return found.select(
        *_PAIR,
        "deal_id",
        *_TERMS,
        handler=pl.when(responsible == "").then("agent").otherwise(responsible),
        ended=pl.col("state") == DEAL_ENDED,
        **days,
    )
