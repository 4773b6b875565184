"""Files beside the ledger: looking changes nothing, loading does what was shown, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from threading import Barrier
from typing import Final

import polars as pl
import pytest
from places import ROOT
from records import content_of, listed, made
from sqlalchemy import Engine, make_url

from matching.errors import LedgerError
from matching.fields.assignment import assign_fields
from matching.intake.quality import assess, rules_version
from matching.intake.reading import Reading, read_bytes
from matching.intake.records import derived_id
from matching.ledger import catalogue, presence, uploads
from matching.ledger.database import open_ledger
from matching.ledger.organisation_names import confirm, confirmed_names
from matching.pipeline import Prepared, assess_all, beside, load, prepare, remembered_plan
from matching.schema import ID, KINDS, Kind

HEADING: Final = "登记号,成果名称,完成单位,成果简介,转让价格\n"
TEXT: Final = "用两级生物滤塔脱除沼气中的硫化氢，出口浓度低于20毫克每立方米，滤料三年一换。"


def dump(path: Path) -> str:
    """All that a ledger's file holds, as statements."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return "\n".join(connection.iterdump())


def path_of(engine: Engine) -> Path:
    return Path(str(make_url(str(engine.url)).database))


def file(*rows: str, good_rows: bool = False) -> Reading:
    """A catalogue of achievements."""
    text = HEADING + "".join(f"{row}\n" for row in rows)
    return read_bytes("成果.csv", text.encode(), "achievements", good_rows=good_rows)


def whole(prepared: Prepared) -> tuple[object, ...]:
    """What a person is shown."""
    frames = prepared.read.frame, prepared.names, prepared.near, prepared.quality
    return (prepared.difference, dict(prepared.renamed), *(frame.write_ndjson() for frame in frames))


@pytest.mark.parametrize("kind", KINDS)
def test_looking_at_a_file_writes_nothing(kind: Kind, ledger: Engine) -> None:
    path = path_of(ledger)
    load(ledger, listed(kind, {"title": "沼气脱硫塔"}, {"title": "大豆色选机"}), "甲")
    confirm(ledger, {"甲": "甲研究所"}, "甲")
    before = dump(path)
    rows = {"title": "沼气脱硫罐"}, {ID[kind]: "Z1", "title": "大豆色选机"}, {ID[kind]: "Z2", "title": "光纤"}
    read = listed(kind, *rows)
    first = prepare(ledger, read, "甲所", content_of(read.frame))
    remembered_plan(ledger, kind, "甲所")
    assert dump(path) == before
    assert whole(prepare(ledger, read, "甲所", content_of(read.frame))) == whole(first)
    load(ledger, first, "甲")
    assert dump(path) != before


def test_loading_does_what_was_shown_and_twice_changes_nothing(ledger: Engine) -> None:
    load(ledger, prepare(ledger, file("C1,沼气脱硫塔,甲所,,", "C2,大豆色选机,甲所,,"), "甲所"), "甲")
    read = file(f"C1,沼气脱硫塔,甲所,{TEXT},10万元", "C3,光纤传感器,乙所,,")
    shown = prepare(ledger, read, "甲所", b"file")
    assert shown.difference.counts == {"new": 1, "changed": 1, "unchanged": 0, "missing": 1}
    assert load(ledger, shown, "甲") == shown.difference
    assert presence.missing(ledger, "achievements")["record_id"].to_list() == list(shown.difference.missing) == ["C2"]
    held = catalogue.current_records(ledger, "achievements")
    assert held.filter(achievement_id="C1").select("summary", "price_yuan").rows() == [(TEXT, 100_000)]
    known = catalogue.current_quality(ledger, "achievements", rules_version())
    assert known.equals(assess(held, "achievements"))
    assert assess_all(ledger) == 0
    order = ["record_id", "taxonomy", "code"]
    fields = catalogue.current_fields(ledger, "achievements")
    assert fields.sort(order).equals(assign_fields(held, "achievement_id").sort(order))
    again = prepare(ledger, read, "甲所", b"file")
    assert again.difference.counts == {"new": 0, "changed": 0, "unchanged": 2, "missing": 0}
    assert again.near.is_empty()
    assert again.changes.is_empty()
    load(ledger, again, "甲")
    assert catalogue.current_records(ledger, "achievements").equals(held)
    assert catalogue.current_fields(ledger, "achievements").equals(fields)
    assert uploads.uploads(ledger).height == 3


def test_what_changes_is_told_value_by_value(ledger: Engine) -> None:
    load(ledger, file("C1,沼气脱硫塔,甲所,旧,10万元", "C2,大豆色选机,甲所,,"), "甲")
    confirm(ledger, {"甲所": "甲研究所"}, "甲")
    presence.settle_near(ledger, "achievements", "C1", "C2", same=True, agent="甲")
    shown = prepare(ledger, file("C1,沼气脱硫罐,甲所,新,20万元", "C2,大豆色选机,甲所,,", "C3,新的,甲所,,"))
    told = shown.changes
    assert told.select("record_id", "title", "column", "before", "after").rows() == [
        ("C1", "沼气脱硫罐", "title", "沼气脱硫塔", "沼气脱硫罐"),
        ("C1", "沼气脱硫罐", "summary", "旧", "新"),
        ("C1", "沼气脱硫罐", "price_yuan", "100000", "200000"),
    ]
    load(ledger, shown, "甲")
    after = catalogue.record(ledger, "achievements", "C1")
    assert [after[column] for column in told["column"]] == ["沼气脱硫罐", "新", 200_000]


def test_what_no_column_holds_and_lists_are_told_as_texts(ledger: Engine) -> None:
    first = {"title": "一", "keywords": ["甲", "乙"], "extras": [{"heading": "备注", "text": "急"}]}
    second = {"title": "一", "keywords": ["甲"], "extras": [{"heading": "备注", "text": "不急"}]}
    load(ledger, listed("demands", first), "甲")
    told = prepare(ledger, listed("demands", second)).changes
    assert told.select("column", "before", "after").rows() == [
        ("keywords", "甲；乙", "甲"),
        ("extras", "备注：急", "备注：不急"),
    ]


def test_a_record_without_an_id_is_known_by_its_organisation_and_title(ledger: Engine) -> None:
    """哈工大 is a listed short name of 哈尔滨工业大学; the ledger's id is kept, whoever gave it."""
    load(ledger, file("C1,沼气 脱硫塔,哈工大,,", ",大豆色选机,哈尔滨工业大学,,", ",光纤传感器,哈工大,,"), "甲")
    sorter = derived_id("achievements", "哈尔滨工业大学", "大豆色选机")
    read = file(
        ",沼气脱硫塔,哈尔滨工业大学,,",
        ",大豆色选机,哈工大,,",
        "C9,光纤传感器,哈尔滨工业大学,,",
        ",沼气脱硫塔,东北农业大学,,",
    )
    shown = prepare(ledger, read)
    given = {
        derived_id("achievements", "哈尔滨工业大学", "沼气脱硫塔"): "C1",
        derived_id("achievements", "哈工大", "大豆色选机"): sorter,
        "C9": derived_id("achievements", "哈工大", "光纤传感器"),
    }
    assert dict(shown.renamed) == given
    assert shown.difference.new == (derived_id("achievements", "东北农业大学", "沼气脱硫塔"),)
    assert set(shown.difference.changed) == set(given.values())
    load(ledger, shown, "甲")
    assert catalogue.count_records(ledger, "achievements") == 4


def test_a_record_is_known_again_whatever_its_organisation_was_called_when_its_id_was_made(ledger: Engine) -> None:
    load(ledger, file(",光纤传感器,哈工大,,"), "甲")
    read = file("C9,光纤传感器,哈尔滨工业大学,,")
    load(ledger, read, "甲")
    assert catalogue.count_records(ledger, "achievements") == 1
    assert prepare(ledger, read).difference.counts == {"new": 0, "changed": 0, "unchanged": 1, "missing": 0}


def test_a_name_that_was_confirmed_makes_one_record_of_two(ledger: Engine) -> None:
    load(ledger, file(",沼气脱硫塔,寒地新能源中心,,"), "甲")
    read = file(",沼气脱硫塔,哈尔滨工业大学,,")
    assert not prepare(ledger, read).renamed
    assert prepare(ledger, read).difference.counts["new"] == 1
    confirm(ledger, {"寒地新能源中心": "哈尔滨工业大学"}, "甲")
    shown = prepare(ledger, read)
    assert list(shown.renamed.values()) == [derived_id("achievements", "寒地新能源中心", "沼气脱硫塔")]
    assert shown.difference.counts["new"] == 0
    confirm(ledger, {"寒地新能源中心": None}, "甲")
    assert not prepare(ledger, read).renamed


def test_names_are_proposed_and_remembered_when_they_are_accepted(ledger: Engine) -> None:
    load(ledger, file("C1,沼气脱硫塔,哈尔滨工业大学,,"), "甲")
    read = file("C2,大豆色选机,哈工大,,")
    shown = prepare(ledger, read)
    assert shown.names.select("written", "name").rows() == [("哈工大", "哈尔滨工业大学")]
    load(ledger, shown, "甲", names={"哈工大": "哈尔滨工业大学"})
    assert confirmed_names(ledger) == {"哈工大": "哈尔滨工业大学"}
    assert prepare(ledger, read).names.is_empty()
    assert catalogue.record(ledger, "achievements", "C2")["institute"] == "哈尔滨工业大学"


def test_the_institute_fills_what_names_none(ledger: Engine) -> None:
    read = file("C1,沼气脱硫塔,,,", ",大豆色选机,,,", ",光纤传感器,乙所,,")
    shown = prepare(ledger, read, "甲所")
    expected = [
        "C1",
        derived_id("achievements", "甲所", "大豆色选机"),
        derived_id("achievements", "乙所", "光纤传感器"),
    ]
    assert shown.read.frame["achievement_id"].to_list() == expected
    assert shown.read.frame["institute"].to_list() == ["甲所", "甲所", "乙所"]
    load(ledger, shown, "甲")
    assert prepare(ledger, read, "甲所").difference.unchanged == tuple(expected)
    assert catalogue.current_records(ledger, "achievements").sort("source_row")["institute"].to_list() == [
        *("甲所", "甲所", "乙所")
    ]
    demands = prepare(ledger, listed("demands", {"title": "要"}), "甲所")
    assert demands.read.frame["enterprise"].to_list() == [""], "whose file it is does not say whose demand"


def test_records_that_look_alike_are_proposed_once(ledger: Engine) -> None:
    shown = prepare(ledger, file(f"C1,沼气脱硫塔,甲所,{TEXT},", f"C2,沼气脱硫塔,甲所,{TEXT},", "C3,大豆色选机,甲所,,"))
    pairs = [("C1", "C2")]
    assert shown.near.select("first_id", "second_id").rows() == pairs
    load(ledger, shown, "甲")
    assert presence.near_pairs(ledger, "achievements").select("first_id", "second_id").rows() == pairs
    further = prepare(ledger, file(f"C4,沼气脱硫塔,乙所,{TEXT},", "C3,大豆色选机,甲所,,"))
    assert {first for first, *_ in further.near.rows()} <= {"C1", "C2"}
    assert set(further.near["second_id"]) == {"C4"}


def test_a_wrong_row_of_an_institute_is_not_missing(ledger: Engine) -> None:
    """Neither when its id is made of the institute's name, nor when the ledger knows it under another id."""
    load(ledger, prepare(ledger, file(",沼气脱硫塔,,,1万", "C2,大豆色选机,甲所,,1万", ",光纤传感器,,,"), "甲所"), "甲")
    read = file(",沼气脱硫塔,,,好商量", ",大豆色选机,甲所,,好商量", ",光纤传感器,,,", good_rows=True)
    assert read.rejected is not None
    assert read.rejected.height == 2
    shown = prepare(ledger, read, "甲所")
    assert shown.difference.missing == ()
    assert shown.read.rejected is not None
    assert set(shown.read.rejected["achievement_id"]) <= set(
        catalogue.written_records(ledger, "achievements")["achievement_id"]
    )
    load(ledger, shown, "甲")
    assert presence.missing(ledger, "achievements").is_empty()


@pytest.mark.parametrize("meanwhile", ["taken back", "new"])
def test_what_changed_since_it_was_shown_is_not_loaded(meanwhile: str, ledger: Engine) -> None:
    read = file("C1,沼气脱硫塔,甲所,,", "C2,大豆色选机,甲所,,")
    load(ledger, prepare(ledger, file("C1,沼气脱硫塔,甲所,,"), "甲所"), "甲")
    shown = prepare(ledger, read, "甲所", b"file")
    assert shown.difference.counts == {"new": 1, "changed": 0, "unchanged": 1, "missing": 0}
    match meanwhile:
        case "taken back":
            uploads.take_back(ledger, 1, "乙")
        case "new":
            load(ledger, file("C2,大豆色选机,甲所,,"), "乙")
    before = dump(path_of(ledger))
    for language in ("zh_CN", "en"):
        with pytest.raises(LedgerError) as refused:
            load(ledger, shown, "甲", columns={"名目": "title"}, names={"甲": "甲所"})
        assert refused.value.problems[0].key == "upload.changed_meanwhile"
        assert "成果.csv" in refused.value.text(language)
    assert dump(path_of(ledger)) == before
    load(ledger, prepare(ledger, read, "甲所", b"file"), "甲")
    assert catalogue.fields_of(ledger, "achievements", "C1").height > 0
    assert catalogue.record(ledger, "achievements", "C1")["title"] == "沼气脱硫塔"


def test_what_others_loaded_beside_it_does_not_hinder(ledger: Engine) -> None:
    shown = prepare(ledger, file("C1,沼气脱硫塔,甲所,,"), "甲所")
    load(ledger, prepare(ledger, file("C2,大豆色选机,乙所,,"), "乙所"), "乙")
    assert load(ledger, shown, "甲") == shown.difference
    assert catalogue.count_records(ledger, "achievements") == 2


def test_steps_are_told_and_end(ledger: Engine) -> None:
    """Whether or not anything is compared."""
    read = file(f"C1,沼气脱硫塔,甲所,{TEXT},", f"C2,沼气脱硫塔,甲所,{TEXT},")
    told: list[tuple[str, int, int]] = []

    def tell(*step: object) -> None:
        told.append(step)  # type: ignore[arg-type]

    for _ in range(2):
        told.clear()
        shown = prepare(ledger, read, "甲所", progress=tell)
        load(ledger, shown, "甲", tell)
        last = {step: (done, total) for step, done, total in told}
        assert set(last) == {"compare", "duplicates", "fields", "write"}
        assert all(done == total for done, total in last.values())


def test_a_step_ends_once(ledger: Engine) -> None:
    """The command line writes a line for each end that it is told."""
    told: list[tuple[str, int, int]] = []
    read = file(f"C1,沼气脱硫塔,甲所,{TEXT},", f"C2,沼气脱硫塔,甲所,{TEXT},")
    prepare(ledger, read, progress=lambda *step: told.append(step))
    assert [step for step, done, total in told if done == total] == ["compare", "duplicates"]


def test_two_may_score_the_quality_at_once(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads.add(ledger, listed("demands", {"title": "防冰"}), assign_fields(listed("demands").frame, "demand_id"), "甲")

    def slowly(records: pl.DataFrame, kind: Kind) -> pl.DataFrame:
        monkeypatch.setattr("matching.intake.quality.assess", assess)
        assess_all(ledger)
        return assess(records, kind)

    monkeypatch.setattr("matching.intake.quality.assess", slowly)
    assess_all(ledger)
    assert catalogue.current_quality(ledger, "demands", rules_version()).height == 1


@pytest.fixture(scope="module")
def made_old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = {"demand_id": "X1", "title": "旧"}, {"title": "别的"}
    return made(
        tmp_path_factory.mktemp("old") / "ledger.sqlite", lambda ledger: load(ledger, listed("demands", *rows), "甲")
    )


@pytest.fixture
def old(made_old: Path, tmp_path: Path) -> Path:
    """A ledger with something in it, closed."""
    return Path(copyfile(made_old, tmp_path / "ledger.sqlite"))


# Adds 400 long demands to a ledger, one of them changed, and ends itself as a kill would when the part is written.
KILLED: Final = """
import os, signal, sys
import polars as pl
from records import listed
from matching.ledger.database import open_ledger
from matching.ledger.uploads import Beside, add
from matching.schema import FIELDS

def told(done, total):
    if done >= float(sys.argv[2]) * total:
        os.kill(os.getpid(), signal.SIGKILL)

rows = [{"demand_id": f"X{number}", "title": f"第{number}号设备", "problem": chr(0x4E00 + number) * 4000}
        for number in range(1, 401)]
engine = open_ledger(sys.argv[1])
beside = Beside("甲所", b"file", columns={"名目": "title"}, names={"甲": "甲厂"})
add(engine, listed("demands", *rows), pl.DataFrame(schema=FIELDS), "甲", told, beside)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("part", [0.5, 2], ids=["half written", "written"])
def test_a_load_that_is_killed_leaves_the_ledger_as_it_was_or_whole(part: float, old: Path) -> None:
    before = dump(old)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-c", KILLED, f"sqlite:///{old}", str(part)]
    done = subprocess.run(command, env=environment, check=False)
    assert done.returncode == -9
    assert old.with_name(f"{old.name}-wal").stat().st_size > 1_000_000, "much of it stands in the log"
    engine = open_ledger(f"sqlite:///{old}")
    files = uploads.uploads(engine)
    held = catalogue.count_records(engine, "demands")
    engine.dispose()
    if part < 1:
        assert dump(old) == before
    else:
        assert files.select("upload_id", "new", "changed").row(0) == (2, 399, 1)
        assert held == 401


def test_two_files_of_different_records_are_loaded_at_once(old: Path) -> None:
    files = [
        listed("demands", *({"demand_id": f"{name}{each}", "title": f"{each}号泵"} for each in range(9)))
        for name in "AB"
    ]
    assert at_once(old, files) == ["", ""]
    engine = open_ledger(f"sqlite:///{old}")
    assert catalogue.count_records(engine, "demands") == 20
    assert uploads.uploads(engine)["new"].to_list() == [9, 9, 2]
    engine.dispose()


def test_of_two_files_that_bring_one_record_at_once_the_later_is_looked_at_again(old: Path) -> None:
    files = [
        listed("demands", {"demand_id": "S1", "title": "共有"}, {"demand_id": name, "title": name}) for name in "AB"
    ]
    told = at_once(old, files)
    assert sorted(told) == ["", "upload.changed_meanwhile"]
    refused = told.index("upload.changed_meanwhile")
    engine = open_ledger(f"sqlite:///{old}")
    assert set(catalogue.current_records(engine, "demands")["demand_id"]) == {"D2", "S1", "X1", "BA"[refused]}
    assert uploads.uploads(engine).height == 2
    assert load(engine, prepare(engine, files[refused]), "甲").counts["unchanged"] == 1
    assert catalogue.count_records(engine, "demands") == 5
    assert set(catalogue.current_quality(engine, "demands", rules_version())["record_id"]) >= {"S1", "A", "B"}
    engine.dispose()


def at_once(path: Path, files: list[Reading]) -> list[str]:
    """Look at files and then load them, two hands at a time: both write when both are ready; the errors' keys."""
    line = Barrier(len(files), timeout=60)

    def one(read: Reading) -> str:
        engine = open_ledger(f"sqlite:///{path}")

        def ready(step: str, done: int, total: int) -> None:
            if (step, done) == ("fields", total):
                line.wait()

        try:
            load(engine, prepare(engine, read), "甲", ready)
        except LedgerError as error:
            return error.problems[0].key
        finally:
            engine.dispose()
        return ""

    with ThreadPoolExecutor(len(files)) as pool:
        return list(pool.map(one, files))


def test_a_failure_while_writing_leaves_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(old)
    engine = open_ledger(f"sqlite:///{old}")
    shown = prepare(engine, listed("demands", {"title": "甲"}, {"title": "乙"}), "甲所", b"file")

    def failing(*_: object) -> None:
        raise ZeroDivisionError

    for place in ("remember", "add_names", "add_marks", "write_frames"):
        with monkeypatch.context() as patched:
            patched.setattr(f"matching.ledger.uploads.{place}", failing)
            with pytest.raises(ZeroDivisionError):
                load(engine, replace(shown), "甲")
    engine.dispose()
    assert dump(old) == before


def test_work_beside_gives_what_it_makes_and_raises_what_it_raises() -> None:
    held = listed("achievements", {"title": "石墨烯导电浆料的制备方法"}).frame
    begun = beside.start(assign_fields, held, "achievement_id", taxonomies=["contract_fields"])
    assert begun.result().equals(assign_fields(held, "achievement_id", taxonomies=["contract_fields"]))
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        beside.start(assign_fields, held, "no_such_column").result()
