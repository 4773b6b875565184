"""Who may do what: every function that is asked for a ledger, by every role, against `datasets/access/rights.toml`."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from shutil import copyfile
from types import FunctionType
from typing import Any, Final

import polars as pl
import pytest
from places import ROOT
from records import content_of, listed, made
from sqlalchemy import Engine, func, select

import matching.ledger
import matching.pipeline
import matching.reporting
from matching import pipeline
from matching.errors import DuijieError, NotPermitted
from matching.intake.quality import rules_version
from matching.ledger import (
    accounts,
    assignments,
    catalogue,
    chain,
    column_choices,
    copying,
    corrections,
    deal_documents,
    deal_payments,
    deal_reminders,
    deal_reopening,
    deal_terms,
    deal_timeline,
    deals,
    decisions,
    judgements,
    links,
    moments,
    organisation_names,
    past,
    presence,
    reverse,
    review_queue,
    runs,
    statements,
    uploads,
    withdrawal,
)
from matching.ledger.chain import head_of
from matching.ledger.database import open_ledger, reading
from matching.ledger.deal_rules import Terms
from matching.ledger.rights import Viewer, as_viewer, may, permit, rights, unrestricted, viewer_of
from matching.ledger.tables import metadata
from matching.pipeline import Prepared
from matching.pipeline.near_misses import NEAR_MISS_ROWS, undecided, with_verdicts
from matching.ranking.levels import load_model
from matching.reporting.deal_policy import deal_policy
from matching.reporting.facts import Facts, facts
from matching.reporting.period import Period
from matching.reporting.whole_report import cut_report, report_of, whole_report
from matching.schema import CANDIDATES, FIELDS, ROLES, Kind

TODAY: Final = date(2026, 11, 22)
MOMENT: Final = datetime(2026, 11, 22, tzinfo=UTC)
INSTITUTE: Final = "哈尔滨工业大学"
PASSWORD: Final = "a password of tests"  # noqa: S105
PROVINCE: Final = "province_4567"
SOMEBODY: Final = "另一位"
# A role that no operation is allowed to: what does not refuse it asks for no right.
STRANGER: Final = "stranger"
ACHIEVEMENTS: Final = [
    {"achievement_id": "A1", "title": "碳纤维复合材料板", "institute": INSTITUTE, "summary": "轻质板材成型工艺"},
    {"achievement_id": "A2", "title": "寒区混凝土外加剂", "institute": INSTITUTE, "summary": "抗冻混凝土"},
    {"achievement_id": "A3", "title": "大豆蛋白提取", "institute": INSTITUTE, "summary": "低温提取工艺"},
]
DEMANDS: Final = [
    {"demand_id": "D1", "title": "轻质碳纤维板材", "enterprise": "甲企业", "problem": "板材太重"},
    {"demand_id": "D2", "title": "抗冻混凝土", "enterprise": "乙企业", "problem": "冬季开裂"},
    {"demand_id": "D3", "title": "大豆蛋白", "enterprise": "丙企业", "problem": "得率低"},
]
VIEWERS: Final = {role: Viewer(f"某{role}", role, INSTITUTE if role == "institute" else "") for role in ROLES}


@dataclass(frozen=True)
class Ask:
    """Whose ledger is asked, in whose name, where files may be put, and a file of the institute that was looked at."""

    engine: Engine
    agent: str
    folder: Path
    prepared: Prepared


Call = Callable[[Ask], object]


def file(kind: Kind = "achievements", **changed: object) -> Any:
    """A list that was read: the institute's own, or another."""
    rows = ACHIEVEMENTS if kind == "achievements" else DEMANDS
    return listed(kind, *({**row, **changed} for row in rows))


def changed() -> pl.DataFrame:
    """What was learned of a record, as `corrections.add_learned` takes it."""
    row = ("A2", 1, PROVINCE, ["S3"], [0.5], [["板"]])
    columns = ("record_id", "version", "taxonomy", "codes", "confidences", "terms")
    return pl.DataFrame([row], schema=columns, orient="row")


def scored() -> pl.DataFrame:
    """Quality of a record."""
    return pl.DataFrame(
        [("A1", 1, 50, False, [])], schema=["record_id", "version", "quality", "vague", "lacks"], orient="row"
    )


def run(ask: Ask) -> object:
    nothing = pl.DataFrame(schema=CANDIDATES)
    return runs.add_run(ask.engine, nothing, "f" * 64, top=1, demands=0, achievements=0, agent=ask.agent)


def decide(ask: Ask) -> object:
    pair = {"demand_id": "D3", "achievement_id": "A3"}
    return decisions.decide(ask.engine, **pair, run_id=1, verdict="later", agent=ask.agent, nonce="n", seen=None)


def decide_all(ask: Ask) -> object:
    pairs = pl.DataFrame({"demand_id": ["D3"], "achievement_id": ["A1"]})
    return decisions.decide_all(ask.engine, pairs, run_id=1, verdict="later", agent=ask.agent, nonce="n")


def add_model(ask: Ask) -> object:
    values = load_model().as_values()
    return judgements.add_model(ask.engine, values, pairs=1, before=0.1, after=0.2, forced=True, agent=ask.agent)


# What each function is asked for, and the operation of `rights.toml` that it is.
CALLS: Final[dict[str, tuple[str, Call]]] = {
    "ledger.accounts.all_accounts": ("manage_accounts", lambda ask: accounts.all_accounts(ask.engine)),
    "ledger.accounts.add_account": (
        "manage_accounts",
        lambda ask: accounts.add_account(ask.engine, "新账号", "agent", ask.agent, email="new@example.invalid"),
    ),
    "ledger.accounts.set_disabled": (
        "manage_accounts",
        lambda ask: accounts.set_disabled(ask.engine, "甲", ask.agent, disabled=True),
    ),
    "ledger.accounts.change_role": (
        "manage_accounts",
        lambda ask: accounts.change_role(ask.engine, "甲", "official", ask.agent),
    ),
    "ledger.accounts.reset_password": (
        "manage_accounts",
        lambda ask: accounts.reset_password(ask.engine, "甲", PASSWORD, ask.agent),
    ),
    "ledger.assignments.holders": ("read_candidates", lambda ask: assignments.holders(ask.engine)),
    "ledger.assignments.claim": ("assign", lambda ask: assignments.claim(ask.engine, ["D1"], ask.agent)),
    "ledger.assignments.assign": ("assign", lambda ask: assignments.assign(ask.engine, ["D1"], "乙", ask.agent)),
    "ledger.catalogue.current_records": (
        "read_records",
        lambda ask: catalogue.current_records(ask.engine, "demands"),
    ),
    "ledger.catalogue.written_records": (
        "read_records",
        lambda ask: catalogue.written_records(ask.engine, "demands"),
    ),
    "ledger.catalogue.count_records": ("read_records", lambda ask: catalogue.count_records(ask.engine, "demands")),
    "ledger.catalogue.record": ("read_records", lambda ask: catalogue.record(ask.engine, "achievements", "A1")),
    "ledger.catalogue.titles": ("read_records", lambda ask: catalogue.titles(ask.engine, "achievements", ["A1"])),
    "ledger.catalogue.arrivals": ("read_records", lambda ask: catalogue.arrivals(ask.engine, "demands")),
    "ledger.catalogue.fields_of": ("read_records", lambda ask: catalogue.fields_of(ask.engine, "achievements", "A1")),
    "ledger.catalogue.current_fields": ("read_records", lambda ask: catalogue.current_fields(ask.engine, "demands")),
    "ledger.catalogue.current_quality": (
        "read_records",
        lambda ask: catalogue.current_quality(ask.engine, "demands", rules_version()),
    ),
    "ledger.chain.verify": ("keep_ledger", lambda ask: chain.verify(ask.engine)),
    "ledger.column_choices.column_choices": (
        "load",
        lambda ask: column_choices.column_choices(ask.engine, "achievements", INSTITUTE),
    ),
    "ledger.copying.move": (
        "keep_ledger",
        lambda ask: copying.move(ask.engine, f"sqlite:///{ask.folder / 'moved.sqlite'}"),
    ),
    "ledger.copying.backup": ("keep_ledger", lambda ask: copying.backup(ask.engine, ask.folder / "kept.sqlite")),
    "ledger.copying.restore": ("keep_ledger", lambda ask: copying.restore(ask.engine, ask.folder / "none.sqlite")),
    "ledger.corrections.correct": (
        "correct_fields",
        lambda ask: corrections.correct(ask.engine, "achievements", "A1", PROVINCE, [], ask.agent, "n"),
    ),
    "ledger.corrections.release": (
        "correct_fields",
        lambda ask: corrections.release(ask.engine, "achievements", "A1", PROVINCE, ask.agent, "n"),
    ),
    "ledger.corrections.is_corrected": (
        "read_records",
        lambda ask: corrections.is_corrected(ask.engine, "achievements", "A1", PROVINCE),
    ),
    "ledger.corrections.corrected": ("read_records", lambda ask: corrections.corrected(ask.engine, "achievements")),
    "ledger.corrections.corrected_records": ("load", lambda ask: corrections.corrected_records(ask.engine)),
    "ledger.corrections.newest_correction": ("match", lambda ask: corrections.newest_correction(ask.engine)),
    "ledger.corrections.add_learned": (
        "match",
        lambda ask: corrections.add_learned(ask.engine, "achievements", changed(), ask.agent),
    ),
    "ledger.deal_documents.document_entries": (
        "read_deals",
        lambda ask: deal_documents.document_entries(ask.engine, 1),
    ),
    "ledger.deal_documents.add_document": (
        "move_deal",
        lambda ask: deal_documents.add_document(
            ask.engine, 1, "合同", "https://example.invalid/1", ask.agent, nonce="n"
        ),
    ),
    "ledger.deal_documents.take_document": (
        "move_deal",
        lambda ask: deal_documents.take_document(ask.engine, 1, ask.agent, nonce="n", why="重复"),
    ),
    "ledger.deal_payments.payment_entries": ("read_deals", lambda ask: deal_payments.payment_entries(ask.engine)),
    "ledger.deal_payments.paid": ("read_deals", lambda ask: deal_payments.paid(ask.engine)),
    "ledger.deal_payments.add_payment": (
        "move_deal",
        lambda ask: deal_payments.add_payment(ask.engine, 1, 100, TODAY, ask.agent, nonce="n"),
    ),
    "ledger.deal_payments.take_back_payment": (
        "move_deal",
        lambda ask: deal_payments.take_back_payment(ask.engine, 1, ask.agent, nonce="n", why="重复"),
    ),
    "ledger.deal_reminders.reminders": ("read_deals", lambda ask: deal_reminders.reminders(ask.engine, TODAY)),
    "ledger.deal_reopening.reopen": (
        "move_deal",
        lambda ask: deal_reopening.reopen(ask.engine, 1, ask.agent, seen=1),
    ),
    "ledger.deal_terms.current_terms": ("read_deals", lambda ask: deal_terms.current_terms(ask.engine)),
    "ledger.deal_terms.terms_entries": ("read_deals", lambda ask: deal_terms.terms_entries(ask.engine, 1)),
    "ledger.deal_terms.terms_of": ("read_deals", lambda ask: deal_terms.terms_of(ask.engine, 1)),
    "ledger.deal_terms.change_terms": (
        "move_deal",
        lambda ask: deal_terms.change_terms(ask.engine, 1, Terms(buyer="丁"), ask.agent, seen=None, nonce="n"),
    ),
    "ledger.deal_timeline.timeline": ("read_deals", lambda ask: deal_timeline.timeline(ask.engine, 1)),
    "ledger.deals.all_deals": ("read_deals", lambda ask: deals.all_deals(ask.engine)),
    "ledger.deals.deal_events": ("read_deals", lambda ask: deals.deal_events(ask.engine)),
    "ledger.deals.move": ("move_deal", lambda ask: deals.move(ask.engine, 1, "contacted", ask.agent, seen=1)),
    "ledger.decisions.standing": ("read_candidates", lambda ask: decisions.standing(ask.engine)),
    "ledger.decisions.standing_of": ("read_candidates", lambda ask: decisions.standing_of(ask.engine, "D1", "A1")),
    "ledger.decisions.decide": ("decide", decide),
    "ledger.decisions.decide_all": ("decide", decide_all),
    "ledger.decisions.undo": ("decide", lambda ask: decisions.undo(ask.engine, 2, ask.agent, "n")),
    "ledger.decisions.undo_all": ("decide", lambda ask: decisions.undo_all(ask.engine, "all", ask.agent)),
    "ledger.decisions.recent": ("read_candidates", lambda ask: decisions.recent(ask.engine, "甲", 10)),
    "ledger.judgements.set_level": (
        "decide",
        lambda ask: judgements.set_level(ask.engine, "D1", "A1", 3, ask.agent, "n"),
    ),
    "ledger.judgements.set_levels": ("read_candidates", lambda ask: judgements.set_levels(ask.engine, "D1")),
    "ledger.judgements.judgements": ("read_candidates", lambda ask: judgements.judgements(ask.engine)),
    "ledger.judgements.learned_model": ("read_candidates", lambda ask: judgements.learned_model(ask.engine)),
    "ledger.judgements.add_model": ("learn", add_model),
    "ledger.moments.settled": ("read_figures", lambda ask: moments.settled(ask.engine)),
    "ledger.past_deals.deals_at": ("read_figures", lambda ask: past.deals_at(ask.engine, MOMENT)),
    "ledger.past_deals.payments_at": ("read_figures", lambda ask: past.payments_at(ask.engine, MOMENT)),
    "ledger.past_deals.statements_at": ("read_figures", lambda ask: past.statements_at(ask.engine, MOMENT)),
    "ledger.past_deals.terms_at": ("read_figures", lambda ask: past.terms_at(ask.engine, MOMENT)),
    "ledger.past_pairs.brought_at": ("read_figures", lambda ask: past.brought_at(ask.engine, MOMENT)),
    "ledger.past_pairs.decisions_at": ("read_figures", lambda ask: past.decisions_at(ask.engine, MOMENT)),
    "ledger.past_pairs.listed_at": ("read_figures", lambda ask: past.listed_at(ask.engine, MOMENT)),
    "ledger.past_records.main_fields_at": (
        "read_figures",
        lambda ask: past.main_fields_at(ask.engine, "demands", MOMENT),
    ),
    "ledger.past_records.records_at": ("read_figures", lambda ask: past.records_at(ask.engine, "demands", MOMENT)),
    "ledger.organisation_names.confirm": (
        "confirm_name",
        lambda ask: organisation_names.confirm(ask.engine, {"工大一校区": INSTITUTE}, ask.agent),
    ),
    "ledger.organisation_names.confirmed_names": (
        "read_records",
        lambda ask: organisation_names.confirmed_names(ask.engine),
    ),
    "ledger.presence.missing": ("read_records", lambda ask: presence.missing(ask.engine, "achievements")),
    "ledger.presence.settle_missing": (
        "settle_missing",
        lambda ask: presence.settle_missing(ask.engine, "achievements", ["A2"], gone=True, agent=ask.agent),
    ),
    "ledger.presence.settle_near": (
        "settle_near",
        lambda ask: presence.settle_near(ask.engine, "achievements", "A1", "A2", same=False, agent=ask.agent),
    ),
    "ledger.presence.near_pairs": ("settle_near", lambda ask: presence.near_pairs(ask.engine, "achievements")),
    "ledger.reverse.demands_of": ("read_candidates", lambda ask: reverse.demands_of(ask.engine, 1, "A1")),
    "ledger.reverse.best_achievements": ("read_candidates", lambda ask: reverse.best_achievements(ask.engine, 1)),
    "ledger.reverse.scores_of": ("read_candidates", lambda ask: reverse.scores_of(ask.engine, 1)),
    "ledger.reverse.some_records": (
        "read_candidates",
        lambda ask: reverse.some_records(ask.engine, "demands", ["D1"], ["title"]),
    ),
    "ledger.review_queue.run_pairs": ("read_candidates", lambda ask: review_queue.run_pairs(ask.engine, 1)),
    "ledger.runs.latest_run": ("read_records", lambda ask: runs.latest_run(ask.engine)),
    "ledger.runs.add_run": ("match", run),
    "ledger.runs.candidates_of": ("read_candidates", lambda ask: runs.candidates_of(ask.engine, 1, "D1")),
    "ledger.statements.state": (
        "move_deal",
        lambda ask: statements.state(ask.engine, 1, "envoy", "yes", ask.agent, nonce="n"),
    ),
    "ledger.statements.statements_of": ("read_deals", lambda ask: statements.statements_of(ask.engine, 1)),
    "ledger.uploads.difference": ("load", lambda ask: uploads.difference(ask.engine, file(price_yuan=1), INSTITUTE)),
    "ledger.uploads.add": (
        "load",
        lambda ask: uploads.add(
            ask.engine,
            file(price_yuan=2),
            pl.DataFrame(schema=FIELDS),
            ask.agent,
            beside=uploads.Beside(institute=INSTITUTE),
        ),
    ),
    "ledger.uploads.add_quality": (
        "match",
        lambda ask: uploads.add_quality(ask.engine, "achievements", scored(), "0" * 16),
    ),
    "ledger.uploads.take_back": ("take_back_upload", lambda ask: uploads.take_back(ask.engine, 2, ask.agent)),
    "ledger.uploads.uploads": ("read_uploads", lambda ask: uploads.uploads(ask.engine)),
    "ledger.uploads.original_of": ("read_uploads", lambda ask: uploads.original_of(ask.engine, 2)),
    "ledger.withdrawal.withdraw": (
        "withdraw",
        lambda ask: withdrawal.withdraw(ask.engine, "achievements", "A3", ask.agent, "停产"),
    ),
    "ledger.withdrawal.restore": (
        "withdraw",
        lambda ask: withdrawal.restore(ask.engine, "achievements", "A3", ask.agent, "恢复"),
    ),
    "ledger.withdrawal.records_out_of_use": (
        "read_records",
        lambda ask: withdrawal.records_out_of_use(ask.engine, "achievements", ["A1"]),
    ),
    "pipeline.finding.loaded": ("find", lambda ask: pipeline.loaded(ask.engine)),
    "pipeline.learning.current_model": ("read_candidates", lambda ask: pipeline.current_model(ask.engine)),
    "pipeline.learning.learn_levels": ("learn", lambda ask: pipeline.learn_levels(ask.engine, ask.agent)),
    "pipeline.learning.learn_fields": ("match", lambda ask: pipeline.learn_fields(ask.engine, ask.agent)),
    "pipeline.loading.remembered_plan": (
        "load",
        lambda ask: pipeline.remembered_plan(ask.engine, "achievements", INSTITUTE),
    ),
    "pipeline.loading.prepare": ("load", lambda ask: pipeline.prepare(ask.engine, file(price_yuan=3), INSTITUTE)),
    "pipeline.loading.load": ("load", lambda ask: pipeline.load(ask.engine, ask.prepared, ask.agent)),
    "pipeline.loading.assess_all": ("match", lambda ask: pipeline.assess_all(ask.engine)),
    "pipeline.near_misses.near_misses": ("read_candidates", lambda ask: pipeline.near_misses(ask.engine, TODAY)),
    "pipeline.near_misses.undecided": ("read_candidates", lambda ask: undecided(ask.engine, TODAY)),
    "pipeline.near_misses.with_verdicts": (
        "read_candidates",
        lambda ask: with_verdicts(ask.engine, pl.DataFrame(schema=NEAR_MISS_ROWS).drop("verdict")),
    ),
    "pipeline.near_misses.conditions_of": (
        "read_candidates",
        lambda ask: pipeline.conditions_of(ask.engine, "D1", ["A1"], TODAY),
    ),
    "pipeline.running.match_ledger": ("match", lambda ask: pipeline.match_ledger(ask.engine, 2, ask.agent)),
    "pipeline.reviewing.review_list": ("read_candidates", lambda ask: pipeline.review_list(ask.engine, 1, "D1")),
    "ledger.links.sealed_at": ("read_figures", lambda ask: links.sealed_at(ask.engine, MOMENT)),
    "reporting.facts.facts": ("read_figures", lambda ask: facts(ask.engine, MOMENT, "Asia/Shanghai")),
    "reporting.whole_report.whole_report": (
        "read_figures",
        lambda ask: whole_report(ask.engine, facts_of(ask.engine), Period(), "en"),
    ),
    "reporting.whole_report.cut_report": (
        "read_figures",
        lambda ask: cut_report(ask.engine, facts_of(ask.engine), [["city"]], Period(), "en"),
    ),
    "reporting.whole_report.report_of": (
        "read_figures",
        lambda ask: report_of(ask.engine, facts_of(ask.engine), [], Period(), "en"),
    ),
    "reporting.deal_policy.deal_policy": ("read_deals", lambda ask: deal_policy(ask.engine, 1, TODAY)),
}


def facts_of(engine: Engine) -> Facts:
    """Facts that somebody who may read them has read."""
    return facts(unrestricted(engine), MOMENT, "Asia/Shanghai")


# Why a function asks for no right.
FREE: Final[dict[str, str]] = {
    "ledger.accounts.has_admin": "asked when the server starts, before anybody is a viewer",
    "ledger.bulk_reading.read": "gives what a query finds to who was permitted to ask it",
    "ledger.database.reading": "gives a connection; what is read by it is permitted by who reads",
    "ledger.database.writing": "gives a transaction; what is written in it is permitted by who writes",
    "ledger.deal_scope.shown": "narrows what a permitted function has read",
    "ledger.logins.log_in": "nobody is a viewer yet who logs in",
    "ledger.logins.log_out": "whoever holds a token may end its session",
    "ledger.logins.refusal_of_session": "tells whether there is a viewer",
    "ledger.logins.viewer_of_email": "tells who the viewer is",
    "ledger.logins.viewer_of_session": "tells who the viewer is",
    "ledger.past_versions.as_it_stood": "part of what `past` permits",
    "ledger.past_versions.records_then": "part of what `past` permits",
    "ledger.past_versions.set_aside_then": "part of what `past` permits",
    "ledger.revision.revision": "numbers of newest entries alone, by which screens know that something is new",
    "ledger.rights.as_viewer": "is the rights themselves",
    "ledger.rights.may": "is the rights themselves",
    "ledger.rights.permit": "is the rights themselves",
    "ledger.rights.unrestricted": "is the rights themselves",
    "ledger.rights.viewer_of": "is the rights themselves",
    "ledger.sealing.seal_transactions": "sets an engine up when the ledger is opened",
    "pipeline.ranking.rank": "its engine is what ranks; it is given lists, not a ledger",
    "pipeline.reranking.rerank": "its engine is what ranks; it is given lists, not a ledger",
    "reporting.facts.veiled": "takes from permitted facts what the viewer must not learn",
    "reporting.small_counts.hides": "tells whether small counts are hidden from the viewer",
}
# An agent that is asked about, not one in whose name something is written.
ASKED_ABOUT: Final = ("ledger.decisions.recent",)


def functions() -> dict[str, FunctionType]:
    """Public functions of the ledger, the pipeline and the reporting that are given an engine, by their names."""
    found = {}
    for package in (matching.ledger, matching.pipeline, matching.reporting):
        names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
        for module in (importlib.import_module(name) for name in names if ".migrations" not in name):
            for name, value in vars(module).items():
                own = inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
                if own and "engine" in inspect.signature(value).parameters:
                    found[f"{module.__name__}.{name}".removeprefix("matching.")] = value
    return found


FUNCTIONS: Final = functions()
WRITTEN_IN_A_NAME: Final = [
    name for name in CALLS if name not in ASKED_ABOUT and "agent" in inspect.signature(FUNCTIONS[name]).parameters
]


def fill(engine: Engine) -> None:
    """Lists of an institute and of enterprises, ranked; a deal under way, a decision, an agent's account."""
    demands = listed("demands", *DEMANDS)
    pipeline.load(engine, pipeline.prepare(engine, demands, "", content_of(demands.frame)), "甲")
    achievements = listed("achievements", *ACHIEVEMENTS)
    pipeline.load(engine, pipeline.prepare(engine, achievements, "哈工大", content_of(achievements.frame)), "甲")
    pipeline.match_ledger(engine, 3, "甲")
    for number, verdict in ((1, "accept"), (2, "later")):
        pair = {"demand_id": f"D{number}", "achievement_id": f"A{number}"}
        decisions.decide(engine, **pair, run_id=1, verdict=verdict, agent="甲", nonce=str(number), seen=None)
    accounts.add_account(engine, "甲", "agent", "管理员", email="agent@example.invalid")


# Rows of every table, in one query: it is asked hundreds of times.
HOW_MANY: Final = select(*(select(func.count()).select_from(each).scalar_subquery() for each in metadata.sorted_tables))


def state(engine: Engine) -> tuple[object, ...]:
    """All that a write would change: the head of the chain, and how many rows each table has."""
    with reading(engine) as connection:
        return head_of(connection), *connection.execute(HOW_MANY).one()


class Ground:
    """A ledger that is as it was made whenever it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._made = made(folder / "made.sqlite", fill)
        self._engine = self._copy()
        self.state = state(self._engine)
        self.prepared = pipeline.prepare(self._engine, file(price_yuan=4), INSTITUTE)

    def _copy(self) -> Engine:
        path = self._folder / f"{next(self._numbers)}.sqlite"
        copyfile(self._made, path)
        return open_ledger(f"sqlite:///{path}")

    def engine(self) -> Engine:
        """The ledger; a new copy where the last one was written to."""
        if state(self._engine) != self.state:
            self._engine.dispose()
            self._engine = self._copy()
        return self._engine

    def close(self) -> None:
        """Let the file go."""
        self._engine.dispose()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    ground = Ground(tmp_path_factory.mktemp("rights"))
    yield ground
    ground.close()


def test_every_function_is_accounted_for() -> None:
    """One that is new is added to the calls, or told among those that need no right, with the reason."""
    assert sorted({*CALLS, *FREE}) == sorted(FUNCTIONS)
    assert not CALLS.keys() & FREE.keys()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", CALLS)
def test_a_role_may_do_what_the_data_file_says(name: str, role: str, ground: Ground, tmp_path: Path) -> None:
    operation, call = CALLS[name]
    engine, viewer = ground.engine(), VIEWERS[role]
    ask = Ask(as_viewer(engine, viewer), viewer.account, tmp_path, ground.prepared)
    if role in rights()[operation]:
        try:
            call(ask)
        except NotPermitted:
            raise
        except DuijieError:
            pass
    else:
        with pytest.raises(NotPermitted):
            call(ask)
        assert state(engine) == ground.state
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", CALLS)
def test_every_function_refuses_a_role_that_is_not_known(name: str, ground: Ground, tmp_path: Path) -> None:
    engine = ground.engine()
    with pytest.raises(NotPermitted):
        CALLS[name][1](Ask(as_viewer(engine, Viewer("某人", STRANGER)), "某人", tmp_path, ground.prepared))
    assert state(engine) == ground.state
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", WRITTEN_IN_A_NAME)
def test_nobody_writes_in_the_name_of_another(name: str, role: str, ground: Ground, tmp_path: Path) -> None:
    engine = ground.engine()
    with pytest.raises(NotPermitted):
        CALLS[name][1](Ask(as_viewer(engine, VIEWERS[role]), SOMEBODY, tmp_path, ground.prepared))
    assert state(engine) == ground.state


def asked_for(path: Path) -> set[str]:
    """Operations that a source names."""
    calls = [each for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(each, ast.Call)]
    return {
        str(each.args[1].value)
        for each in calls
        if isinstance(each.func, ast.Name)
        and each.func.id in ("permit", "may")
        and isinstance(each.args[1], ast.Constant)
    }


@pytest.mark.parametrize("name", CALLS)
def test_a_function_asks_for_the_operation_that_it_is(name: str) -> None:
    """Two operations may be of the same roles today; who changes the data file means one of them."""
    tree = ast.parse(inspect.getsource(FUNCTIONS[name]))
    named = {
        str(each.args[1].value)
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "permit"
        if isinstance(each.args[1], ast.Constant)
    }
    assert not named or CALLS[name][0] in named


def test_every_operation_is_used_and_every_used_one_is_listed() -> None:
    sources = [*(ROOT / "matching").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]
    used = set().union(*map(asked_for, sources))
    assert used == set(rights())


def test_the_data_file_knows_the_roles_and_no_others() -> None:
    assert {role for roles in rights().values() for role in roles} == set(ROLES)


def test_administrators_may_do_everything() -> None:
    assert all("admin" in roles for roles in rights().values())


def test_an_operation_that_is_not_listed_is_allowed_to_nobody(ledger: Engine) -> None:
    for viewer in VIEWERS.values():
        with pytest.raises(NotPermitted):
            permit(as_viewer(ledger, viewer), "no_such_operation")


def test_a_refusal_names_the_account_in_both_languages(ledger: Engine) -> None:
    with pytest.raises(NotPermitted) as refused:
        permit(as_viewer(ledger, VIEWERS["official"]), "decide")
    for language in ("zh_CN", "en"):
        assert VIEWERS["official"].account in refused.value.text(language)


def test_the_viewer_goes_with_the_engine_and_not_with_the_ledger(ledger: Engine) -> None:
    """Engines for two viewers share connections, and neither sees by the other's rights."""
    agent, official = (as_viewer(ledger, VIEWERS[role]) for role in ("agent", "official"))
    assert (viewer_of(agent), viewer_of(official), viewer_of(ledger)) == (VIEWERS["agent"], VIEWERS["official"], None)
    assert (may(agent, "decide"), may(official, "decide"), may(ledger, "decide")) == (True, False, True)
    assert viewer_of(unrestricted(official)) is None
    assert viewer_of(official) == VIEWERS["official"]
    with reading(agent), pytest.raises(NotPermitted):
        decisions.standing(official)
