"""Records that the ledger knows under another id keep the ledger's."""

from __future__ import annotations

import polars as pl
import pytest
from intake_books import sheet_of

from matching.intake.identity import title_key, with_known_ids
from matching.intake.reading import read_tables
from matching.intake.records import content_hash, derived_id
from matching.schema import ID, ORGANISATION, RECORD, Kind
from matching.settings import Settings

SCHOOL = "东北农业大学"
HEADINGS: dict[Kind, tuple[str, ...]] = {
    "demands": ("需求编号", "需求名称", "单位名称"),
    "achievements": ("登记号", "成果名称", "完成单位"),
}


def frame_of(*rows: tuple[str, str, str], kind: Kind = "achievements") -> pl.DataFrame:
    """Records of a file: id ("" where it states none), organisation, title."""
    cells = [HEADINGS[kind], *((identity, title, organisation) for identity, organisation, title in rows)]
    return read_tables("list.csv", b"", [sheet_of(*cells)], kind, Settings()).frame


def known(*rows: tuple[str, str, str], kind: Kind = "achievements") -> pl.DataFrame:
    """Records of the ledger, likewise."""
    filled = [(identity or derived_id(kind, name, title), name, title) for identity, name, title in rows]
    return pl.DataFrame(filled, schema=[ID[kind], ORGANISATION[kind], "title"], orient="row")


def renamed(frame: pl.DataFrame, ledger: pl.DataFrame, kind: Kind = "achievements", **names: str) -> dict[str, str]:
    put, changed = with_known_ids(frame, ledger, kind, names)
    assert put.drop(ID[kind], "content_hash").equals(frame.drop(ID[kind], "content_hash"))
    assert put.schema == frame.schema
    assert put[ID[kind]].to_list() == [changed.get(each, each) for each in frame[ID[kind]]]
    for record, digest in zip(put.select(RECORD[kind].keys()).iter_rows(named=True), put["content_hash"], strict=True):
        assert content_hash(record) == digest
    return changed


@pytest.mark.parametrize("kind", ["demands", "achievements"])
def test_a_row_without_an_id_takes_the_one_that_the_ledger_knows(kind: Kind) -> None:
    frame = frame_of(("", SCHOOL, "低温启动"), ("", SCHOOL, "别的"), kind=kind)
    made = derived_id(kind, SCHOOL, "低温启动")
    assert renamed(frame, known(("CG1", SCHOOL, "低温启动"), kind=kind), kind) == {made: "CG1"}


def test_a_stated_id_gives_way_to_the_one_the_program_had_made() -> None:
    made = derived_id("achievements", SCHOOL, "低温启动")
    assert renamed(frame_of(("CG1", SCHOOL, "低温启动")), known(("", SCHOOL, "低温启动"))) == {"CG1": made}


def test_a_stated_id_is_never_changed_into_another_stated_one() -> None:
    assert renamed(frame_of(("CG2", SCHOOL, "低温启动")), known(("CG1", SCHOOL, "低温启动"))) == {}


@pytest.mark.parametrize("title", ["低温 启动", "低温启动。", "“低温”—启动", "低温启动 "])
def test_titles_are_compared_without_spaces_and_punctuation(title: str) -> None:
    assert list(renamed(frame_of(("", SCHOOL, title)), known(("CG1", SCHOOL, "低温启动"))).values()) == ["CG1"]


@pytest.mark.parametrize("name", ["东北农业大学 ", "东北农大", "Northeast Agricultural University", "别校"])
def test_organisations_are_compared_after_their_names_are_resolved(name: str) -> None:
    changed = renamed(frame_of(("", name, "低温启动")), known(("CG1", SCHOOL, "低温启动")))
    assert list(changed.values()) == ([] if name == "别校" else ["CG1"])


def test_a_confirmed_name_counts() -> None:
    frame, ledger = frame_of(("", "农大工程学院", "低温启动")), known(("CG1", SCHOOL, "低温启动"))
    assert renamed(frame, ledger) == {}
    names = {"农大工程学院": SCHOOL, SCHOOL: SCHOOL}
    assert list(renamed(frame, ledger, **names).values()) == ["CG1"]


def test_of_several_records_of_the_ledger_it_is_none() -> None:
    ledger = known(("CG1", SCHOOL, "低温启动"), ("CG2", SCHOOL, "低温 启动"))
    assert renamed(frame_of(("", SCHOOL, "低温启动")), ledger) == {}


def test_an_id_of_the_ledger_stays() -> None:
    made = derived_id("achievements", SCHOOL, "低温启动")
    ledger = known(("CG1", SCHOOL, "低温启动"), (made, SCHOOL, "从前的名称"))
    assert renamed(frame_of(("", SCHOOL, "低温启动")), ledger) == {}


def test_an_id_that_the_file_has_itself_is_not_given_to_another_row() -> None:
    frame = frame_of(("", SCHOOL, "低温启动"), ("CG1", SCHOOL, "换了名称"))
    assert renamed(frame, known(("CG1", SCHOOL, "低温启动"))) == {}


def test_one_id_is_given_to_one_row() -> None:
    frame = frame_of(("", SCHOOL, "低温启动"), ("", SCHOOL, "低温 启动"))
    assert list(renamed(frame, known(("CG1", SCHOOL, "低温启动"))).values()) == ["CG1"]


def test_titles_of_punctuation_alone_are_no_titles() -> None:
    assert renamed(frame_of(("", SCHOOL, "——")), known(("CG1", SCHOOL, "……"))) == {}


def test_another_title_or_organisation_is_another_record() -> None:
    frame = frame_of(("", SCHOOL, "低温停机"), ("", "", "低温启动"))
    assert renamed(frame, known(("CG1", SCHOOL, "低温启动"))) == {}


def test_nothing_changes_without_a_ledger() -> None:
    frame = frame_of(("", SCHOOL, "低温启动"))
    put, changed = with_known_ids(frame, known(), "achievements", {})
    assert changed == {}
    assert put is frame


def test_renaming_what_was_renamed_changes_nothing() -> None:
    ledger = known(("CG1", SCHOOL, "低温启动"))
    put, _ = with_known_ids(frame_of(("", SCHOOL, "低温启动")), ledger, "achievements", {})
    assert renamed(put, ledger) == {}


def test_a_title_is_compared_without_width_and_case() -> None:
    assert title_key("ＡＢ－１型 (Low_Temp)") == title_key("ab1型lowtemp") == "ab1型lowtemp"
    assert title_key("——") == ""
