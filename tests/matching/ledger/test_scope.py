"""What a viewer is shown: an institute its own, an official no private demand, nobody but agents whose demand it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl
import pytest
from database import Ledgers, SqliteLedgers, made, opened
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from records import content_of, listed
from sqlalchemy import Engine

from matching import pipeline
from matching.errors import DuijieError, LedgerError, NotPermitted
from matching.intake.quality import rules_version
from matching.ledger import (
    catalogue,
    column_choices,
    corrections,
    deal_documents,
    deal_payments,
    deal_reminders,
    deal_terms,
    deal_timeline,
    deals,
    decisions,
    organisation_names,
    presence,
    runs,
    uploads,
    withdrawal,
)
from matching.ledger.chain import head_of
from matching.ledger.database import reading
from matching.ledger.deal_rules import Terms
from matching.ledger.moments import settled
from matching.ledger.rights import Viewer, as_viewer
from matching.ledger.uploads import Beside
from matching.reporting.csv_files import csv_files
from matching.reporting.facts import facts
from matching.reporting.figures import cut
from matching.reporting.period import Period
from matching.reporting.whole_report import whole_report
from matching.schema import CANDIDATES, DUPLICATES, FIELDS, ID, Kind
from matching.wording import LANGUAGES

HIT: Final = "哈尔滨工业大学"
HEU: Final = "哈尔滨工程大学"
PROVINCE: Final = "province_4567"
RULES: Final = rules_version()
TODAY: Final = date(2026, 11, 22)
INSTITUTE, OTHER = Viewer("工大科技处", "institute", HIT), Viewer("工程大学科技处", "institute", HEU)
OFFICIAL, AGENT, ADMIN = Viewer("主管处", "official"), Viewer("甲经理", "agent"), Viewer("管理员", "admin")

# Its own, however its name is written; one whose name a person confirmed; one without a name, from its own file.
OWN: Final = {
    "H1": HIT,
    "H2": "哈工大",
    "H3": "HIT",
    "H4": "哈尔滨工业大学材料学院",
    "H5": "工大一校区",
    "H6": "",
    "H7": HIT,
}
# Another campus is a body of its own.
FOREIGN: Final = {"W1": "哈尔滨工业大学（威海）", "B1": HEU, "B2": "哈工程", "B3": HEU}
# Enterprise, visibility, the achievement of its deal, and the states that the deal has been in.
DEMANDS: Final[dict[str, tuple[str, str, str, tuple[str, ...]]]] = {
    "P1": ("北方轴承公司", "public", "H1", ("recommended",)),
    "P2": ("西岭铸造厂", "public", "B1", ("recommended", "contacted")),
    "P3": ("南岗食品厂", "public", "", ()),
    "N1": ("寒地机械厂", "anonymous", "H1", ("recommended",)),
    "N2": ("松江化工厂", "anonymous", "H2", ("recommended", "contacted")),
    "N3": ("东山电机厂", "anonymous", "H3", ("recommended", "ended")),
    "N4": ("西山水泥厂", "anonymous", "", ()),
    "N5": ("北山玻璃厂", "anonymous", "H5", ("recommended", "negotiating", "ended")),
    "V1": ("龙江药业", "private", "H3", ("recommended",)),
    "V2": ("镜湖纸业", "private", "H4", ("recommended", "contacted")),
    "V3": ("兴安林业", "private", "", ()),
    "V4": ("嫩江农场", "private", "B2", ("recommended", "contacted")),
}
OF_DEALS: Final = ["N1", "N2", "N3", "N5", "P1", "V2"]
TELLING: Final = ("enterprise", "contact", "phone")
TEXTS: Final = ("title", "problem", "targets", "expected", "tried")


def demand(demand_id: str, enterprise: str, visibility: str, **more: object) -> dict[str, object]:
    """A demand in which its enterprise is told wherever a text may tell it."""
    return {
        "demand_id": demand_id,
        "title": f"{enterprise}求{demand_id}的技术",
        "enterprise": enterprise,
        "visibility": visibility,
        "problem": f"我厂（{enterprise}）的问题，{enterprise}多年未解决",
        "targets": f"达到{enterprise}的标准",
        "expected": f"用于{enterprise}",
        "tried": f"{enterprise}试过",
        "contact": f"{demand_id}联系人",
        "phone": f"0451-{demand_id}",
        "extras": [{"heading": "开户单位", "text": enterprise}],
        **more,
    }


def fields(*record_ids: str) -> pl.DataFrame:
    """A field for each record; the term that decided names the record."""
    rows = [(each, PROVINCE, "S3", 0.9, "text", [f"词{each}"]) for each in record_ids]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


def put(engine: Engine, kind: Kind, rows: Sequence[dict[str, object]], institute: str, file: str, **more: Any) -> int:
    """Load a list as an agent of one's own machine does; the upload's number."""
    read = listed(kind, *rows, file=file)
    ids = read.frame[ID[kind]].to_list()
    quality = [(each, 50, False, ["figures"]) for each in ids]
    beside = Beside(
        institute=institute,
        content=content_of(read.frame),
        quality=pl.DataFrame(quality, schema=catalogue.QUALITY, orient="row"),
        rules=RULES,
        **more,
    )
    uploads.add(engine, read, fields(*ids), "甲", beside=beside)
    return int(uploads.uploads(engine)["upload_id"][0])


def achievements(*record_ids: str) -> list[dict[str, object]]:
    known = {**OWN, **FOREIGN}
    return [{"achievement_id": each, "title": f"成果{each}", "institute": known[each]} for each in record_ids]


def open_deal(engine: Engine, demand_id: str, achievement_id: str, states: Sequence[str]) -> int:
    """Accept a pair and move its deal; the deal's number."""
    decisions.decide(
        engine,
        demand_id=demand_id,
        achievement_id=achievement_id,
        run_id=1,
        verdict="accept",
        agent="甲",
        nonce=f"{demand_id}{achievement_id}",
        seen=None,
    )
    for state in states[1:]:
        newest = deals.all_deals(engine).row(0, named=True)
        reason = "other" if state == "ended" else ""
        deals.move(engine, newest["deal_id"], state, "甲", seen=newest["event_id"], reason=reason)
    return int(deals.all_deals(engine)["deal_id"][0])


def begin(engine: Engine) -> None:
    nothing = pl.DataFrame(schema=CANDIDATES)
    runs.add_run(engine, nothing, "a" * 64, top=1, demands=0, achievements=0, agent="甲")


def fill(engine: Engine) -> None:
    begin(engine)
    organisation_names.confirm(engine, {"工大一校区": HIT}, "甲")
    put(engine, "achievements", achievements("H1", "H2", "H3", "H4", "H5", "W1"), "", "汇总.csv")
    put(engine, "achievements", achievements("H6", "H7"), "哈工大", "工大.csv", columns={"单位": "institute"})
    near = pl.DataFrame([("B1", "B2", 0.9, 0.9, None, True, False)], schema=DUPLICATES, orient="row")
    put(
        engine,
        "achievements",
        achievements("B1", "B2", "B3"),
        "哈工程",
        "船舶.csv",
        near=near,
        columns={"校": "institute"},
    )
    # A later file of each institute lacks a record.
    put(engine, "achievements", achievements("H6"), HIT, "工大二.csv")
    put(engine, "achievements", achievements("B1", "B2"), HEU, "船舶二.csv")
    rows = [demand(each, enterprise, visibility) for each, (enterprise, visibility, *_) in DEMANDS.items()]
    put(engine, "demands", rows, "", "需求.csv")
    for each, (_, _, achievement_id, states) in DEMANDS.items():
        if achievement_id:
            open_deal(engine, each, achievement_id, states)


@pytest.fixture(scope="module")
def filled_url(ledgers: Ledgers) -> str:
    return made(ledgers, fill)


@pytest.fixture(scope="module")
def filled(filled_url: str) -> Iterator[Engine]:
    """The ledger that is read from."""
    with opened(filled_url) as engine:
        yield engine


@pytest.fixture
def written(ledgers: Ledgers, filled_url: str, filled: Engine) -> Iterator[Engine]:
    """A copy that may be written to."""
    filled.dispose()
    with opened(ledgers.copy(filled_url)) as engine:
        yield engine


def ids(engine: Engine, kind: Kind) -> list[str]:
    return catalogue.current_records(engine, kind, [ID[kind]])[ID[kind]].to_list()


Read = Callable[[Engine], object]
ALL: Final[dict[Kind, list[str]]] = {"demands": sorted(DEMANDS), "achievements": sorted({**OWN, **FOREIGN})}


def of_records(kind: Kind) -> dict[str, Read]:
    """Every way of asking for records of a list."""
    wide: dict[str, Read] = {
        "current": lambda engine: catalogue.current_records(engine, kind),
        "written": lambda engine: catalogue.written_records(engine, kind),
        "count": lambda engine: catalogue.count_records(engine, kind),
        "titles": lambda engine: catalogue.titles(engine, kind, ALL[kind]),
        "arrivals": lambda engine: catalogue.arrivals(engine, kind),
        "fields": lambda engine: catalogue.current_fields(engine, kind),
        "quality": lambda engine: catalogue.current_quality(engine, kind, RULES),
        "corrected": lambda engine: corrections.corrected(engine, kind),
        "missing": lambda engine: presence.missing(engine, kind),
        "near": lambda engine: presence.near_pairs(engine, kind),
        "out of use": lambda engine: sorted(withdrawal.records_out_of_use(engine, kind, ALL[kind])),
    }
    for each in ALL[kind]:
        wide[f"record {each}"] = lambda engine, each=each: catalogue.record(engine, kind, each)  # type: ignore[misc]
        wide[f"fields of {each}"] = lambda engine, each=each: catalogue.fields_of(engine, kind, each)  # type: ignore[misc]
    return {f"{kind} {name}": read for name, read in wide.items()}


def of_deal(deal_id: int) -> dict[str, Read]:
    """Every way of asking for one deal."""
    return {
        f"deal {deal_id} terms": lambda engine: deal_terms.terms_of(engine, deal_id),
        f"deal {deal_id} terms entries": lambda engine: deal_terms.terms_entries(engine, deal_id),
        f"deal {deal_id} documents": lambda engine: deal_documents.document_entries(engine, deal_id),
        f"deal {deal_id} payments": lambda engine: deal_payments.payment_entries(engine, deal_id),
        f"deal {deal_id} timeline": lambda engine: deal_timeline.timeline(engine, deal_id),
    }


def reads(deals_there: int = 9, uploads_there: int = 6) -> dict[str, Read]:
    """Everything that is read of lists, files and deals."""
    found = {**of_records("demands"), **of_records("achievements")}
    found |= {
        "names": organisation_names.confirmed_names,
        "uploads": uploads.uploads,
        "deals": deals.all_deals,
        "events": deals.deal_events,
        "terms": deal_terms.current_terms,
        "paid": deal_payments.paid,
        "payments": deal_payments.payment_entries,
        "reminders": lambda engine: deal_reminders.reminders(engine, TODAY),
        "run": runs.latest_run,
    }
    for upload_id in range(1, uploads_there + 1):
        found[f"original {upload_id}"] = lambda engine, number=upload_id: uploads.original_of(engine, number)  # type: ignore[misc]
    for deal_id in range(1, deals_there + 1):
        found |= of_deal(deal_id)
    return found


def told(engine: Engine, viewer: Viewer, asked: dict[str, Read]) -> dict[str, str]:
    """What a viewer gets to every question, as text; "" where it is refused."""
    answers = {}
    for name, read in asked.items():
        try:
            answers[name] = _text(read(as_viewer(engine, viewer)))
        except DuijieError:
            answers[name] = ""
    return answers


def _text(answer: object) -> str:
    match answer:
        case pl.DataFrame():
            return json.dumps(answer.to_dicts(), ensure_ascii=False, default=str)
        case (str(name), bytes(content)):
            return f"{name} {content.decode()}"
        case _:
            return repr(answer)


@pytest.fixture(scope="module")
def answers(filled: Engine) -> dict[str, dict[str, str]]:
    """What everybody gets to every question, by account."""
    return {viewer.account: told(filled, viewer, reads()) for viewer in (INSTITUTE, OFFICIAL, AGENT, ADMIN)}


def where(answers: dict[str, str], word: str) -> list[str]:
    """Questions in whose answers a word occurs."""
    return [name for name, text in answers.items() if word in text]


def test_what_is_looked_for_is_found_by_who_may_see_it(answers: dict[str, dict[str, str]]) -> None:
    """Or the tests that look for it would prove nothing."""
    found = answers[AGENT.account]
    assert [name for name, text in found.items() if not text] == []
    for enterprise, *_ in DEMANDS.values():
        assert {"demands current", "demands written", "demands titles", "original 6"} <= set(where(found, enterprise))
    assert "deal 2 terms" in where(found, "西岭铸造厂")


@pytest.mark.parametrize("viewer", [AGENT, ADMIN], ids=["agent", "admin"])
def test_agents_and_administrators_see_everything(
    viewer: Viewer, answers: dict[str, dict[str, str]], filled: Engine
) -> None:
    assert answers[viewer.account] == {name: _text(read(filled)) for name, read in reads().items()}


@pytest.mark.parametrize("organisation", [HIT, "哈工大", "ＨＩＴ", "工大一校区"])
def test_an_institute_sees_its_own_however_its_name_is_written(organisation: str, filled: Engine) -> None:
    engine = as_viewer(filled, Viewer("工大", "institute", organisation))
    assert ids(engine, "achievements") == sorted(OWN)
    assert catalogue.count_records(engine, "achievements") == len(OWN)


def test_an_institute_without_a_name_sees_nothing(filled: Engine) -> None:
    """H6 has no institute's name either."""
    engine = as_viewer(filled, Viewer("无", "institute", ""))
    assert (ids(engine, "achievements"), ids(engine, "demands")) == ([], [])


def test_a_confirmed_name_that_was_taken_back_makes_nothing_its_own(written: Engine) -> None:
    organisation_names.confirm(written, {"工大一校区": None}, "甲")
    assert ids(as_viewer(written, INSTITUTE), "achievements") == sorted(set(OWN) - {"H5"})


def test_an_institute_sees_nothing_of_others(answers: dict[str, dict[str, str]], filled: Engine) -> None:
    found = answers[INSTITUTE.account]
    for each in FOREIGN:
        named = [*where(found, f"成果{each}"), *where(found, f"'{each}'"), *where(found, f'"{each}"')]
        assert named == [], each
        with pytest.raises(LedgerError):
            catalogue.record(as_viewer(filled, INSTITUTE), "achievements", each)
        assert catalogue.fields_of(as_viewer(filled, INSTITUTE), "achievements", each).is_empty()


def test_an_institute_sees_its_own_in_every_way(filled: Engine) -> None:
    engine = as_viewer(filled, INSTITUTE)
    own = sorted(OWN)
    assert catalogue.written_records(engine, "achievements", ["achievement_id"])["achievement_id"].to_list() == own
    assert sorted(catalogue.current_fields(engine, "achievements")["record_id"].unique()) == own
    assert catalogue.current_quality(engine, "achievements", RULES)["record_id"].to_list() == own
    assert catalogue.arrivals(engine, "achievements")["record_id"].to_list() == own
    assert sorted(catalogue.titles(engine, "achievements", ALL["achievements"])) == own
    assert presence.missing(engine, "achievements")["record_id"].to_list() == ["H7"]


def test_an_institute_sees_its_own_files_alone(filled: Engine) -> None:
    mine, others = as_viewer(filled, INSTITUTE), as_viewer(filled, OTHER)
    assert uploads.uploads(mine)["file_name"].to_list() == ["工大二.csv", "工大.csv"]
    assert uploads.uploads(others)["file_name"].to_list() == ["船舶二.csv", "船舶.csv"]
    assert uploads.original_of(mine, 2) == uploads.original_of(filled, 2)
    for foreign in (1, 3, 5, 6):
        with pytest.raises(LedgerError):
            uploads.original_of(mine, foreign)


def test_an_institute_sees_what_was_said_of_its_own_columns_alone(filled: Engine) -> None:
    mine = as_viewer(filled, INSTITUTE)
    assert column_choices.column_choices(filled, "achievements", "哈工程") == {"校": "institute"}
    assert column_choices.column_choices(mine, "achievements", "哈工大") == {"单位": "institute"}
    with suppress(NotPermitted):
        assert column_choices.column_choices(mine, "achievements", "哈工程") == {}


def test_an_institute_is_not_told_which_of_others_are_withdrawn(written: Engine) -> None:
    for each in ("H1", "B1"):
        withdrawal.withdraw(written, "achievements", each, "甲", "停产")
    assert withdrawal.records_out_of_use(as_viewer(written, INSTITUTE), "achievements", ["H1", "B1"]) == {"H1"}


def test_an_institute_sees_demands_of_its_deals_alone(filled: Engine) -> None:
    mine, others = as_viewer(filled, INSTITUTE), as_viewer(filled, OTHER)
    assert ids(mine, "demands") == OF_DEALS
    assert ids(others, "demands") == ["P2", "V4"]
    assert catalogue.count_records(mine, "demands") == len(OF_DEALS)
    for each in sorted(set(DEMANDS) - set(OF_DEALS)):
        with pytest.raises(LedgerError):
            catalogue.record(mine, "demands", each)
    assert sorted(catalogue.titles(mine, "demands", ALL["demands"])) == OF_DEALS
    assert sorted(catalogue.current_fields(mine, "demands")["record_id"].unique()) == OF_DEALS


def test_an_institute_sees_its_own_deals_alone(filled: Engine) -> None:
    mine = as_viewer(filled, INSTITUTE)
    # A private demand is for agents alone: its deal is not there before an agent has brought the two together.
    own = {number for number, (_, visibility, each, states) in _numbered() if each in OWN}
    own -= {number for number, (_, visibility, _, states) in _numbered() if visibility == "private" and len(states) < 2}
    assert set(deals.all_deals(mine)["deal_id"]) == own
    assert set(deals.deal_events(mine)["deal_id"]) == own
    for number, (_, _, each, _) in _numbered():
        if each in FOREIGN:
            assert deal_timeline.timeline(mine, number).is_empty()
            with pytest.raises(LedgerError):
                deal_terms.terms_of(mine, number)


def _numbered() -> list[tuple[int, tuple[str, str, str, tuple[str, ...]]]]:
    return list(enumerate((each for each in DEMANDS.values() if each[2]), start=1))


@pytest.mark.parametrize("demand_id", ["N1", "N3"])
def test_an_anonymous_demand_does_not_tell_whose_it_is(
    demand_id: str, answers: dict[str, dict[str, str]], filled: Engine
) -> None:
    """Neither before the deal has gone on, nor when it ended at once."""
    found = catalogue.record(as_viewer(filled, INSTITUTE), "demands", demand_id)
    assert [found[name] for name in TELLING] == ["", "", ""]
    assert found["extras"] == []
    enterprise = DEMANDS[demand_id][0]
    for name in TEXTS:
        assert enterprise not in str(found[name])
        # The rest of the text is there.
        for part in str(demand(demand_id, enterprise, "")[name]).split(enterprise):
            assert part in str(found[name])
    assert where(answers[INSTITUTE.account], enterprise) == []


@pytest.mark.parametrize("demand_id", ["N2", "N5", "V2"])
def test_a_deal_that_went_on_tells_whose_demand_it_is(demand_id: str, filled: Engine) -> None:
    """Also when it ended later."""
    said = demand(demand_id, *DEMANDS[demand_id][:2])
    found = catalogue.record(as_viewer(filled, INSTITUTE), "demands", demand_id)
    assert {name: found[name] for name in said} == said


def test_a_public_demand_is_shown_whole(filled: Engine) -> None:
    for demand_id, viewer in (("P1", INSTITUTE), ("P1", OFFICIAL), ("P2", OTHER), ("P3", OFFICIAL)):
        said = demand(demand_id, *DEMANDS[demand_id][:2])
        found = catalogue.record(as_viewer(filled, viewer), "demands", demand_id)
        assert {name: found[name] for name in said} == said


def test_a_private_demand_is_not_there_before_its_deal_has_gone_on(
    answers: dict[str, dict[str, str]], filled: Engine
) -> None:
    mine = as_viewer(filled, INSTITUTE)
    with pytest.raises(LedgerError):
        catalogue.record(mine, "demands", "V1")
    for enterprise in ("龙江药业", "兴安林业", "嫩江农场"):
        assert where(answers[INSTITUTE.account], enterprise) == []


def test_a_demand_that_becomes_private_is_shown_no_longer(written: Engine) -> None:
    """The newest version says who may see it."""
    assert "P3" in ids(as_viewer(written, OFFICIAL), "demands")
    put(written, "demands", [demand("P3", "南岗食品厂", "private")], "", "需求二.csv")
    assert "P3" not in ids(as_viewer(written, OFFICIAL), "demands")


def test_officials_see_no_private_demand_and_no_enterprise_of_anonymous_ones(
    answers: dict[str, dict[str, str]], filled: Engine
) -> None:
    engine = as_viewer(filled, OFFICIAL)
    assert ids(engine, "demands") == sorted(each for each in DEMANDS if not each.startswith("V"))
    assert ids(engine, "achievements") == ids(filled, "achievements")
    found = answers[OFFICIAL.account]
    for demand_id, (enterprise, visibility, *_) in DEMANDS.items():
        if visibility == "public":
            continue
        assert where(found, enterprise) == []
        assert where(found, f"0451-{demand_id}") == []
        if visibility == "private":
            assert [*where(found, f'"{demand_id}"'), *where(found, f"'{demand_id}'")] == []
    for read in (*of_deal(1).values(), deals.all_deals, uploads.uploads):
        with pytest.raises(NotPermitted):
            read(engine)


def test_figures_are_the_same_for_all_who_may_read_them(filled: Engine) -> None:
    """They count private demands too; an institute does not read them."""
    at = settled(filled)
    whole = facts(filled, at, "Asia/Shanghai")
    assert whole.demands.height == len(DEMANDS)
    for viewer in (AGENT, OFFICIAL, ADMIN):
        found = facts(as_viewer(filled, viewer), at, "Asia/Shanghai")
        assert_frame_equal(cut(found, (), Period()), cut(whole, (), Period()))
    with pytest.raises(NotPermitted):
        facts(as_viewer(filled, INSTITUTE), at, "Asia/Shanghai")


def test_no_report_names_an_enterprise_to_those_who_must_not_know_it(filled: Engine) -> None:
    engine = as_viewer(filled, OFFICIAL)
    found = facts(engine, settled(engine), "Asia/Shanghai")
    private = {each for each, (_, visibility, *_) in DEMANDS.items() if visibility == "private"}
    assert not private & set(found.demands["demand_id"])
    for language in LANGUAGES:
        written = b"".join(csv_files(whole_report(engine, found, Period(), language)).values()).decode()
        for demand_id, (enterprise, visibility, *_) in DEMANDS.items():
            assert (enterprise in written) == (visibility == "public"), demand_id


def head(engine: Engine) -> str:
    """What any write changes."""
    with reading(engine) as connection:
        return head_of(connection)


def add(
    engine: Engine, viewer: Viewer, kind: Kind, rows: Sequence[dict[str, object]], institute: str, **more: Any
) -> None:
    """Load a list as a viewer does."""
    read = listed(kind, *rows, **{name: more.pop(name) for name in ("rejected",) if name in more})
    uploads.add(
        as_viewer(engine, viewer),
        read,
        fields(*read.frame[ID[kind]]),
        viewer.account,
        beside=Beside(institute=institute, **more),
    )


def test_an_institute_loads_new_records_and_its_own(written: Engine) -> None:
    rows = [*achievements("H1", "H7"), {"achievement_id": "H9", "title": "新成果", "institute": HIT}]
    add(written, INSTITUTE, "achievements", rows, HIT)
    assert ids(as_viewer(written, INSTITUTE), "achievements") == sorted([*OWN, "H9"])
    assert presence.missing(as_viewer(written, INSTITUTE), "achievements")["record_id"].to_list() == ["H6"]


@pytest.mark.parametrize("foreign", sorted(FOREIGN))
def test_an_institute_does_not_load_over_records_of_others(foreign: str, written: Engine) -> None:
    """Neither under their institute's name nor under its own."""
    before = head(written)
    for institute in (FOREIGN[foreign], HIT):
        row = {"achievement_id": foreign, "title": "夺来的", "institute": institute}
        with pytest.raises(NotPermitted):
            add(written, INSTITUTE, "achievements", [*achievements("H1"), row], HIT)
    assert head(written) == before


def test_an_institute_does_not_bring_back_records_of_others(written: Engine) -> None:
    """A row that could not be taken still says that its record is there."""
    row = {"achievement_id": "B3", "title": "", "institute": HIT}
    with suppress(NotPermitted):
        add(written, INSTITUTE, "achievements", achievements("H6"), HIT, rejected=(row,))
    assert presence.missing(as_viewer(written, OTHER), "achievements")["record_id"].to_list() == ["B3"]


@pytest.mark.parametrize("institute", [HEU, "哈工程"])
def test_an_institute_does_not_load_the_file_of_another(institute: str, written: Engine) -> None:
    """What the file lacks would be missing from the other's."""
    before = head(written)
    with pytest.raises(NotPermitted):
        add(written, INSTITUTE, "achievements", [{"achievement_id": "B9", "title": "新"}], institute)
    assert head(written) == before


def test_an_institute_loads_no_demands(written: Engine) -> None:
    before = head(written)
    with pytest.raises(NotPermitted):
        add(written, INSTITUTE, "demands", [demand("X1", "某厂", "public")], HIT)
    assert head(written) == before


def test_an_institute_does_not_confirm_names_with_its_file(written: Engine) -> None:
    """Or it could say that another is itself."""
    with suppress(NotPermitted):
        add(written, INSTITUTE, "achievements", achievements("H1"), HIT, names={HEU: HIT, "哈工程": HIT})
    assert organisation_names.confirmed_names(written) == {"工大一校区": HIT}
    assert ids(as_viewer(written, INSTITUTE), "achievements") == sorted(OWN)


def test_an_institute_prepares_its_file_beside_its_own_records(written: Engine) -> None:
    """Nothing of others stands in what it is shown: neither look-alikes nor values from before."""
    rows = [{"achievement_id": "H9", "title": "成果B1", "institute": HIT}, *achievements("H1")]
    found = pipeline.prepare(as_viewer(written, INSTITUTE), listed("achievements", *rows), HIT)
    assert found.near.filter(pl.any_horizontal(pl.col("first_id", "second_id").is_in(list(FOREIGN)))).is_empty()
    assert set(found.changes["record_id"]) <= set(OWN)
    assert set(found.difference.missing) <= set(OWN)
    assert HEU not in found.names["name"].to_list()


def test_an_institute_takes_back_its_own_upload_alone(written: Engine) -> None:
    before = head(written)
    for foreign in (1, 3, 5, 6):
        with pytest.raises(LedgerError):
            uploads.take_back(as_viewer(written, INSTITUTE), foreign, INSTITUTE.account)
    assert head(written) == before
    uploads.take_back(as_viewer(written, INSTITUTE), 4, INSTITUTE.account)
    assert uploads.uploads(written).filter(pl.col("reversed_by") == INSTITUTE.account)["upload_id"].to_list() == [4]


def test_a_file_that_was_loaded_for_the_wrong_institute_and_taken_back_gives_it_nothing(written: Engine) -> None:
    rows = [{"achievement_id": "B9", "title": "成果B9", "institute": HEU}]
    wrong = put(written, "achievements", rows, HIT, "弄错了.csv")
    uploads.take_back(written, wrong, "甲")
    put(written, "achievements", [*achievements("B1", "B2"), *rows], HEU, "船舶三.csv")
    assert "B9" in ids(as_viewer(written, OTHER), "achievements")
    assert "B9" not in ids(as_viewer(written, INSTITUTE), "achievements")


def test_an_institute_settles_its_own_missing_records_alone(written: Engine) -> None:
    engine = as_viewer(written, INSTITUTE)
    before = head(written)
    with pytest.raises(NotPermitted):
        presence.settle_missing(engine, "achievements", ["H7", "B3"], gone=True, agent=INSTITUTE.account)
    assert head(written) == before
    assert presence.settle_missing(engine, "achievements", ["H7"], gone=True, agent=INSTITUTE.account) == 1


def test_an_institute_withdraws_and_restores_its_own_alone(written: Engine) -> None:
    engine = as_viewer(written, INSTITUTE)
    withdrawal.withdraw(written, "achievements", "B1", "甲", "停产")
    before = head(written)
    for act in (withdrawal.withdraw, withdrawal.restore):
        for kind, each in (("achievements", "B1"), ("achievements", "B2"), ("demands", "N2")):
            with pytest.raises(NotPermitted):
                act(engine, kind, each, INSTITUTE.account, "试")
    assert head(written) == before
    withdrawal.withdraw(engine, "achievements", "H1", INSTITUTE.account, "停产")
    withdrawal.restore(engine, "achievements", "H1", INSTITUTE.account, "恢复")


@dataclass(frozen=True)
class Told:
    """A way in which an anonymous demand may tell whose it is: what is written of it, and the word that tells."""

    more: dict[str, object]
    word: str


WAYS: Final[dict[str, Told]] = {
    "keyword": Told({"keywords": ["寒地机械厂", "板材"]}, "寒地机械厂"),
    "solution": Told({"solution": "到寒地机械厂合作研发"}, "寒地机械厂"),
    "city": Told({"city": "寒地机械厂所在市"}, "寒地机械厂"),
    "field": Told({"field": "寒地机械厂主业"}, "寒地机械厂"),
    "confirmed": Told({"title": "寒地机械股份有限公司的难题"}, "寒地机械股份有限公司"),
    "full width": Told({"enterprise": "K9机械厂", "title": "Ｋ９机械厂的难题"}, "Ｋ９机械厂"),
    "spaced": Told({"title": "寒地 机械厂的难题"}, "寒地 机械厂"),
    "case": Told({"enterprise": "Kaltland厂", "title": "KALTLAND厂的难题"}, "KALTLAND厂"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_column_and_no_way_of_writing_tells_whose_demand_it_is(way: str, written: Engine) -> None:
    organisation_names.confirm(written, {"寒地机械厂": "寒地机械股份有限公司"}, "甲")
    tells = WAYS[way]
    put(written, "demands", [{**demand("N1", "寒地机械厂", "anonymous"), **tells.more}], "", "需求二.csv")

    def found(viewer: Viewer) -> bool:
        return tells.word in _text(catalogue.record(as_viewer(written, viewer), "demands", "N1"))

    assert [found(viewer) for viewer in (AGENT, INSTITUTE, OFFICIAL)] == [True, False, False]


@pytest.mark.parametrize("viewer", [INSTITUTE, OFFICIAL], ids=["institute", "official"])
def test_confirmed_names_do_not_tell_enterprises(viewer: Viewer, written: Engine) -> None:
    organisation_names.confirm(written, {"龙药": "龙江药业"}, "甲")
    with suppress(NotPermitted):
        names = organisation_names.confirmed_names(as_viewer(written, viewer))
        assert "龙江药业" not in _text(names)


def test_terms_written_before_the_deal_went_on_do_not_tell_the_buyer(written: Engine) -> None:
    [number] = [each for each, values in _numbered() if values[0] == "寒地机械厂"]
    deal_terms.change_terms(written, number, Terms(buyer="寒地机械厂"), "甲", seen=None, nonce="t")
    assert deal_terms.terms_of(as_viewer(written, AGENT), number).terms.buyer == "寒地机械厂"
    asked = {**of_deal(number), "terms": deal_terms.current_terms}
    assert where(told(written, INSTITUTE, asked), "寒地机械厂") == []
    newest = deals.deal_events(written, number)["event_id"][-1]
    seen = deal_terms.terms_of(written, number).entry_id
    deals.move(
        written, number, "contacted", "甲", seen=newest, terms=Terms(buyer="寒地机械厂"), terms_seen=seen, nonce="u"
    )
    assert deal_terms.terms_of(as_viewer(written, INSTITUTE), number).terms.buyer == "寒地机械厂"


@pytest.mark.parametrize("demand_id", ["N1", "V1"])
def test_a_withdrawn_demand_does_not_tell_its_file_in_the_deal(demand_id: str, written: Engine) -> None:
    """Files are named after those who send them."""
    enterprise, visibility, *_ = DEMANDS[demand_id]
    put(
        written, "demands", [{**demand(demand_id, enterprise, visibility), "status": "closed"}], "", f"{enterprise}.csv"
    )
    [number] = [each for each, values in _numbered() if values[0] == enterprise]
    asked = {**of_deal(number), "deals": deals.all_deals, "events": deals.deal_events}
    assert where(told(written, AGENT, asked), enterprise)
    assert where(told(written, INSTITUTE, asked), enterprise) == []


# Names that no other text has in it; some characters mean something in patterns.
NAMES: Final = st.text(alphabet="骉垚淼焱鑫()[]+.·", min_size=2, max_size=7).map(lambda name: f"犇{name}")
STATES: Final = ((), ("recommended",), ("recommended", "ended"), ("recommended", "contacted"))


@st.composite
def many(draw: st.DrawFn) -> list[tuple[str, str, str, tuple[str, ...], list[str]]]:
    """Demands: enterprise, visibility, whose achievement its deal is about, the deal's states, columns that name it."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    names = [each for each in names if not any(each in other for other in names if other != each)]
    columns = st.lists(st.sampled_from([*TEXTS, "keywords"]), unique=True)
    return [
        (
            name,
            draw(st.sampled_from(("public", "anonymous", "private"))),
            draw(st.sampled_from(("H1", "B1"))),
            draw(st.sampled_from(STATES)),
            draw(columns),
        )
        for name in names
    ]


@pytest.fixture(scope="module")
def begun_url(sqlite_ledgers: SqliteLedgers) -> str:
    """Achievements of two institutes."""

    def start(engine: Engine) -> None:
        begin(engine)
        put(engine, "achievements", achievements("H1", "B1"), "", "汇总.csv")

    return made(sqlite_ledgers, start)


# Without making a failing example smaller: each makes a ledger, and they are small.
@settings(max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(many())
def test_nobody_gets_the_name_of_an_enterprise_that_he_must_not_know(
    sqlite_ledgers: SqliteLedgers, begun_url: str, demands: list[tuple[str, str, str, tuple[str, ...], list[str]]]
) -> None:
    rows = []
    for number, (name, visibility, _, _, columns) in enumerate(demands, start=1):
        text = {column: [name] if column == "keywords" else f"前{name}后{name}" for column in columns}
        plain = {
            "demand_id": f"D{number}",
            "title": "需求",
            "enterprise": name,
            "contact": name,
            "visibility": visibility,
        }
        rows.append({**plain, **text, "extras": [{"heading": name, "text": name}]})
    with opened(sqlite_ledgers.copy(begun_url)) as engine:
        put(engine, "demands", rows, "", "需求.csv")
        for number, (_, _, achievement_id, states, _) in enumerate(demands, start=1):
            if states:
                open_deal(engine, f"D{number}", achievement_id, states)
        asked = {
            **{
                name: read
                for name, read in reads(len(demands), 2).items()
                if "s of " not in name and "record " not in name
            },
            "titles": lambda engine: catalogue.titles(engine, "demands", [str(row["demand_id"]) for row in rows]),
            "records": lambda engine: [_record(engine, str(row["demand_id"])) for row in rows],
        }
        of_institute, of_official = told(engine, INSTITUTE, asked), told(engine, OFFICIAL, asked)
        of_agent = told(engine, AGENT, asked)
    for name, visibility, achievement_id, states, _ in demands:
        known = achievement_id == "H1" and bool(states) and (visibility == "public" or "contacted" in states)
        assert bool(where(of_institute, name)) == known, where(of_institute, name)
        assert bool(where(of_official, name)) == (visibility == "public"), where(of_official, name)
        assert where(of_agent, name)


def _record(engine: Engine, demand_id: str) -> object:
    with suppress(NotPermitted, LedgerError):
        return catalogue.record(engine, "demands", demand_id)
    return None
