"""A ledger of a province after five years, written in bulk: what the statistics are measured on.

Everything follows from a fixed seed. Rows go through the ledger's own writer, so that its chain is sound.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl
from large_records import AGENTS, FIRST_MOMENT, RECORDS, Chance, chosen, ids_of, moments_of, records, some_days, uploads
from numpy.typing import NDArray
from sqlalchemy import Engine, Table

from matching.ledger import tables
from matching.ledger.database import writing
from matching.ledger.frames import write_frames
from matching.schema import CONTRACT_KINDS, DEAL_ENDED, DEAL_STATES, REJECT_REASONS

SEED: Final = 20261122
RUNS, LISTED = 4, 10
# Achievements that each demand meets in its runs and decisions.
POOL: Final = 40
DECIDED, CHANGED, UNDONE = 400_000, 160_000, 40_000
DEALS, EVENTS = 60_000, 300_000
CONTRACTS, TERMS_CHANGED, PAYMENTS, PAYMENTS_BACK, STATEMENTS = 40_000, 15_000, 60_000, 5_000, 20_000
SECONDS: Final = 5 * 365 * 24 * 3600
CENTRES: Final = [*(f"示例技术转移中心{number}" for number in range(60)), "", "", ""]
TERMS: Final = [{"term": f"技术词{number}", "contribution": 0.0125 * number} for number in range(12)]


def write(engine: Engine) -> int:
    """Fill an empty ledger; returns how many entries are on pairs and deals, lists apart."""
    chance = np.random.default_rng(SEED)
    lots = [*uploads(), *records(chance), *_runs(chance)]
    decisions, accepted = _decisions(chance)
    deals, events, reached = _deals(chance, accepted)
    worked = [(tables.decision, decisions), (tables.deal, deals), (tables.deal_event, events)]
    worked += _contracts(chance, reached)
    with writing(engine) as connection:
        write_frames(connection, [*lots, *worked])
    return sum(rows.height for _, rows in worked)


def _pair(numbers: NDArray[np.int64]) -> dict[str, pl.Series]:
    """Pairs by their numbers: each demand meets `POOL` achievements, each once."""
    demand, place = numbers // POOL, numbers % POOL
    achievement = (demand * 7 + place * 1_237) % RECORDS["achievements"]
    return {"demand_id": ids_of("demands", demand), "achievement_id": ids_of("achievements", achievement)}


def _runs(chance: Chance) -> list[tuple[Table, pl.DataFrame]]:
    number = RECORDS["demands"] * LISTED
    runs, lots = [], []
    for place in range(RUNS):
        at = (FIRST_MOMENT + timedelta(days=200 + 400 * place)).isoformat(timespec="milliseconds")
        known = {"top": LISTED, **RECORDS, "candidates": number, "agent": AGENTS[0], "at": at}
        runs.append({"run_id": place + 1, "fingerprint": f"{place:064x}", **known})
        demand, rank = np.divmod(np.arange(number), LISTED)
        lots.append((tables.candidate, _candidates(chance, place, demand, rank)))
    return [(tables.run, pl.DataFrame(runs)), *lots]


def _candidates(chance: Chance, place: int, demand: NDArray[np.int64], rank: NDArray[np.int64]) -> pl.DataFrame:
    numbers = ("score", "character_part", "word_part", "field_part", "text_score", "field_score", "other_terms")
    shared = pl.Series("shared_terms", [TERMS]).to_frame().select(pl.struct(v="shared_terms").struct.json_encode())
    return pl.DataFrame(
        {
            "run_id": pl.Series(np.full(len(demand), place + 1)),
            **_pair(demand * POOL + rank + place * LISTED // 2),
            "rank": pl.Series(rank + 1),
            "level": pl.Series(chance.integers(1, 5, len(demand))),
            **{name: chance.random(len(demand)).round(6) for name in numbers},
        }
    ).with_columns(shared_terms=pl.lit(shared.item()[5:-1]), shared_fields=pl.lit("[]"))


def _decisions(chance: Chance) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Decisions, some changed later, some taken back; and the numbers of the pairs whose acceptance stands."""
    pairs = chance.permutation(RECORDS["demands"] * POOL)[:DECIDED]
    verdicts = np.array(["accept", "reject", "later"])
    first = pl.DataFrame({"pair": pairs, "second": chance.integers(0, SECONDS * 3 // 4, DECIDED)})
    first = first.with_columns(verdict=pl.Series(verdicts[chance.choice(3, DECIDED, p=(0.4, 0.5, 0.1))]))
    changed = pl.DataFrame({"pair": pairs[:CHANGED], "second": first["second"][:CHANGED] + 86_400})
    changed = changed.with_columns(verdict=pl.Series(verdicts[chance.choice(3, CHANGED, p=(0.45, 0.5, 0.05))]))
    both = pl.concat([first, changed]).sort("second", "pair").with_row_index("decision_id", 1)
    undone = both.filter(pl.col("pair").is_in(pairs[-UNDONE:]))
    later = undone.select("pair", second=pl.col("second") + 172_800, verdict=pl.lit("undone"), corrects="decision_id")
    rows = pl.concat([both.drop("decision_id"), later], how="diagonal").with_columns(pl.col("corrects").cast(pl.Int64))
    # What is taken back keeps its key: entries that take back come after all others.
    rows = rows.with_row_index("decision_id", 1).with_columns(pl.col("decision_id").cast(pl.Int64))
    standing = both.filter(~pl.col("pair").is_in(pairs[-UNDONE:])).unique("pair", keep="last", maintain_order=True)
    accepted = standing.filter(pl.col("verdict") == "accept")["pair"].to_numpy()
    reason = (
        pl.when(pl.col("verdict") == "reject").then(chosen(chance, REJECT_REASONS, rows.height)).otherwise(pl.lit(""))
    )
    found = rows.select(
        "decision_id",
        "verdict",
        "corrects",
        **_pair(rows["pair"].to_numpy()),
        run_id=pl.lit(1),
        reason=reason,
        note=pl.lit(""),
        agent=chosen(chance, AGENTS, rows.height),
        nonce=pl.format("n{}", "decision_id"),
        at=moments_of(rows["second"].to_numpy()),
    )
    return found, accepted


def _deals(chance: Chance, accepted: NDArray[np.int64]) -> tuple[pl.DataFrame, pl.DataFrame, NDArray[np.int64]]:
    """Deals on accepted pairs, their events, and the numbers of the states that they came to, by deal."""
    starts = np.sort(chance.integers(0, SECONDS * 3 // 4, DEALS))
    deals = pl.DataFrame(
        {"deal_id": pl.Series(np.arange(1, DEALS + 1)), **_pair(accepted[:DEALS]), "at": moments_of(starts)}
    )
    # The first ones end early, so that as many as there are contracts come to signed.
    reached = np.concatenate(
        [chance.integers(0, 3, DEALS - CONTRACTS), chance.integers(3, len(DEAL_STATES), CONTRACTS)]
    )
    reached = reached[chance.permutation(DEALS)]
    lengths = reached + 1
    deal = np.repeat(np.arange(DEALS), lengths)
    state = np.arange(len(deal)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    # Whoever is left over says once more that they are in the state that they are in, or ends.
    more = chance.choice(DEALS, EVENTS - len(deal))
    names = [*(DEAL_STATES[each] for each in state), *_again(chance, reached[more])]
    which = np.concatenate([deal, more])
    seconds = starts[which] + np.concatenate([state, reached[more] + 1]) * 86_400 * 30
    events = pl.DataFrame({"deal_id": which + 1, "state": names, "second": np.minimum(seconds, SECONDS)})
    events = events.sort("second", "deal_id", maintain_order=True).with_row_index("event_id", 1)
    empty = {name: pl.lit("") for name in ("reason", "note")}
    events = events.select(
        "event_id",
        "deal_id",
        "state",
        **empty,
        agent=chosen(chance, AGENTS, EVENTS),
        at=moments_of(events["second"].to_numpy()),
    )
    return deals, events, reached


def _again(chance: Chance, reached: NDArray[np.int64]) -> list[str]:
    ended = chance.random(len(reached)) < 0.1
    return [DEAL_ENDED if end else DEAL_STATES[each] for end, each in zip(ended, reached, strict=True)]


def _contracts(chance: Chance, reached: NDArray[np.int64]) -> list[tuple[Table, pl.DataFrame]]:
    """Terms of the deals that were signed, payments on them, and what was stated of some."""
    signed = np.flatnonzero(reached >= DEAL_STATES.index("signed")) + 1
    deal = np.concatenate([signed, chance.choice(signed, TERMS_CHANGED, replace=False)])
    number = len(deal)
    total = chance.integers(1, 500, number) * 1_000_000
    day = some_days(chance, number).alias("signed_on")
    states = reached[deal - 1]
    terms = pl.DataFrame(
        {
            "entry_id": np.arange(1, number + 1),
            "deal_id": deal,
            "contract_kind": chosen(chance, CONTRACT_KINDS, number),
            "total_fen": total,
            "technical_fen": total // 2,
            "signed_on": day,
            **dict.fromkeys(("buyer", "seller", "responsible"), pl.Series([""] * number)),
            "transfer_institution": chosen(chance, CENTRES, number),
        }
    ).with_columns(
        registered_on=pl.when(pl.Series(states > 3)).then(pl.col("signed_on") + timedelta(days=20)),
        industrialised_on=pl.when(pl.Series(states > 4)).then(pl.col("signed_on") + timedelta(days=200)),
        registration_number=pl.when(pl.Series(states > 3)).then(pl.format("2026-{}", "deal_id")),
    )
    payments = _payments(chance, signed)
    statements = pl.DataFrame(
        {
            "entry_id": np.arange(1, STATEMENTS + 1),
            "deal_id": chance.choice(signed, STATEMENTS),
            "name": chosen(
                chance, ["buyer_in_province", "envoy", "high_value_patent", "seller_provincial"], STATEMENTS
            ),
            "value": chosen(chance, ["yes", "no"], STATEMENTS),
        }
    )
    lots = ((tables.deal_terms, terms), (tables.deal_payment, payments), (tables.deal_statement, statements))
    return [(table, _written(chance, rows)) for table, rows in lots]


def _payments(chance: Chance, signed: NDArray[np.int64]) -> pl.DataFrame:
    made = pl.DataFrame(
        {
            "payment_id": np.arange(1, PAYMENTS + 1),
            "deal_id": chance.choice(signed, PAYMENTS),
            "amount_fen": chance.integers(1, 200, PAYMENTS) * 100_000,
            "paid_on": some_days(chance, PAYMENTS),
        }
    )
    back = made.head(PAYMENTS_BACK).with_columns(
        pl.col("amount_fen").neg(), corrects="payment_id", payment_id=pl.col("payment_id") + PAYMENTS
    )
    return pl.concat([made, back], how="diagonal")


def _written(chance: Chance, rows: pl.DataFrame) -> pl.DataFrame:
    """Entries with who wrote them, and when."""
    return rows.with_columns(
        why=pl.lit(""),
        agent=chosen(chance, AGENTS, rows.height),
        nonce=pl.int_range(pl.len()).cast(pl.String),
        at=moments_of(np.full(rows.height, SECONDS)),
    )
