"""Uploads: which version of a record counts, taking back as a whole, originals, what comes beside the records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from figures_now import figures_now
from records import content_of, copied, listed, made
from sqlalchemy import Engine, func, select

from matching.errors import DuijieError, LedgerError
from matching.intake.quality import rules_version
from matching.ledger import catalogue, column_choices, corrections, decisions, review_queue, runs, uploads
from matching.ledger.database import reading
from matching.ledger.organisation_names import confirm, confirmed_names
from matching.ledger.presence import settle_near
from matching.ledger.tables import column_choice, demand, original, upload_repeat, upload_reversal
from matching.ledger.uploads import Beside, Difference
from matching.pipeline import assess_all, current_model, match_ledger
from matching.schema import CANDIDATES, FIELDS, ID, KINDS, Kind

RULES: Final = "1" * 16
TAXONOMY: Final = "province_4567"


def fields(**codes: str) -> pl.DataFrame:
    """A field for each record."""
    rows = [(record, TAXONOMY, code, 0.5, "text", ["词"]) for record, code in codes.items()]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


def scored(**points: int) -> pl.DataFrame:
    """A quality for each record."""
    rows = [(record, quality, quality < 50, ["figures"]) for record, quality in points.items()]
    return pl.DataFrame(rows, schema=catalogue.QUALITY, orient="row")


def put(
    engine: Engine, kind: Kind, *rows: dict[str, object], codes: dict[str, str] | None = None, **beside: Any
) -> int:
    """Load a list; the upload's number."""
    read = listed(kind, *rows)
    uploads.add(engine, read, fields(**codes or {}), "甲", beside=Beside(**beside))
    return int(uploads.uploads(engine)["upload_id"][0])


def key_of(error: pytest.ExceptionInfo[DuijieError]) -> str:
    return error.value.problems[0].key


def fill_thrice(ledger: Engine) -> None:
    for number, title in enumerate(("一", "二", "三"), start=1):
        rows = [{"title": title}, {"title": "另一"}][: 2 if number == 1 else 1]
        codes = {"D1": f"N{number}", "D2": "S5"} if number == 1 else {"D1": f"N{number}"}
        points = {"D1": 10 * number, "D2": 90} if number == 1 else {"D1": 10 * number}
        put(ledger, "demands", *rows, codes=codes, quality=scored(**points), rules=RULES)


@pytest.fixture(scope="module")
def made_thrice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("thrice") / "ledger.sqlite", fill_thrice)


@pytest.fixture
def thrice(made_thrice: Path, tmp_path: Path) -> Iterator[Engine]:
    """The demand D1 as three uploads have it, each with its field and its quality; D2 comes with the first alone."""
    with copied(made_thrice, tmp_path) as ledger:
        yield ledger


def stands(engine: Engine) -> tuple[Any, ...]:
    """What counts of D1, by every way of asking: title, version, field, quality."""
    [held] = catalogue.current_records(engine, "demands").filter(demand_id="D1").select("title", "version").rows()
    assert catalogue.record(engine, "demands", "D1")["title"] == held[0]
    [code] = catalogue.fields_of(engine, "demands", "D1")["code"]
    assert catalogue.current_fields(engine, "demands").filter(record_id="D1")["code"].to_list() == [code]
    assert catalogue.written_records(engine, "demands", ["demand_id", "title"]).filter(demand_id="D1")[
        "title"
    ].to_list() == [held[0]]
    [quality] = catalogue.current_quality(engine, "demands", RULES).filter(record_id="D1")["quality"]
    return (*held, code, quality)


@pytest.mark.parametrize(
    ("taken_back", "expected"),
    [
        ((), ("三", 3, "N3", 30)),
        ((2,), ("三", 3, "N3", 30)),
        ((3,), ("二", 2, "N2", 20)),
        ((2, 3), ("一", 1, "N1", 10)),
        ((3, 2), ("一", 1, "N1", 10)),
        ((1,), ("三", 3, "N3", 30)),
        ((1, 3), ("二", 2, "N2", 20)),
    ],
    ids=str,
)
def test_the_newest_version_of_a_standing_upload_counts(
    taken_back: tuple[int, ...], expected: tuple[Any, ...], thrice: Engine
) -> None:
    for upload_id in taken_back:
        uploads.take_back(thrice, upload_id, "乙")
    assert stands(thrice) == expected
    assert catalogue.count_records(thrice, "demands") == (1 if 1 in taken_back else 2)
    assert figures_now(thrice)["demands"].to_list() == [1 if 1 in taken_back else 2]
    assert uploads.difference(thrice, listed("demands", {"title": expected[0]})).unchanged == ("D1",)


def test_a_record_all_of_whose_uploads_are_taken_back_is_not_there(thrice: Engine) -> None:
    for upload_id in (2, 1, 3):
        uploads.take_back(thrice, upload_id, "乙")
    assert catalogue.current_records(thrice, "demands").is_empty()
    assert catalogue.current_fields(thrice, "demands").is_empty()
    assert catalogue.fields_of(thrice, "demands", "D1").is_empty()
    assert catalogue.current_quality(thrice, "demands", RULES).is_empty()
    assert catalogue.written_records(thrice, "demands").is_empty()
    assert catalogue.count_records(thrice, "demands") == 0
    with pytest.raises(LedgerError, match="D1"):
        catalogue.record(thrice, "demands", "D1")
    with pytest.raises(LedgerError, match="D1"):
        corrections.correct(thrice, "demands", "D1", TAXONOMY, ["S3"], "甲", "1")
    assert figures_now(thrice).sum_horizontal().to_list() == [0]
    assert figures_now(thrice, [TAXONOMY])["demands"].sum() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_that_a_later_upload_repeats_stays_without_the_first(kind: Kind, ledger: Engine) -> None:
    rows = [{"title": "一"}, {"title": "二"}]
    first, second = ("D1", "D2") if kind == "demands" else ("A1", "A2")
    put(ledger, kind, *rows, codes={first: "N1", second: "N2"}, quality=scored(**{first: 10, second: 20}), rules=RULES)
    put(ledger, kind, rows[0])
    with reading(ledger) as connection:
        repeats = connection.execute(select(upload_repeat)).all()
    assert [tuple(row) for row in repeats] == [(2, first, kind, 1)]
    uploads.take_back(ledger, 1, "乙")
    held = catalogue.current_records(ledger, kind)
    assert held.select(ID[kind], "title", "version", "upload_id").rows() == [(first, "一", 1, 1)]
    assert catalogue.count_records(ledger, kind) == 1
    assert catalogue.record(ledger, kind, first)["title"] == "一"
    assert catalogue.current_fields(ledger, kind).select("record_id", "code").rows() == [(first, "N1")]
    assert catalogue.current_quality(ledger, kind, RULES)["record_id"].to_list() == [first]
    found = uploads.difference(ledger, listed(kind, *rows))
    assert (found.unchanged, found.new) == ((first,), (second,))
    corrections.correct(ledger, kind, first, TAXONOMY, ["S3"], "甲", "1")
    assert catalogue.fields_of(ledger, kind, first)["code"].to_list() == ["S3"]
    uploads.take_back(ledger, 2, "乙")
    assert catalogue.count_records(ledger, kind) == 0
    assert catalogue.current_fields(ledger, kind).is_empty()
    assert uploads.difference(ledger, listed(kind, *rows)).new == (first, second)


def test_a_repeat_keeps_the_version_that_it_repeated_and_no_other(thrice: Engine) -> None:
    """The third title again (upload 4), then a fourth (5), then without the uploads that brought them."""
    put(thrice, "demands", {"title": "三"})
    uploads.take_back(thrice, 3, "乙")
    assert stands(thrice) == ("三", 3, "N3", 30)
    put(thrice, "demands", {"title": "四"}, codes={"D1": "N4"}, quality=scored(D1=40), rules=RULES)
    assert stands(thrice) == ("四", 4, "N4", 40)
    uploads.take_back(thrice, 5, "乙")
    assert stands(thrice) == ("三", 3, "N3", 30)
    uploads.take_back(thrice, 4, "乙")
    assert stands(thrice) == ("二", 2, "N2", 20)


def test_an_id_of_the_other_list_is_not_repeated(ledger: Engine) -> None:
    put(ledger, "demands", {"demand_id": "X1", "title": "一"})
    for _ in range(2):
        put(ledger, "achievements", {"achievement_id": "X1", "title": "一"})
    uploads.take_back(ledger, 1, "乙")
    uploads.take_back(ledger, 2, "乙")
    assert catalogue.count_records(ledger, "demands") == 0
    assert catalogue.record(ledger, "achievements", "X1")["title"] == "一"


def test_a_file_that_is_loaded_again_is_taken_back_alone(ledger: Engine) -> None:
    for _ in range(2):
        put(ledger, "demands", {"title": "一"})
    uploads.take_back(ledger, 2, "乙")
    assert catalogue.record(ledger, "demands", "D1")["title"] == "一"
    put(ledger, "demands", {"title": "一"})
    uploads.take_back(ledger, 1, "乙")
    assert catalogue.record(ledger, "demands", "D1")["title"] == "一"


def test_version_numbers_are_never_used_again(thrice: Engine) -> None:
    for upload_id in (3, 2):
        uploads.take_back(thrice, upload_id, "乙")
    again = listed("demands", {"title": "三"})
    assert uploads.difference(thrice, again).changed == ("D1",)
    put(thrice, "demands", {"title": "三"}, codes={"D1": "N4"}, quality=scored(D1=40), rules=RULES)
    assert stands(thrice) == ("三", 4, "N4", 40)
    uploads.take_back(thrice, 1, "乙")
    uploads.take_back(thrice, 4, "乙")
    assert uploads.difference(thrice, again).new == ("D1",), "none of its versions counts"
    put(thrice, "demands", {"title": "三"}, codes={"D1": "N5"}, quality=scored(D1=50), rules=RULES)
    assert stands(thrice) == ("三", 5, "N5", 50)
    with reading(thrice) as connection:
        versions = connection.execute(select(demand.c.version).where(demand.c.demand_id == "D1")).scalars()
        assert sorted(versions) == [1, 2, 3, 4, 5]


def test_a_correction_outlives_an_upload_and_what_was_learned_does_not(thrice: Engine) -> None:
    learned = {"record_id": ["D1"], "version": [3], "taxonomy": [TAXONOMY], "codes": [["N7"]]}
    learned |= {"confidences": [[0.5]], "terms": [[["词"]]]}
    corrections.add_learned(thrice, "demands", pl.DataFrame(learned), "甲")
    assert stands(thrice)[2] == "N7"
    uploads.take_back(thrice, 3, "乙")
    assert stands(thrice)[2] == "N2", "it was learned for the version that does not count"
    corrections.correct(thrice, "demands", "D1", TAXONOMY, ["S3"], "甲", "1")
    assert stands(thrice)[2] == "S3"
    assert corrections.corrected_records(thrice)["title"].to_list() == ["二"]
    uploads.take_back(thrice, 2, "乙")
    assert stands(thrice)[2] == "S3"
    assert corrections.corrected_records(thrice)["title"].to_list() == ["一"]
    uploads.take_back(thrice, 1, "乙")
    assert corrections.corrected_records(thrice).is_empty()


def test_a_record_that_is_not_there_has_no_fields(thrice: Engine) -> None:
    corrections.correct(thrice, "demands", "D2", TAXONOMY, ["S3"], "甲", "1")
    uploads.take_back(thrice, 1, "乙")
    assert catalogue.current_fields(thrice, "demands")["record_id"].to_list() == ["D1"]
    assert catalogue.fields_of(thrice, "demands", "D2").is_empty()


def candidates(*pairs: tuple[str, str]) -> pl.DataFrame:
    empty: dict[str, object] = {
        name: [] if isinstance(dtype, pl.List) else 0.5 if dtype == pl.Float64() else 1 if dtype == pl.Int64() else ""
        for name, dtype in CANDIDATES.items()
    }
    rows = [
        {**empty, "demand_id": one, "achievement_id": other, "rank": rank}
        for rank, (one, other) in enumerate(pairs, start=1)
    ]
    return pl.DataFrame(rows, schema=CANDIDATES)


def run_of(engine: Engine, *pairs: tuple[str, str]) -> int:
    return runs.add_run(engine, candidates(*pairs), "a" * 64, top=9, demands=1, achievements=2, agent="甲").run_id


def queue(engine: Engine, run_id: int) -> pl.DataFrame:
    """Demands of a run as the review lists them (`review_queue.QUEUE`)."""
    pairs = review_queue.run_pairs(engine, run_id)
    standing = decisions.standing(engine)
    return review_queue.by_demand(review_queue.with_standing(pairs, standing, datetime.now(UTC)))


def decided(engine: Engine, verdict: str, nonce: str = "1") -> int:
    made = decisions.decide(
        engine,
        demand_id="D1",
        achievement_id="A1",
        run_id=1,
        verdict=verdict,
        reason="other" if verdict == "reject" else "",
        agent="甲",
        nonce=nonce,
        seen=None,
    )
    return made.decision_id


def fill_paired(ledger: Engine) -> None:
    put(ledger, "demands", {"title": "要"})
    put(ledger, "achievements", {"title": "有", "institute": "甲所"})
    put(ledger, "achievements", {"achievement_id": "A2", "title": "另", "institute": "乙所"})
    run_of(ledger, ("D1", "A1"), ("D1", "A2"))


@pytest.fixture(scope="module")
def made_paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("paired") / "ledger.sqlite", fill_paired)


@pytest.fixture
def paired(made_paired: Path, tmp_path: Path) -> Iterator[Engine]:
    """A demand, two achievements of uploads of their own, a run with both."""
    with copied(made_paired, tmp_path) as ledger:
        yield ledger


def test_candidates_show_the_version_that_counts(paired: Engine) -> None:
    put(paired, "achievements", {"title": "新"})
    assert runs.candidates_of(paired, 1, "D1")["title"].to_list() == ["新", "另"]
    uploads.take_back(paired, 4, "乙")
    assert runs.candidates_of(paired, 1, "D1")["title"].to_list() == ["有", "另"]
    uploads.take_back(paired, 3, "乙")
    assert runs.candidates_of(paired, 1, "D1")["title"].to_list() == ["有"]


def test_the_queue_and_the_figures_count_what_the_list_shows(paired: Engine) -> None:
    uploads.take_back(paired, 3, "乙")
    shown = runs.candidates_of(paired, 1, "D1").height
    assert queue(paired, 1)["candidates"].to_list() == [shown]
    assert figures_now(paired)["candidates"].to_list() == [shown]
    uploads.take_back(paired, 1, "乙")
    assert queue(paired, 1).is_empty()
    assert figures_now(paired)["candidates"].to_list() == [0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verdict", ["accept", "reject", "later"])
def test_an_upload_is_not_taken_back_from_under_a_decision(kind: Kind, verdict: str, paired: Engine) -> None:
    decided(paired, verdict)
    upload_id, identity = (1, "D1") if kind == "demands" else (2, "A1")
    before = catalogue.current_records(paired, kind)
    for language in ("zh_CN", "en"):
        with pytest.raises(LedgerError) as refused:
            uploads.take_back(paired, upload_id, "乙")
        assert key_of(refused) == "upload.in_use"
        assert identity in refused.value.text(language)
    assert catalogue.current_records(paired, kind).equals(before)
    assert uploads.uploads(paired)["reversed_at"].null_count() == 3
    uploads.take_back(paired, 3, "乙")
    assert catalogue.current_records(paired, "achievements")["achievement_id"].to_list() == ["A1"]


def test_a_record_that_another_upload_brought_too_may_lose_a_version(paired: Engine) -> None:
    put(paired, "achievements", {"title": "新"})
    decided(paired, "accept")
    uploads.take_back(paired, 4, "乙")
    assert catalogue.record(paired, "achievements", "A1")["title"] == "有"
    with pytest.raises(LedgerError) as refused:
        uploads.take_back(paired, 2, "乙")
    assert key_of(refused) == "upload.in_use"


def test_a_record_that_was_decided_on_may_lose_the_upload_that_another_repeats(paired: Engine) -> None:
    decided(paired, "accept")
    put(paired, "achievements", {"title": "有", "institute": "甲所"})
    uploads.take_back(paired, 2, "乙")
    assert runs.candidates_of(paired, 1, "D1").select("title", "verdict").rows() == [("有", "accept"), ("另", None)]


def test_the_last_upload_that_repeats_a_record_is_not_taken_back_from_under_a_decision(paired: Engine) -> None:
    decided(paired, "accept")
    put(paired, "achievements", {"title": "有", "institute": "甲所"})
    uploads.take_back(paired, 2, "乙")
    with pytest.raises(LedgerError) as refused:
        uploads.take_back(paired, 4, "乙")
    assert key_of(refused) == "upload.in_use"


@pytest.mark.parametrize("verdict", ["later", "accept"])
def test_when_the_decision_is_undone_the_upload_may_be_taken_back(verdict: str, paired: Engine) -> None:
    decisions.undo(paired, decided(paired, verdict), "甲", "2")
    uploads.take_back(paired, 2, "乙")
    assert catalogue.count_records(paired, "achievements") == 1


def test_taking_back_twice_is_as_good_as_once(thrice: Engine) -> None:
    uploads.take_back(thrice, 3, "乙")
    first = uploads.uploads(thrice)
    uploads.take_back(thrice, 3, "丙")
    assert uploads.uploads(thrice).equals(first)
    row = first.row(0, named=True)
    assert (row["upload_id"], row["reversed_by"]) == (3, "乙")
    assert row["reversed_at"] >= row["at"]
    assert first["reversed_by"].to_list() == ["乙", None, None]


@pytest.mark.parametrize("upload_id", [0, 4, -1])
def test_an_unknown_upload_is_not_taken_back(upload_id: int, thrice: Engine) -> None:
    with pytest.raises(LedgerError) as refused:
        uploads.take_back(thrice, upload_id, "乙")
    assert key_of(refused) == "upload.unknown"
    with reading(thrice) as connection:
        assert connection.execute(select(upload_reversal)).all() == []


def test_what_was_taken_back_can_be_loaded_again(ledger: Engine) -> None:
    rows = {"title": "一"}, {"title": "二"}
    put(ledger, "demands", *rows, codes={"D1": "N1"}, content=b"file")
    before = catalogue.current_records(ledger, "demands")
    uploads.take_back(ledger, 1, "乙")
    assert uploads.difference(ledger, listed("demands", *rows)).new == ("D1", "D2")
    put(ledger, "demands", *rows, codes={"D1": "N1"}, content=b"file")
    held = catalogue.current_records(ledger, "demands")
    assert held.drop("version", "upload_id").equals(before.drop("version", "upload_id"))
    assert held["version"].to_list() == [2, 2]
    assert uploads.original_of(ledger, 2)[1] == uploads.original_of(ledger, 1)[1] == b"file"
    assert catalogue.current_fields(ledger, "demands")["code"].to_list() == ["N1"]


def test_an_original_comes_back_byte_by_byte(ledger: Engine) -> None:
    read = listed("demands", {"title": "一"}, file="清单 一.xlsx")
    content = content_of(read.frame)
    uploads.add(ledger, read, fields(), "甲", beside=Beside(content=content))
    assert uploads.original_of(ledger, 1) == ("清单 一.xlsx", content)
    uploads.take_back(ledger, 1, "甲")
    assert uploads.original_of(ledger, 1) == ("清单 一.xlsx", content), "what was taken back is kept all the same"


def test_an_original_is_kept_once(ledger: Engine) -> None:
    content = bytes(range(256)) * 40
    for file in ("一.csv", "二.csv"):
        read = listed("demands", {"title": "一"}, file=file)
        uploads.add(ledger, read, fields(), "甲", beside=Beside(content=content))
    with reading(ledger) as connection:
        [(sha256, length)] = connection.execute(select(original.c.sha256, func.length(original.c.content))).all()
    assert sha256 == read.sha256
    assert length < len(content)
    assert [uploads.original_of(ledger, number) for number in (1, 2)] == [("一.csv", content), ("二.csv", content)]
    assert uploads.uploads(ledger)["kept"].to_list() == [True, True]


def test_an_original_that_was_not_kept_is_told(ledger: Engine) -> None:
    put(ledger, "demands", {"title": "一"})
    assert uploads.uploads(ledger)["kept"].to_list() == [False]
    for upload_id in (1, 9):
        with pytest.raises(LedgerError) as refused:
            uploads.original_of(ledger, upload_id)
        assert key_of(refused) == "upload.no_original"
        assert str(upload_id) in refused.value.text("en")


def test_an_upload_is_listed_with_its_counts(ledger: Engine) -> None:
    put(ledger, "achievements", {"title": "一"}, {"title": "二"}, {"title": "三"}, institute="甲所")
    rows = {"title": "一"}, {"title": "二二"}, {"achievement_id": "A4", "title": "四"}
    read = listed("achievements", *rows, rejected=({"achievement_id": "A9", "title": "九"},))
    told = uploads.add(ledger, read, fields(), "乙", beside=Beside(institute="甲所"))
    assert told == Difference(new=("A4",), changed=("A2",), unchanged=("A1",), missing=("A3",))
    assert told.counts == {"new": 1, "changed": 1, "unchanged": 1, "missing": 1}
    row = uploads.uploads(ledger).row(0, named=True)
    expected = {"institute": "甲所", "rows": 4, "refused": 0, "agent": "乙", **told.counts}
    assert {name: row[name] for name in expected} == expected


def test_column_choices_are_remembered_by_institute_and_kind(ledger: Engine) -> None:
    put(ledger, "achievements", {"title": "一"}, institute="甲所", columns={"名目": "title", "备注": ""})
    put(ledger, "achievements", {"title": "一"}, institute="乙所", columns={"名目": "summary"})
    put(ledger, "demands", {"title": "一"}, institute="甲所", columns={"名目": "problem"})
    expected: dict[tuple[Kind, str], dict[str, str]] = {
        ("achievements", "甲所"): {"名目": "title", "备注": ""},
        ("achievements", "乙所"): {"名目": "summary"},
        ("demands", "甲所"): {"名目": "problem"},
        ("demands", "乙所"): {},
        ("achievements", ""): {},
    }
    for (kind, institute), columns in expected.items():
        assert column_choices.column_choices(ledger, kind, institute) == columns
    put(ledger, "achievements", {"title": "一"}, institute="甲所", columns={"备注": "figures"})
    assert column_choices.column_choices(ledger, "achievements", "甲所") == {"名目": "title", "备注": "figures"}
    put(ledger, "achievements", {"title": "一"}, institute="甲所", columns={"备注": ""})
    assert column_choices.column_choices(ledger, "achievements", "甲所")["备注"] == ""


def test_choices_that_are_known_are_not_written_again(ledger: Engine) -> None:
    for _ in range(2):
        put(ledger, "demands", {"title": "一"}, institute="甲所", columns={"名目": "title"}, names={"甲": "甲厂"})
    with reading(ledger) as connection:
        for table in ("column_choice", "organisation_name"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 1  # noqa: S608


def test_choices_for_a_file_of_no_institute_are_not_remembered(ledger: Engine) -> None:
    put(ledger, "demands", {"title": "一"}, columns={"名目": "title", "备注": ""})
    for institute in ("", "甲所"):
        assert column_choices.column_choices(ledger, "demands", institute) == {}
    with reading(ledger) as connection:
        assert connection.execute(select(column_choice)).all() == []


def test_confirmed_names_are_read_in_every_place_and_records_stay_as_they_came(paired: Engine) -> None:
    asked = {"甲所": "甲研究所"}
    assert confirm(paired, asked, "甲") == 1
    assert confirm(paired, asked, "甲") == 0
    assert confirmed_names(paired) == asked
    assert catalogue.current_records(paired, "achievements")["institute"].to_list() == ["甲研究所", "乙所"]
    assert catalogue.record(paired, "achievements", "A1")["institute"] == "甲研究所"
    assert runs.candidates_of(paired, 1, "D1")["institute"].to_list() == ["甲研究所", "乙所"]
    assert figures_now(paired, ["institute"])["institute"].sort().to_list() == ["乙所", "甲研究所"]
    assert catalogue.written_records(paired, "achievements")["institute"].to_list() == ["甲所", "乙所"]
    same = listed("achievements", {"title": "有", "institute": "甲所"})
    assert uploads.difference(paired, same).unchanged == ("A1",)
    assert confirm(paired, {"甲所": None}, "甲") == 1
    assert confirm(paired, {"甲所": None, "丙所": None}, "甲") == 0, "nothing was said of them"
    assert confirmed_names(paired) == {}
    assert catalogue.record(paired, "achievements", "A1")["institute"] == "甲所"


def test_a_name_may_stand_for_no_other(paired: Engine) -> None:
    confirm(paired, {"甲所": "甲所"}, "甲")
    assert confirmed_names(paired) == {"甲所": "甲所"}
    assert catalogue.record(paired, "achievements", "A1")["institute"] == "甲所"


@pytest.mark.parametrize("names", [{"": "甲所"}, {"甲": " "}, {" ": None}, {"乙": "乙所", "甲": ""}], ids=str)
def test_a_blank_name_is_refused_and_nothing_is_written(names: dict[str, str | None], ledger: Engine) -> None:
    for language in ("zh_CN", "en"):
        with pytest.raises(DuijieError) as refused:
            confirm(ledger, names, "甲")
        assert (key_of(refused), refused.value.exit_code) == ("organisation.blank", 2)
        assert refused.value.text(language)
    assert confirmed_names(ledger) == {}


def test_what_is_missing_of_quality_is_scored(thrice: Engine) -> None:
    rules = rules_version()
    assert catalogue.current_quality(thrice, "demands", rules).is_empty()
    assert assess_all(thrice) == 2
    held = catalogue.current_quality(thrice, "demands", rules)
    assert held["record_id"].to_list() == ["D1", "D2"]
    assert held.schema == catalogue.QUALITY
    assert assess_all(thrice) == 0
    put(thrice, "demands", {"title": "四"})
    assert assess_all(thrice) == 1
    uploads.take_back(thrice, 4, "甲")
    assert assess_all(thrice) == 0, "that of the version before is known"
    uploads.take_back(thrice, 3, "甲")
    assert assess_all(thrice) == 1
    assert catalogue.current_quality(thrice, "demands", rules).height == 2
    assert catalogue.current_quality(thrice, "demands", RULES)["quality"].to_list() == [20, 90]


def test_records_that_take_no_part_are_not_matched(ledger: Engine) -> None:
    put(ledger, "demands", {"title": "沼气脱硫"}, {"title": "沼气脱硫提纯"})
    put(ledger, "achievements", {"title": "沼气脱硫塔"}, {"title": "沼气脱硫罐"}, {"title": "沼气脱硫剂"})
    first = match_ledger(ledger, 10, "甲")
    assert (first.demands, first.achievements) == (2, 3)
    settle_near(ledger, "achievements", "A1", "A2", same=True, agent="甲")
    settle_near(ledger, "demands", "D2", "D1", same=True, agent="甲")
    second = match_ledger(ledger, 10, "甲")
    assert (second.demands, second.achievements) == (1, 2)
    assert set(runs.candidates_of(ledger, second.run_id, "D1")["achievement_id"]) == {"A2", "A3"}
    assert queue(ledger, second.run_id)["demand_id"].to_list() == ["D1"]
    for one, other, kind in (("A1", "A2", "achievements"), ("D2", "D1", "demands")):
        settle_near(ledger, kind, one, other, same=False, agent="甲")  # type: ignore[arg-type]
    third = match_ledger(ledger, 10, "甲")
    assert (third.demands, third.achievements) == (2, 3)
    assert third.fingerprint == first.fingerprint
    assert current_model(ledger) is not None
