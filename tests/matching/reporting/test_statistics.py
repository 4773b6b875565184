"""The figures of a ledger worked out by hand, and that they add up."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Final

import polars as pl
import pytest
from records import records
from sqlalchemy import Engine, Table, insert

from matching.errors import LedgerError
from matching.fields.taxonomies import load_taxonomies, load_taxonomy
from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.ledger import deals, decisions, uploads
from matching.ledger.database import writing
from matching.ledger.runs import add_run
from matching.ledger.tables import deal, deal_event, decision
from matching.reporting.statistics import FUNNEL, UNKNOWN, Statistics, main_fields, statistics
from matching.schema import CANDIDATES, DEAL_STATES, FIELDS, REJECT_REASONS, VERDICTS, Kind

SHANGHAI: Final = "Asia/Shanghai"
FIRST, SECOND = list(load_taxonomies())[:2]
CODES: Final = [node.code for node in load_taxonomy(FIRST).fields]


def load(engine: Engine, kind: Kind, rows: list[dict[str, object]], fields: list[tuple[str, str, str, float]]) -> None:
    """Load a list: its rows, and its fields as record, taxonomy, code and confidence."""
    frame = records(kind, *({**row, "content_hash": repr(row)[:64]} for row in rows))
    read = Reading(kind, "清单.csv", "0" * 64, frame, frame.height, (Heading(1, (), ()),), ())
    filled = [(record, taxonomy, code, sure, "text", []) for record, taxonomy, code, sure in fields]
    uploads.add(engine, read, pl.DataFrame(filled, schema=FIELDS, orient="row"), "甲")


def match(engine: Engine, fingerprint: str, *pairs: str) -> int:
    """A run that brought "D1 A1", … forward."""
    empty = {
        name: [] if isinstance(dtype, pl.List) else 0.5 if dtype == pl.Float64() else 1 if dtype == pl.Int64() else ""
        for name, dtype in CANDIDATES.items()
    }
    rows = []
    for place, pair in enumerate(pairs):
        demand, achievement = pair.split()
        rows.append({**empty, "demand_id": demand, "achievement_id": achievement, "rank": place + 1})
    found = pl.DataFrame(rows, schema=CANDIDATES)
    return add_run(engine, found, fingerprint, top=3, demands=4, achievements=5, agent="甲").run_id


def write(engine: Engine, table: Table, *rows: dict[str, object]) -> None:
    """Write rows as they are: the ledger's own functions write this moment."""
    with writing(engine) as connection:
        connection.execute(insert(table), list(rows))


def moment(text: str) -> str:
    """A moment as the ledger writes it, from "2026-01-31 17:00" in UTC."""
    return f"{text.replace(' ', 'T')}:00.000+00:00"


# Decisions as number, pair, verdict, what they take back, moment in UTC. What stands is marked.
DECISIONS: Final = (
    (1, "D1 A1", "accept", None, "2026-01-10 02:00"),  # stands
    (2, "D1 A2", "accept", None, "2026-01-31 17:00"),  # stands; in Shanghai it is February
    (3, "D1 A3", "reject", None, "2026-02-03 02:00"),  # stands
    (4, "D2 A1", "accept", None, "2026-02-10 02:00"),  # stands again
    (5, "D2 A1", "reject", None, "2026-03-05 02:00"),
    (6, "D2 A1", "undone", 5, "2026-03-06 02:00"),
    (7, "D2 A4", "accept", None, "2026-03-07 02:00"),
    (8, "D2 A4", "undone", 7, "2026-03-08 03:00"),
    (9, "D2 A3", "later", None, "2026-03-08 02:00"),  # stands
    (10, "D3 A5", "accept", None, "2026-03-09 02:00"),  # stands
    (11, "D3 A2", "reject", None, "2026-03-10 02:00"),
    (12, "D3 A2", "later", None, "2026-03-31 16:30"),  # stands
)
# Events of deals as deal, state, reason, moment in UTC.
EVENTS: Final = (
    (1, "recommended", "", "2026-01-10 02:00"),
    (1, "contacted", "", "2026-01-12 02:00"),
    (2, "recommended", "", "2026-01-31 17:00"),
    (1, "negotiating", "", "2026-02-02 02:00"),
    (3, "recommended", "", "2026-02-10 02:00"),
    (1, "signed", "", "2026-02-20 02:00"),
    (1, "ended", "price", "2026-03-01 02:00"),
    (3, "ended", "decision_changed", "2026-03-05 02:00"),
    (3, "recommended", "", "2026-03-06 02:00"),
    (4, "recommended", "", "2026-03-07 02:00"),
    (4, "contacted", "", "2026-03-07 03:00"),
    (4, "ended", "no_answer", "2026-03-08 02:00"),
    (5, "recommended", "", "2026-03-09 02:00"),
    (2, "registered", "", "2026-03-15 02:00"),
    (5, "contacted", "", "2026-03-31 15:59"),
    (5, "negotiating", "", "2026-03-31 17:00"),
)
DEALS: Final = ("D1 A1", "D1 A2", "D2 A1", "D2 A4", "D3 A5")


@pytest.fixture
def worked(ledger: Engine) -> Engine:
    """Four demands, five achievements of two institutes (one states none), two runs, twelve decisions, five deals."""
    # What an older version says counts nowhere.
    load(ledger, "demands", [{"demand_id": "D2", "title": "旧"}], [("D2", FIRST, "N3", 0.9)])
    load(ledger, "achievements", [{"title": "旧", "institute": "丙所"}], [("A1", FIRST, "N4", 0.9)])
    load(
        ledger,
        "demands",
        [{"title": "一"}, {"title": "二"}, {"title": "三"}, {"title": "四"}],
        [
            ("D1", FIRST, "N1", 0.6),
            ("D1", FIRST, "N2", 0.4),
            ("D2", FIRST, "N1", 0.3),
            ("D3", FIRST, "N3", 0.5),
            ("D3", FIRST, "N2", 0.5),  # as sure as N3, and before it
            ("D4", SECOND, "01", 0.9),  # no field in the first taxonomy
        ],
    )
    load(
        ledger,
        "achievements",
        [
            {"title": "一", "institute": "甲所"},
            {"title": "二", "institute": "甲所"},
            {"title": "三", "institute": "乙所"},
            {"title": "四"},
            {"title": "五", "institute": "乙所"},
        ],
        [
            ("A1", FIRST, "N1", 0.7),
            ("A2", FIRST, "N2", 0.7),
            ("A3", FIRST, "N1", 0.7),
            ("A5", FIRST, "N3", 0.2),
            ("A5", SECOND, "02", 0.9),
        ],
    )
    match(ledger, "a", "D1 A1", "D1 A2", "D1 A3", "D2 A1", "D2 A4", "D3 A5")
    match(ledger, "b", "D1 A1", "D1 A2", "D2 A3", "D3 A5", "D3 A2")
    common = {"run_id": 1, "reason": "", "note": "", "agent": "甲"}
    for number, pair, verdict, corrects, at in DECISIONS:
        demand, achievement = pair.split()
        entry = {"demand_id": demand, "achievement_id": achievement, "verdict": verdict, "corrects": corrects}
        write(ledger, decision, {**common, **entry, "nonce": str(number), "at": moment(at)})
    for pair in DEALS:
        demand, achievement = pair.split()
        write(ledger, deal, {"demand_id": demand, "achievement_id": achievement, "at": ""})
    for deal_id, state, reason, at in EVENTS:
        entry = {"deal_id": deal_id, "state": state, "reason": reason, "note": "", "agent": "甲", "at": moment(at)}
        write(ledger, deal_event, entry)
    return ledger


def assert_adds_up(figures: Statistics, events: int) -> None:
    """The rows of every cut sum to the whole, and no step is larger than the one before it."""
    whole = dict(figures.funnel.rows())
    steps = [whole[step] for step in FUNNEL[2:]]
    assert steps == sorted(steps, reverse=True)
    assert whole["demands_with_candidates"] <= whole["demands"]
    for cut, columns in (
        (figures.by_field, ("demands", "reviewed", "accepted", "signed")),
        (figures.by_institute, ("reviewed", "accepted", "signed")),
        (figures.by_month, ("reviewed", "accepted")),
    ):
        assert {name: cut[name].sum() for name in columns} == {name: whole[name] for name in columns}
    assert figures.by_field["achievements"].sum() == figures.achievements
    assert figures.by_institute["achievements"].sum() == figures.achievements
    assert figures.by_institute["shown"].sum() == whole["candidates"]
    assert figures.by_month["rejected"].sum() == whole["reviewed"] - whole["accepted"]
    assert figures.by_month["moved"].sum() == events


def test_the_funnel(worked: Engine) -> None:
    figures = statistics(worked, SHANGHAI)
    assert figures.achievements == 5
    assert figures.funnel.rows() == [
        ("demands", 4),
        ("demands_with_candidates", 3),  # all but D4
        ("candidates", 8),  # six pairs of the first run, two new ones of the second
        ("reviewed", 5),  # D1 A1, D1 A2, D1 A3, D2 A1, D3 A5
        ("accepted", 4),  # of these all but D1 A3
        ("contacted", 3),  # deals 1, 2 and 5; the acceptance of deal 4 was taken back
        ("negotiating", 3),  # deal 2 went past it
        ("signed", 2),  # deal 1, which ended afterwards, and deal 2
        ("registered", 1),
        ("industrialised", 0),
    ]


def test_by_field(worked: Engine) -> None:
    figures = statistics(worked, SHANGHAI).by_field
    assert figures.columns == ["code", "demands", "achievements", "reviewed", "accepted", "signed"]
    assert figures["code"].to_list() == [*CODES, UNKNOWN]
    found = {code: tuple(rest) for code, *rest in figures.rows() if any(rest)}
    assert found == {
        "N1": (2, 2, 4, 3, 2),  # D1 and D2; A1 and A3
        "N2": (1, 1, 1, 1, 0),  # D3; A2
        "N3": (0, 1, 0, 0, 0),  # A5
        UNKNOWN: (1, 1, 0, 0, 0),  # D4; A4
    }


def test_by_institute(worked: Engine) -> None:
    figures = statistics(worked, SHANGHAI).by_institute
    assert figures.columns == ["institute", "achievements", "shown", "reviewed", "accepted", "signed"]
    assert figures.rows() == [
        ("甲所", 2, 4, 3, 3, 2),  # shown: D1 A1, D1 A2, D2 A1, D3 A2
        ("乙所", 2, 3, 2, 1, 0),  # shown: D1 A3, D3 A5, D2 A3
        ("", 1, 1, 0, 0, 0),  # shown: D2 A4
    ]


def test_by_month_of_shanghai(worked: Engine) -> None:
    figures = statistics(worked, SHANGHAI).by_month
    assert figures.columns == ["month", "reviewed", "accepted", "rejected", "moved"]
    assert figures.rows() == [
        ("2026-01", 1, 1, 0, 2),
        ("2026-02", 3, 2, 1, 4),  # with D1 A2, at 01:00 of 1 February
        ("2026-03", 1, 1, 0, 9),
        ("2026-04", 0, 0, 0, 1),  # deal 5, at 01:00 of 1 April
    ]


def test_by_month_of_another_zone(worked: Engine) -> None:
    assert statistics(worked, "UTC").by_month.rows() == [
        ("2026-01", 2, 2, 0, 3),
        ("2026-02", 2, 1, 1, 3),
        ("2026-03", 1, 1, 0, 10),
    ]


@pytest.mark.parametrize("zone", [SHANGHAI, "UTC", "America/New_York"])
def test_the_worked_figures_add_up(zone: str, worked: Engine) -> None:
    assert_adds_up(statistics(worked, zone), len(EVENTS))


def test_figures_carry_their_moment(worked: Engine) -> None:
    at = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)
    assert statistics(worked, SHANGHAI, at).at == at
    before = datetime.now(UTC)
    assert before <= statistics(worked, SHANGHAI).at <= datetime.now(UTC)


def test_the_same_ledger_gives_the_same_figures(worked: Engine) -> None:
    first, second = statistics(worked, SHANGHAI), statistics(worked, SHANGHAI)
    for name in ("funnel", "by_field", "by_institute", "by_month"):
        assert getattr(first, name).equals(getattr(second, name))


def test_an_empty_ledger(ledger: Engine) -> None:
    figures = statistics(ledger, SHANGHAI)
    assert figures.achievements == 0
    assert figures.funnel.rows() == [(step, 0) for step in FUNNEL]
    assert figures.by_field.rows() == [(code, 0, 0, 0, 0, 0) for code in [*CODES, UNKNOWN]]
    assert figures.by_institute.rows() == []
    assert figures.by_institute.columns == ["institute", "achievements", "shown", "reviewed", "accepted", "signed"]
    assert figures.by_month.rows() == []
    assert figures.by_month.columns == ["month", "reviewed", "accepted", "rejected", "moved"]


def test_before_any_run(ledger: Engine) -> None:
    load(ledger, "demands", [{"title": "一"}, {"title": "二"}], [("D1", FIRST, "N1", 0.5)])
    load(ledger, "achievements", [{"title": "一", "institute": "甲所"}], [])
    figures = statistics(ledger, SHANGHAI)
    assert figures.funnel["count"].to_list() == [2, *[0] * (len(FUNNEL) - 1)]
    found = {code: tuple(rest) for code, *rest in figures.by_field.rows() if any(rest)}
    assert found == {"N1": (1, 0, 0, 0, 0), UNKNOWN: (1, 1, 0, 0, 0)}
    assert figures.by_institute.rows() == [("甲所", 1, 0, 0, 0, 0)]
    assert figures.by_month.is_empty()
    assert_adds_up(figures, 0)


def test_numbers_are_whole_and_never_null(worked: Engine) -> None:
    figures = statistics(worked, SHANGHAI)
    for table in (figures.funnel, figures.by_field, figures.by_institute, figures.by_month):
        assert set(table.dtypes[1:]) == {pl.Int64()}
        assert table.null_count().sum_horizontal().item() == 0


def test_institutes_with_equal_figures_stand_by_name(ledger: Engine) -> None:
    names = ["丁所", "丙所", "乙所"]
    load(ledger, "achievements", [{"title": name, "institute": name} for name in names], [])
    assert statistics(ledger, SHANGHAI).by_institute["institute"].to_list() == sorted(names)


def test_a_field_that_the_taxonomy_no_longer_has_counts_as_unknown(ledger: Engine) -> None:
    """Else the rows would not sum to the whole after a taxonomy has changed."""
    load(ledger, "demands", [{"title": "一"}], [("D1", FIRST, "X9", 0.9)])
    load(ledger, "achievements", [{"title": "一"}], [("A1", FIRST, "X9", 0.9)])
    assert statistics(ledger, SHANGHAI).by_field.filter(code=UNKNOWN).rows() == [(UNKNOWN, 1, 1, 0, 0, 0)]


def test_the_main_field_is_the_surest() -> None:
    rows = [
        ("D2", FIRST, "N2", 0.4, "text", ["菌"]),
        ("D1", FIRST, "N3", 0.5, "text", []),
        ("D1", FIRST, "N1", 0.5, "stated", ["数字"]),
        ("D1", FIRST, "N4", 0.1, "text", []),
    ]
    found = main_fields(pl.DataFrame(rows, schema=FIELDS, orient="row"))
    assert found.equals(pl.DataFrame([rows[2], rows[0]], schema=FIELDS, orient="row"))


def test_any_ledger_adds_up(ledger: Engine, rng: random.Random) -> None:
    """Agents who decide, undo and move at random through the ledger's own functions."""
    demands, achievements = ([f"{letter}{number}" for number in range(1, 6)] for letter in "DA")
    fields = [(record, FIRST, rng.choice(CODES), rng.random()) for record in rng.sample(demands, 3)]
    load(ledger, "demands", [{"title": each} for each in demands], fields)
    institutes = [{"title": each, "institute": rng.choice(["甲所", "乙所", ""])} for each in achievements]
    load(ledger, "achievements", institutes, [(each, FIRST, rng.choice(CODES), 0.5) for each in achievements[:3]])
    pairs = [f"{demand} {achievement}" for demand in demands[:4] for achievement in achievements]
    run = match(ledger, "a", *pairs)
    for click in range(120):
        try:
            act(ledger, rng, rng.choice(pairs).split(), run, str(click))
        except LedgerError:
            continue
    events = deals.deal_events(ledger).height
    assert events > 0
    assert_adds_up(statistics(ledger, SHANGHAI), events)


def act(engine: Engine, rng: random.Random, pair: list[str], run: int, nonce: str) -> None:
    """Decide a pair, take its decision back, or move its deal."""
    demand, achievement = pair
    stands = decisions.standing(engine).filter(demand_id=demand, achievement_id=achievement)["decision_id"].to_list()
    under_way = deals.all_deals(engine).filter(demand_id=demand, achievement_id=achievement).rows(named=True)
    if under_way and rng.random() < 0.5:
        state = rng.choice([*DEAL_STATES, "ended"])
        row = under_way[0]
        deals.move(engine, row["deal_id"], state, "甲", seen=row["event_id"], reason="other")
    elif stands and rng.random() < 0.3:
        decisions.undo(engine, stands[0], "甲", nonce)
    else:
        decisions.decide(
            engine,
            demand_id=demand,
            achievement_id=achievement,
            run_id=run,
            verdict=rng.choice(VERDICTS),
            reason=rng.choice(REJECT_REASONS),
            agent="甲",
            nonce=nonce,
            seen=stands[0] if stands else None,
        )
