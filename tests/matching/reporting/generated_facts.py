"""Facts at random: what `ledger.past` reads of pairs, the ways of the pairs, records and payments around them.

Everything follows from a seed and from how many rows there are, so that hypothesis can make a failing example small.
Days lie around ends of years, quarters and months; ids of pairs also name records that are not there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from matching.fields.taxonomies import load_taxonomies
from matching.ledger.deal_terms import DEAL_TERMS
from matching.ledger.decisions import STANDING
from matching.reporting.codes import UNKNOWN
from matching.reporting.dimensions import codes_in_order, dimensions
from matching.reporting.facts import Facts
from matching.reporting.journeys import journeys
from matching.reporting.period import Period
from matching.schema import CONTRACT_KINDS, DEAL_ENDED, DEAL_STATES, PAIRS, VERDICTS

ZONE: Final = "Asia/Shanghai"
TAXONOMIES: Final = tuple(load_taxonomies())
FIRST_DAY: Final = date(2025, 11, 20)
DAYS: Final = 480
AS_OF: Final = datetime(2027, 3, 31, 15, 59, 59, 999000, tzinfo=UTC)
PEOPLE: Final = ("甲", "乙", "")
BROUGHT: Final = {**PAIRS, "at": pl.String()}
DEALS: Final = {
    **{"deal_id": pl.Int64(), **PAIRS},
    **dict.fromkeys(("state", "reason", "agent", "at", "opened", *DEAL_STATES[1:]), pl.String()),
}
LISTED: Final = {**PAIRS, "level": pl.Int64()}
PAYMENTS: Final = {"deal_id": pl.Int64(), "paid_on": pl.Date(), "amount_fen": pl.Int64()}
DEMANDS: Final = {
    **{"demand_id": pl.String(), "day": pl.Date(), "in_use": pl.Boolean()},
    **dict.fromkeys(("into", "title", "visibility", *TAXONOMIES, "city", "enterprise"), pl.String()),
}
ACHIEVEMENTS: Final = {
    **{"achievement_id": pl.String(), "day": pl.Date(), "in_use": pl.Boolean()},
    **dict.fromkeys(("into", "title", *TAXONOMIES, "institute", "maturity", "ip_kind"), pl.String()),
}


@dataclass(frozen=True)
class Entries:
    """What `journeys` is made of."""

    brought: pl.DataFrame
    decided: pl.DataFrame
    deals: pl.DataFrame
    terms: pl.DataFrame

    def pairs(self, timezone: str = ZONE) -> pl.DataFrame:
        """The ways of these pairs."""
        return journeys(self.brought, self.decided, self.deals, self.terms, timezone)


def a_day(chance: Random) -> date:
    """A day of the time that examples cover; every third one is the first or the last of its month."""
    day = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
    if chance.random() < 0.3:
        first = day.replace(day=1)
        return chance.choice((first, first - timedelta(days=1)))
    return day


def a_moment(chance: Random) -> str:
    """A moment as the ledger writes it; often next to midnight in Shanghai."""
    hour = chance.choice((chance.randrange(24), 15, 16))
    moment = datetime.combine(a_day(chance), datetime.min.time(), UTC).replace(hour=hour, minute=chance.choice((0, 59)))
    return moment.isoformat(timespec="milliseconds")


def some_entries(chance: Random, pairs: list[tuple[str, str]]) -> Entries:
    """Entries on some of the pairs each; deals also where no acceptance stands, steps left out."""
    brought = [(*pair, a_moment(chance)) for pair in pairs if chance.random() < 0.8]
    decided = [_decision(chance, number, pair) for number, pair in enumerate(pairs) if chance.random() < 0.7]
    dealt = [row[:2] for row in decided if row[3] == "accept" or chance.random() < 0.2]
    deals = [_deal(chance, number, pair) for number, pair in enumerate(dealt, start=1) if chance.random() < 0.9]
    terms = [_terms(chance, row["deal_id"]) for row in deals if chance.random() < 0.8]
    return Entries(
        pl.DataFrame(brought, schema=BROUGHT, orient="row"),
        pl.DataFrame(decided, schema=STANDING, orient="row"),
        pl.DataFrame(deals, schema=DEALS, orient="row"),
        pl.DataFrame(terms, schema=DEAL_TERMS, orient="row"),
    )


def _decision(chance: Random, number: int, pair: tuple[str, str]) -> tuple[Any, ...]:
    verdict = chance.choice((*VERDICTS, "accept", "accept"))
    return (*pair, number + 1, verdict, "", "", chance.choice(PEOPLE[:2]), a_moment(chance))


def _deal(chance: Random, deal_id: int, pair: tuple[str, str]) -> dict[str, Any]:
    furthest = chance.randrange(len(DEAL_STATES))
    moments = {
        state: a_moment(chance) if place == furthest or chance.random() < 0.7 else None
        for place, state in enumerate(DEAL_STATES[: furthest + 1])
    }
    row = {**dict.fromkeys(DEALS), **{state: moments.get(state) for state in DEAL_STATES[1:]}}
    state = DEAL_ENDED if chance.random() < 0.2 else DEAL_STATES[furthest]
    own = {"deal_id": deal_id, "demand_id": pair[0], "achievement_id": pair[1], "state": state}
    return {**row, **own, "agent": chance.choice(PEOPLE[:2])}


def _terms(chance: Random, deal_id: int) -> dict[str, Any]:
    total = chance.choice((None, 0, chance.randrange(10**6), chance.randrange(10**15)))
    known = {
        "contract_kind": chance.choice((None, *CONTRACT_KINDS)),
        "total_fen": total,
        "technical_fen": None if total is None or chance.random() < 0.3 else chance.randint(0, total),
        **{
            name: a_day(chance) for name in ("signed_on", "registered_on", "industrialised_on") if chance.random() < 0.5
        },
        "transfer_institution": chance.choice(("", "转移中心", "另一中心")),
        "responsible": chance.choice(PEOPLE),
    }
    return {**dict.fromkeys(DEAL_TERMS), "deal_id": deal_id, **known}


def facts_of(seed: int, demands: int, achievements: int, pairs: int, timezone: str = ZONE) -> Facts:
    """Facts with so many records, and at most so many pairs."""
    chance = Random(seed)
    ids = [f"D{number}" for number in range(demands + 1)], [f"A{number}" for number in range(achievements + 1)]
    chosen = sorted({(chance.choice(ids[0]), chance.choice(ids[1])) for _ in range(pairs)})
    chance.shuffle(chosen)
    entries = some_entries(chance, chosen)
    deals = entries.deals["deal_id"].to_list()
    paid = [(chance.choice(deals), a_day(chance), chance.randint(1, 10**12)) for _ in range(pairs if deals else 0)]
    listed = [(*pair, chance.choice((None, 1, 2, 3, 4))) for pair in chosen if chance.random() < 0.5]
    # The last id of each list names a record that is not there.
    return Facts(
        as_of=AS_OF,
        timezone=timezone,
        demands=pl.DataFrame([_demand(chance, key) for key in ids[0][:-1]], schema=DEMANDS, orient="row"),
        achievements=pl.DataFrame(
            [_achievement(chance, key) for key in ids[1][:-1]], schema=ACHIEVEMENTS, orient="row"
        ),
        pairs=entries.pairs(timezone),
        listed=pl.DataFrame(listed, schema=LISTED, orient="row"),
        payments=pl.DataFrame(paid, schema=PAYMENTS, orient="row"),
        contracts=pl.DataFrame(),
        statements=pl.DataFrame(),
    )


def _demand(chance: Random, key: str) -> dict[str, Any]:
    organisation = chance.choice(("甲厂", "乙厂", UNKNOWN))
    own = {"visibility": "public", "city": _code(chance, "city"), "enterprise": organisation}
    return {**_record(chance), "demand_id": key, **own}


def _achievement(chance: Random, key: str) -> dict[str, Any]:
    own = {name: _code(chance, name) for name in ("maturity", "ip_kind")}
    return {**_record(chance), "achievement_id": key, **own, "institute": chance.choice(("甲所", "乙所", UNKNOWN))}


def _record(chance: Random) -> dict[str, Any]:
    fields = {taxonomy: _code(chance, taxonomy) for taxonomy in TAXONOMIES}
    return {"day": a_day(chance), "in_use": chance.random() < 0.8, "into": None, "title": "题", **fields}


def _code(chance: Random, dimension: str) -> str:
    """One of the first codes of a dimension, so that several records share one, or one of the last."""
    codes = codes_in_order(dimension) or ()
    return chance.choice((*codes[:3], *codes[-2:]))


def shuffled(facts: Facts, seed: int) -> Facts:
    """The same facts with the rows of every frame in another order."""
    frames = {name: value for name, value in vars(facts).items() if isinstance(value, pl.DataFrame)}
    return replace(
        facts, **{name: rows.sample(fraction=1, shuffle=True, seed=seed) for name, rows in frames.items() if rows.width}
    )


some_facts: Final = st.builds(
    facts_of,
    seed=st.integers(0, 2**32 - 1),
    demands=st.integers(0, 6),
    achievements=st.integers(0, 6),
    pairs=st.integers(0, 40),
)
some_days: Final = st.dates(FIRST_DAY - timedelta(days=40), FIRST_DAY + timedelta(days=DAYS + 40))
some_periods: Final = st.tuples(st.none() | some_days, st.none() | some_days).map(
    lambda bounds: Period(*(sorted(bounds) if None not in bounds else bounds))  # type: ignore[type-var]
)
some_cuts: Final = st.lists(st.sampled_from(dimensions()), unique=True, max_size=2).map(tuple)
# For what asks for many tables.
FEW: Final = settings(max_examples=20)
