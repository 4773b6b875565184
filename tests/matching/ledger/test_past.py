"""The ledger of a moment is what stood then, for ever after: random ledgers against what was current at each step."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from typing import Any, Final

import polars as pl
import pytest
from every_table import CANDIDATE
from polars.testing import assert_frame_equal
from records import listed
from sqlalchemy import Engine

from matching.errors import DuijieError
from matching.ledger import (
    catalogue,
    corrections,
    deal_payments,
    deal_reopening,
    deal_terms,
    deals,
    decisions,
    organisation_names,
    past,
    presence,
    runs,
    statements,
    uploads,
    withdrawal,
)
from matching.ledger.database import reading
from matching.ledger.deal_rules import Terms
from matching.ledger.moments import settled
from matching.ledger.past_records import COLUMNS
from matching.ledger.uploads import Beside
from matching.schema import CANDIDATES, CONTRACT_KINDS, DEAL_ENDED, DEAL_STATES, FIELDS, ID, KINDS, VERDICTS, Kind

TODAY: Final = date(2026, 11, 22)
IDS: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": ("D1", "D2", "D3", "D4"),
    "achievements": ("A1", "A2", "A3", "A4"),
}
TAXONOMY: Final = "province_4567"
CODES: Final = ("N3", "N4", "S3", "S4")
ORGANISATIONS: Final = ("甲", "乙", "丙")
Frames = dict[str, pl.DataFrame]


@dataclass
class World:
    """A ledger that is worked on at random, and what only the one who works on it knows."""

    engine: Engine
    chance: random.Random
    nonces: Any = field(default_factory=count)
    # Pairs of each run, with their levels; when each upload came, what it had, and which were taken back.
    runs: list[tuple[str, dict[tuple[str, str], int]]] = field(default_factory=list)
    loaded: list[tuple[Kind, set[str], str]] = field(default_factory=list)
    taken_back: set[int] = field(default_factory=set)

    def one_of(self, values: Sequence[Any]) -> Any:
        return self.chance.choice(values)

    def kind(self) -> Kind:
        return "demands" if self.chance.random() < 0.5 else "achievements"

    def nonce(self) -> str:
        return str(next(self.nonces))


def load(world: World) -> None:
    kind = world.kind()
    load_some(world, kind, sorted(world.chance.sample(IDS[kind], world.chance.randint(1, 4))))


def load_some(world: World, kind: Kind, ids: Sequence[str], out_of_use: float = 0.15) -> None:
    organisation = "enterprise" if kind == "demands" else "institute"
    statuses = ("open", "closed") if kind == "demands" else ("available", "withdrawn")
    rows = [
        {
            ID[kind]: key,
            "title": world.one_of(("防冰涂层", "除冰\n机器人")),
            organisation: world.one_of(ORGANISATIONS),
            "status": statuses[world.chance.random() < out_of_use],
            **({"deadline": date(2027, 1, 1)} if kind == "demands" else {"exempt": world.chance.random() < 0.5}),
        }
        for key in ids
    ]
    found = [
        (key, TAXONOMY, code, world.one_of((0.5, 0.1 + 0.2, 0.3, 1.0)), "text", [])
        for key in ids
        for code in world.chance.sample(CODES, world.chance.randint(0, 3))
    ]
    # The difference is of the content: fields come with new versions alone.
    fields = pl.DataFrame(found, schema=FIELDS, orient="row")
    read = listed(kind, *rows)
    change = uploads.difference(world.engine, read, "某所")
    fields = fields.filter(pl.col("record_id").is_in([*change.new, *change.changed]))
    uploads.add(world.engine, read, fields, "甲", beside=Beside(institute="某所"))
    world.loaded.append((kind, set(ids), uploads.uploads(world.engine)["at"][0]))


def take_back(world: World) -> None:
    number = world.chance.randint(1, len(world.loaded) + 1)
    take_upload_back(world, number)


def take_upload_back(world: World, number: int) -> None:
    uploads.take_back(world.engine, number, "甲")
    world.taken_back.add(number)


def run(world: World) -> None:
    pairs = {
        (world.one_of(IDS["demands"]), world.one_of(IDS["achievements"])): world.chance.randint(1, 4) for _ in "12"
    }
    rows = [
        {**CANDIDATE, "demand_id": demand, "achievement_id": achievement, "rank": rank, "level": level}
        for rank, ((demand, achievement), level) in enumerate(pairs.items(), start=1)
    ]
    found = pl.DataFrame(rows, schema=CANDIDATES)
    made = runs.add_run(world.engine, found, world.nonce(), top=1, demands=1, achievements=1, agent="甲")
    world.runs.append((made.at, pairs))


def decide(world: World) -> None:
    pair = {"demand_id": world.one_of(IDS["demands"]), "achievement_id": world.one_of(IDS["achievements"])}
    before = decisions.standing_of(world.engine, **pair)
    verdict = world.one_of((*VERDICTS, "accept", "accept"))
    decisions.decide(
        world.engine,
        **pair,
        run_id=1,
        verdict=verdict,
        reason="too_dear",
        agent="乙",
        nonce=world.nonce(),
        seen=before.decision_id if before else None,
    )


def decide_all(world: World) -> None:
    pairs = pl.DataFrame({"demand_id": ["D1", "D2"], "achievement_id": [world.one_of(IDS["achievements"])] * 2})
    nonce = world.nonce()
    decisions.decide_all(world.engine, pairs, run_id=1, verdict="later", agent="丙", nonce=nonce)
    if world.chance.random() < 0.3:
        decisions.undo_all(world.engine, nonce, "丙")


def undo(world: World) -> None:
    standing = decisions.standing(world.engine)["decision_id"].to_list()
    decisions.undo(world.engine, world.one_of(standing or [1]), "乙", world.nonce())


def move(world: World) -> None:
    found = deals.all_deals(world.engine)
    if not found.is_empty():
        row = found.row(world.chance.randrange(found.height), named=True)
        if row["state"] == DEAL_ENDED:
            deal_reopening.reopen(world.engine, row["deal_id"], "乙", seen=row["event_id"], today=TODAY)
            return
        state = world.one_of((*DEAL_STATES[1:4], *DEAL_STATES[1:], DEAL_ENDED))
        terms = Terms("licence", 100_000, 50_000, date(2026, 1, 10), date(2026, 2, 1), date(2026, 3, 1), world.nonce())
        seen = deal_terms.terms_of(world.engine, row["deal_id"]).entry_id
        deals.move(
            world.engine,
            row["deal_id"],
            state,
            world.one_of(ORGANISATIONS),
            seen=row["event_id"],
            reason="price",
            terms=terms if state in DEAL_STATES[3:] else None,
            terms_seen=seen,
            nonce=world.nonce(),
            why="改",
            today=TODAY,
        )


def some_deal(world: World) -> int:
    return int(world.one_of(deals.all_deals(world.engine)["deal_id"].to_list() or [1]))


def change_terms(world: World) -> None:
    deal_id = some_deal(world)
    seen = deal_terms.terms_of(world.engine, deal_id)
    terms = Terms(
        world.one_of(CONTRACT_KINDS), world.chance.randint(1, 10**15), signed_on=date(2026, 1, 10), buyer="丁\t"
    )
    deal_terms.change_terms(
        world.engine, deal_id, terms, "甲", seen=seen.entry_id, nonce=world.nonce(), why="改", today=TODAY
    )


def pay(world: World) -> None:
    day = date(2026, 4, 1) + timedelta(days=world.chance.randrange(9))
    deal_payments.add_payment(world.engine, some_deal(world), 7, day, "甲", nonce=world.nonce(), why="多", today=TODAY)


def take_payment_back(world: World) -> None:
    made = deal_payments.payment_entries(world.engine)["payment_id"].to_list()
    deal_payments.take_back_payment(world.engine, world.one_of(made or [1]), "甲", nonce=world.nonce(), why="重复")


def state_fact(world: World) -> None:
    value = world.one_of(("yes", "no", ""))
    statements.state(world.engine, some_deal(world), "envoy", value, "甲", nonce=world.nonce())
    statements.state(
        world.engine, some_deal(world), "net_income", world.one_of(("1", "2.50", "")), "甲", nonce=world.nonce()
    )


def name(world: World) -> None:
    organisation_names.confirm(world.engine, {world.one_of(ORGANISATIONS): world.one_of(("甲厂", "乙厂", None))}, "甲")


def correct(world: World) -> None:
    kind = world.kind()
    key = world.one_of(IDS[kind])
    if world.chance.random() < 0.3:
        corrections.release(world.engine, kind, key, TAXONOMY, "甲", world.nonce())
    else:
        codes = world.chance.sample(CODES, world.chance.randint(0, 2))
        corrections.correct(world.engine, kind, key, TAXONOMY, codes, "甲", world.nonce())


def learn(world: World) -> None:
    kind = world.kind()
    known = catalogue.current_records(world.engine, kind, [ID[kind], "version"])
    if not known.is_empty():
        key, version = known.row(world.chance.randrange(known.height))
        row = (key, version, TAXONOMY, ["S3", "N4"], [0.4, world.one_of((0.4, 0.6))], [[], []])
        columns = ("record_id", "version", "taxonomy", "codes", "confidences", "terms")
        corrections.add_learned(world.engine, kind, pl.DataFrame([row], schema=columns, orient="row"), "甲")


def merge(world: World) -> None:
    kind = world.kind()
    one, other = world.chance.sample(IDS[kind], 2)
    presence.settle_near(world.engine, kind, one, other, same=world.chance.random() < 0.5, agent="甲")


def withdraw(world: World) -> None:
    kind = world.kind()
    (withdrawal.withdraw if world.chance.random() < 0.5 else withdrawal.restore)(
        world.engine, kind, world.one_of(IDS[kind]), "甲", "不再提供"
    )


def settle_missing(world: World) -> None:
    kind = world.kind()
    missing = presence.missing(world.engine, kind)["record_id"].to_list()
    if missing:
        gone = world.chance.random() < 0.5
        presence.settle_missing(world.engine, kind, [world.one_of(missing)], gone=gone, agent="甲")


STEPS: Final[list[Callable[[World], None]]] = [
    *(load, load, take_back, run, decide, decide, decide, decide_all, undo, move, move, move, change_terms, pay, pay),
    *(take_payment_back, state_fact, name, correct, learn, merge, withdraw, settle_missing),
]


def current(world: World) -> Frames:
    """What stands now, by the functions that say so, and by counting one by one where there is none."""
    engine, found = world.engine, {}
    for kind in KINDS:
        records = catalogue.current_records(engine, kind, [ID[kind], "version", *COLUMNS[kind]])
        ids = records[ID[kind]].to_list()
        out = withdrawal.records_out_of_use(engine, kind, ids)
        with reading(engine) as connection:
            others = dict(presence.out_of_use(connection, kind).iter_rows())
        found[kind] = records.with_columns(
            came=pl.Series([came(world, kind, key) for key in ids], dtype=pl.String),
            in_use=pl.Series([key not in out for key in ids], dtype=pl.Boolean),
            into=pl.Series([others.get(key) for key in ids], dtype=pl.String),
        )
        found[f"fields of {kind}"] = main(catalogue.current_fields(engine, kind))
    found["decisions"] = decisions.standing(engine)
    found["deals"] = with_steps(deals.all_deals(engine), deals.deal_events(engine))
    found["terms"] = deal_terms.current_terms(engine)
    payments = deal_payments.standing_payments(deal_payments.payment_entries(engine))
    found["payments"] = payments.select("deal_id", "payment_id", "amount_fen", "paid_on")
    stated = [
        (deal, *each)
        for deal in found["deals"]["deal_id"]
        for each in sorted(statements.statements_of(engine, deal).items())
    ]
    found["statements"] = pl.DataFrame(stated, schema=["deal_id", "name", "value"], orient="row")
    known = {key for kind in KINDS for key in found[kind][ID[kind]]}
    first = {pair: at for at, pairs in reversed(world.runs) for pair in pairs if {*pair} <= known}
    found["brought"] = pl.DataFrame([(*pair, first[pair]) for pair in sorted(first)], orient="row")
    newest = world.runs[-1][1] if world.runs else {}
    found["listed"] = pl.DataFrame([(*pair, newest[pair]) for pair in sorted(newest)], orient="row")
    return found


def came(world: World, kind: Kind, key: str) -> str:
    standing = [each for number, each in enumerate(world.loaded, start=1) if number not in world.taken_back]
    return next(at for of, ids, at in standing if of == kind and key in ids)


def main(fields: pl.DataFrame) -> pl.DataFrame:
    best: dict[tuple[str, str], tuple[float, str]] = {}
    for row in fields.iter_rows(named=True):
        key, own = (row["record_id"], row["taxonomy"]), (-row["confidence"], row["code"])
        best[key] = min(best.get(key, own), own)
    return pl.DataFrame([(*key, best[key][1]) for key in sorted(best)], orient="row")


def with_steps(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Deals with the moments of their states since they were last opened, event by event."""
    opened: dict[int, str] = {}
    reached: dict[int, dict[str, str]] = {}
    for event in events.iter_rows(named=True):
        if event["state"] == DEAL_STATES[0]:
            opened[event["deal_id"]], reached[event["deal_id"]] = event["at"], {}
        else:
            reached[event["deal_id"]].setdefault(event["state"], event["at"])
    columns = [
        pl.Series(state, [reached[deal].get(state) for deal in found["deal_id"]], dtype=pl.String)
        for state in DEAL_STATES[1:]
    ]
    head = ("deal_id", "demand_id", "achievement_id", "state", "reason", "agent", "at")
    moments = pl.Series("opened", [opened[deal] for deal in found["deal_id"]], dtype=pl.String)
    return found.select(head).with_columns(moments, *columns).sort("deal_id")


def then(engine: Engine, at: datetime) -> Frames:
    """The ledger of a moment."""
    return {
        **{kind: past.records_at(engine, kind, at) for kind in KINDS},
        **{f"fields of {kind}": past.main_fields_at(engine, kind, at) for kind in KINDS},
        "decisions": past.decisions_at(engine, at),
        "deals": past.deals_at(engine, at),
        "terms": past.terms_at(engine, at),
        "payments": past.payments_at(engine, at),
        "statements": past.statements_at(engine, at),
        "brought": past.brought_at(engine, at),
        "listed": past.listed_at(engine, at),
    }


def assert_same(found: Frames, expected: Frames, step: str) -> None:
    assert found.keys() == expected.keys()
    for key, frame in found.items():
        if expected[key].is_empty():
            assert frame.is_empty(), (step, key)
        else:
            wanted = expected[key]
            # Frames that are counted one by one have their columns in order, without names.
            wanted = wanted.rename(dict(zip(wanted.columns, frame.columns, strict=True))) if key in UNNAMED else wanted
            try:
                assert_frame_equal(frame, wanted.select(frame.columns))
            except AssertionError as error:
                raise AssertionError(f"{key} after {step}") from error


UNNAMED: Final = ("fields of demands", "fields of achievements", "brought", "listed")


def begun(world: World) -> None:
    """Something of everything, so that what follows at random has much to change."""
    for kind in KINDS:
        load_some(world, kind, IDS[kind], out_of_use=0)
    while len(world.runs) < 2:
        run(world)
    load_some(world, "achievements", ["A3", "A4"], out_of_use=0)
    take_upload_back(world, len(world.loaded))
    presence.settle_near(world.engine, "demands", "D3", "D4", same=True, agent="甲")
    pair = {"demand_id": "D1", "achievement_id": "A1"}
    decisions.decide(world.engine, **pair, run_id=1, verdict="accept", agent="乙", nonce=world.nonce(), seen=None)
    terms = Terms("licence", 100_000, 50_000, date(2026, 1, 10))
    to = {"seen": 1, "terms": terms, "nonce": world.nonce(), "today": TODAY}
    deals.move(world.engine, 1, "signed", "乙", **to)
    pay(world)
    statements.state(world.engine, 1, "envoy", "yes", "甲", nonce=world.nonce())


@pytest.mark.parametrize("seed", range(2))
def test_the_past_is_what_stood_then(seed: int, ledger: Engine) -> None:
    world = World(ledger, random.Random(seed))
    stood = [("nothing", settled(ledger), current(world))]
    begun(world)
    stood.append(("the beginning", settled(ledger), current(world)))
    for number in range(1, 31):
        step = world.one_of(STEPS)
        with suppress(DuijieError):
            step(world)
        if number % 5 == 0:
            stood.append((f"{number} {step.__name__}", settled(ledger), current(world)))
    for step_name, at, expected in stood:
        assert_same(then(ledger, at), expected, f"{step_name}, seed {seed}")
    everything = {key for _, _, frames in stood for key, frame in frames.items() if not frame.is_empty()}
    assert everything == stood[0][2].keys()
    assert world.taken_back
    assert any(frames["demands"]["into"].count() for _, _, frames in stood)
    assert any(frames["deals"]["signed"].count() for _, _, frames in stood)


def test_a_moment_before_everything_has_the_columns_and_no_rows(ledger: Engine) -> None:
    world = World(ledger, random.Random(0))
    load(world)
    early = then(ledger, datetime(2020, 1, 1, tzinfo=UTC))
    late = then(ledger, settled(ledger))
    assert all(frame.is_empty() for frame in early.values())
    assert {key: frame.schema for key, frame in early.items()} == {key: frame.schema for key, frame in late.items()}


def test_the_moment_may_be_told_in_any_zone(ledger: Engine) -> None:
    world = World(ledger, random.Random(1))
    for _ in range(3):
        load(world)
    at = settled(ledger)
    there = at.astimezone(timezone(timedelta(hours=8)))
    assert_same(then(ledger, there), then(ledger, at), "three files")
    assert then(ledger, there)["demands"].height + then(ledger, there)["achievements"].height > 0


def test_a_record_came_with_the_first_upload_that_was_not_taken_back(ledger: Engine) -> None:
    world = World(ledger, random.Random(0))
    read = listed("demands", {"title": "防冰涂层"})
    moments = []
    for _ in range(3):
        uploads.add(ledger, read, pl.DataFrame(schema=FIELDS), "甲")
        moments.append(settled(ledger))
    uploads.take_back(ledger, 1, "甲")
    first, second, _third = reversed(uploads.uploads(ledger)["at"].to_list())
    assert past.records_at(ledger, "demands", moments[-1])["came"].to_list() == [first]
    assert past.records_at(ledger, "demands", settled(world.engine))["came"].to_list() == [second]
