"""Ledgers at random, through the entries that the program writes: work that adds, and work that takes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any, Final

import polars as pl
from records import listed
from sqlalchemy import Engine

from matching.errors import DuijieError
from matching.fields.taxonomies import first_taxonomy
from matching.ledger import (
    corrections,
    deal_payments,
    deal_terms,
    deals,
    decisions,
    organisation_names,
    presence,
    runs,
    statements,
    uploads,
    withdrawal,
)
from matching.ledger.deal_rules import Terms
from matching.schema import CANDIDATES, CONTRACT_KINDS, DEAL_STATES, FIELDS, ID, KINDS, VERDICTS, Kind

TODAY: Final = date(2026, 11, 22)
CODES: Final = tuple(node.code for node in first_taxonomy().fields[:3])
RECORDS: Final = 5
EMPTY_CANDIDATE: Final = {
    name: [] if isinstance(dtype, pl.List) else 0.0 if dtype == pl.Float64() else ""
    for name, dtype in CANDIDATES.items()
}


@dataclass
class Work:
    """A ledger that is worked on; `new` are records, pairs and payments that were not touched before."""

    engine: Engine
    chance: Random
    nonces: Any = field(default_factory=count)
    loaded: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    undecided: list[tuple[str, str]] = field(default_factory=list)
    brought: set[tuple[str, str]] = field(default_factory=set)

    def one_of(self, values: Sequence[Any]) -> Any:
        return self.chance.choice(values)

    def nonce(self) -> str:
        return str(next(self.nonces))

    def record(self, kind: Kind) -> str:
        return f"{kind[0].upper()}{self.chance.randint(1, max(1, self.loaded[kind]))}"

    def deal(self) -> dict[str, Any]:
        found = deals.all_deals(self.engine)
        return self.one_of(found.rows(named=True)) if found.height else {"deal_id": 1, "state": "", "event_id": 0}


def load(work: Work, first: int | None = None) -> None:
    """A file of records that are new, or from an earlier number on: then some of them are new versions."""
    for kind in KINDS:
        start = work.loaded[kind] + 1 if first is None else first
        rows = [
            {
                ID[kind]: f"{kind[0].upper()}{number}",
                "title": f"题 {work.one_of('甲乙丙')}",
                **({"city": work.one_of(("哈尔滨市", "大庆", "北京", "某地"))} if kind == "demands" else {}),
                **({"enterprise": work.one_of(("甲厂", "乙厂", ""))} if kind == "demands" else {}),
                **({"visibility": work.one_of(("public", "private"))} if kind == "demands" else {}),
                **({"institute": work.one_of(("甲所", "乙所")), "maturity": "中试"} if kind == "achievements" else {}),
            }
            for number in range(start, start + RECORDS)
        ]
        work.loaded[kind] = max(work.loaded[kind], start + RECORDS - 1)
        read = listed(kind, *rows)
        change = uploads.difference(work.engine, read)
        found = [(key, first_taxonomy().code, work.one_of(CODES), 0.5, "text", []) for key in change.new]
        uploads.add(work.engine, read, pl.DataFrame(found, schema=FIELDS, orient="row"), "甲")


def run(work: Work) -> None:
    pairs = {(work.record("demands"), work.record("achievements")) for _ in range(6)}
    rows = [
        {
            **EMPTY_CANDIDATE,
            "demand_id": demand,
            "achievement_id": achievement,
            "rank": rank,
            "level": work.one_of((1, 2, 3, 4)),
        }
        for rank, (demand, achievement) in enumerate(sorted(pairs), start=1)
    ]
    found = pl.DataFrame(rows, schema=CANDIDATES)
    runs.add_run(work.engine, found, work.nonce(), top=1, demands=1, achievements=1, agent="甲")
    work.undecided += sorted(pairs - work.brought)
    work.brought |= pairs


def decide(work: Work) -> None:
    """A decision on a pair that has none."""
    if work.undecided:
        pair = work.undecided.pop()
        _decide(work, pair, work.one_of(("accept", "accept", "accept", "reject")))


def _decide(work: Work, pair: tuple[str, str], verdict: str) -> None:
    before = decisions.standing_of(work.engine, *pair)
    decisions.decide(
        work.engine,
        demand_id=pair[0],
        achievement_id=pair[1],
        run_id=1,
        verdict=verdict,
        reason="too_dear" if verdict == "reject" else "",
        agent=work.one_of(("甲", "乙")),
        nonce=work.nonce(),
        seen=before.decision_id if before else None,
    )


def move(work: Work) -> None:
    """A deal goes on, sometimes past a state; the terms of a contract are those that it keeps."""
    found = work.deal()
    day = date(2026, 1, 1) + timedelta(days=found["deal_id"])
    number = found["deal_id"]
    terms = Terms(
        work.one_of(CONTRACT_KINDS) if number == 0 else CONTRACT_KINDS[number % len(CONTRACT_KINDS)],
        100_000 * number,
        50_000 * number,
        day,
        day + timedelta(days=20),
        day + timedelta(days=90),
        f"2026-{number}",
        transfer_institution=("", "中心")[number % 2],
    )
    state = work.one_of(deals.next_states(found["state"]) or ("contacted",))
    seen = deal_terms.terms_of(work.engine, number).entry_id
    contract = state in DEAL_STATES[3:]
    deals.move(
        work.engine,
        number,
        state,
        work.one_of(("甲", "乙")),
        seen=found["event_id"],
        reason="price",
        terms=terms if contract else None,
        terms_seen=seen,
        nonce=work.nonce(),
        today=TODAY,
    )


def pay(work: Work) -> None:
    day = date(2026, 6, 1) + timedelta(days=work.chance.randrange(100))
    amount = work.chance.randint(1, 10_000)
    deal_id = work.deal()["deal_id"]
    deal_payments.add_payment(work.engine, deal_id, amount, day, "甲", nonce=work.nonce(), why="多", today=TODAY)


def state_fact(work: Work) -> None:
    deal_id = work.deal()["deal_id"]
    statements.state(work.engine, deal_id, "envoy", work.one_of(("yes", "no")), "甲", nonce=work.nonce())


def decide_again(work: Work) -> None:
    _decide(work, work.one_of(sorted(work.brought) or [("D1", "A1")]), work.one_of(VERDICTS))


def undo(work: Work) -> None:
    standing = decisions.standing(work.engine)["decision_id"].to_list()
    decisions.undo(work.engine, work.one_of(standing or [1]), "乙", work.nonce())


def take_payment_back(work: Work) -> None:
    made = deal_payments.payment_entries(work.engine)["payment_id"].to_list()
    deal_payments.take_back_payment(work.engine, work.one_of(made or [1]), "甲", nonce=work.nonce(), why="重复")


def change_terms(work: Work) -> None:
    deal_id = work.deal()["deal_id"]
    standing = deal_terms.terms_of(work.engine, deal_id)
    terms = Terms("service", work.chance.randint(1, 10**15), signed_on=date(2025, 12, 31), buyer="丁厂")
    seen = standing.entry_id
    deal_terms.change_terms(work.engine, deal_id, terms, "甲", seen=seen, nonce=work.nonce(), why="改", today=TODAY)


def change_records(work: Work) -> None:
    """A new version, an upload taken back, a withdrawal, a merger, a corrected field, a confirmed name."""
    kind = work.one_of(KINDS)
    key, other = work.record(kind), work.record(kind)
    step = work.chance.randrange(6)
    if step == 0:
        load(work, first=work.chance.randint(1, RECORDS))
    elif step == 1:
        uploads.take_back(work.engine, work.chance.randint(1, 6), "甲")
    elif step == 2:
        withdrawal.withdraw(work.engine, kind, key, "甲", "不再提供")
    elif step == 3:
        presence.settle_near(work.engine, kind, key, other, same=True, agent="甲")
    elif step == 4:
        corrections.correct(work.engine, kind, key, first_taxonomy().code, [work.one_of(CODES)], "甲", work.nonce())
    else:
        organisation_names.confirm(work.engine, {work.one_of(("甲厂", "甲所")): work.one_of(("丙", None))}, "甲")


Step = Callable[[Work], None]
# After these every count is at least what it was.
ADDING: Final[tuple[Step, ...]] = (load, run, *(decide,) * 4, *(move,) * 8, *(pay,) * 3, state_fact)
ANY: Final[tuple[Step, ...]] = (
    *ADDING,
    *(decide_again, undo, take_payment_back, change_terms, change_records, change_records),
)
# What every ledger begins with.
START: Final[tuple[Step, ...]] = (load, run, run, *(decide,) * 5, *(move,) * 6)


def go_on(work: Work, steps: Sequence[Step], number: int) -> None:
    """Take so many of some steps; what the ledger refuses is left out."""
    for _ in range(number):
        with suppress(DuijieError):
            work.one_of(steps)(work)


def begin(work: Work) -> None:
    for step in START:
        with suppress(DuijieError):
            step(work)
