"""What is said of records beside what their files say: missing, present, gone, kept; two that are one."""

from __future__ import annotations

from typing import Final

import polars as pl
import pytest
from records import listed
from sqlalchemy import Engine

from matching.errors import CallError, DuijieError, LedgerError
from matching.ledger import catalogue, presence, uploads
from matching.ledger.database import reading
from matching.ledger.organisation_names import confirm
from matching.ledger.presence import near_pairs, settle_missing, settle_near
from matching.ledger.tables import record_mark
from matching.ledger.uploads import Beside, Difference
from matching.schema import DUPLICATES, FIELDS, ID, KINDS, Kind

NO_FIELDS: Final = pl.DataFrame(schema=FIELDS)
STATUS: Final = {"demands": ("open", "closed"), "achievements": ("available", "withdrawn")}
KIND: Final[Kind] = "achievements"


def put(
    engine: Engine,
    names: str,
    institute: str = "甲所",
    kind: Kind = KIND,
    rejected: str = "",
    near: tuple[tuple[str, str], ...] = (),
) -> Difference:
    """Load a file with a record for each letter; the title of a capital is another."""
    rows = [{ID[kind]: name.lower(), "title": f"题 {name}"} for name in names]
    read = listed(kind, *rows, rejected=tuple({ID[kind]: name} for name in rejected))
    pairs = pl.DataFrame([(*pair, 0.9, 0.9, 0.8, True, False) for pair in near], schema=DUPLICATES, orient="row")
    return uploads.add(engine, read, NO_FIELDS, "甲", beside=Beside(institute=institute, near=pairs))


def missing(engine: Engine, kind: Kind = KIND) -> str:
    return "".join(presence.missing(engine, kind)["record_id"])


def in_use(engine: Engine, kind: Kind = KIND) -> str:
    held = catalogue.current_records(engine, kind)
    assert set(held["status"]) <= set(STATUS[kind])
    for record_id, status in held.select(ID[kind], "status").iter_rows():
        assert catalogue.record(engine, kind, record_id)["status"] == status
    return "".join(held.filter(status=STATUS[kind][0])[ID[kind]])


def marks(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(record_mark.select()).all())


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_latest_file_of_an_institute_lacks_is_missing(kind: Kind, ledger: Engine) -> None:
    assert put(ledger, "abc", kind=kind).missing == ()
    assert put(ledger, "a", kind=kind).missing == ("b", "c")
    rows = presence.missing(ledger, kind)
    assert rows.schema == presence.MARKS
    assert rows.select("record_id", "mark", "other", "upload_id", "agent").rows() == [
        ("b", "missing", None, 2, "甲"),
        ("c", "missing", None, 2, "甲"),
    ]
    assert in_use(ledger, kind) == "abc", "nobody said yet that they are gone"
    other: Kind = "demands" if kind == "achievements" else "achievements"
    assert missing(ledger, other) == ""


def test_what_is_missing_is_said_once_and_ends_when_it_is_there_again(ledger: Engine) -> None:
    put(ledger, "abc")
    assert put(ledger, "a").missing == ("b", "c")
    assert put(ledger, "a").missing == (), "it was said already"
    assert missing(ledger) == "bc"
    put(ledger, "aB")
    assert missing(ledger) == "c", "there again, if changed"
    put(ledger, "abc")
    assert missing(ledger) == ""
    assert put(ledger, "b").missing == ("a", "c")
    assert missing(ledger) == "ac"


def test_institutes_do_not_miss_each_others_records(ledger: Engine) -> None:
    put(ledger, "ab", "甲所")
    assert put(ledger, "cd", "乙所").missing == ()
    assert put(ledger, "xy", "").missing == ()
    assert put(ledger, "c", "乙所").missing == ("d",)
    assert put(ledger, "a", "甲所").missing == ("b",)
    assert missing(ledger) == "bd"
    assert put(ledger, "x", "").missing == (), "nobody said whose the file is"
    assert missing(ledger) == "bd"


@pytest.mark.parametrize("second", ["B", "b"], ids=["changed", "repeated"])
def test_a_record_is_missed_by_every_institute_whose_file_had_it(second: str, ledger: Engine) -> None:
    put(ledger, "ab", "甲所")
    put(ledger, second, "乙所")
    shown = uploads.difference(ledger, listed(KIND, {"achievement_id": "c"}), "乙所")
    assert shown.missing == ("b",)
    assert put(ledger, "a", "甲所").missing == ("b",)
    assert put(ledger, "c", "乙所").missing == (), "it was said already"
    put(ledger, f"a{second}", "丙所")
    assert missing(ledger) == "", "whoever's file has it, it is there"
    uploads.take_back(ledger, 1, "乙")
    uploads.take_back(ledger, 3, "乙")
    assert put(ledger, "x", "甲所").missing == (), "no file of theirs stands"


def test_an_institute_is_the_same_however_its_name_is_written(ledger: Engine) -> None:
    """哈工大 is a listed short name; 寒地新能源中心 is one when somebody says so."""
    put(ledger, "abc", "哈尔滨工业大学")
    assert put(ledger, "ab", "哈工大").missing == ("c",)
    assert put(ledger, "a", "寒地新能源中心").missing == ()
    confirm(ledger, {"寒地新能源中心": "哈尔滨工业大学"}, "甲")
    assert put(ledger, "a", "寒地新能源中心").missing == ("b",)
    assert missing(ledger) == "bc"


def test_rows_that_are_wrong_are_not_missing(ledger: Engine) -> None:
    put(ledger, "abc")
    assert put(ledger, "a", rejected="b").missing == ("c",)
    assert missing(ledger) == "c"


def test_gone_and_kept(ledger: Engine) -> None:
    put(ledger, "abc")
    put(ledger, "a")
    assert settle_missing(ledger, KIND, ["b", "b"], gone=True, agent="乙") == 1
    assert settle_missing(ledger, KIND, ["c"], gone=False, agent="乙") == 1
    assert missing(ledger) == ""
    assert in_use(ledger) == "ac"
    assert put(ledger, "ac").missing == (), "what is gone is not missed again"
    assert (missing(ledger), in_use(ledger)) == ("", "ac")
    put(ledger, "ab")
    assert in_use(ledger) == "abc", "the institute has it again"
    assert put(ledger, "a").missing == ("b",), "c is kept and has not come again"
    put(ledger, "abc")
    assert put(ledger, "a").missing == ("b", "c"), "c has come again, and went"


@pytest.mark.parametrize("gone", [True, False])
def test_only_what_is_missing_can_be_settled(gone: bool, ledger: Engine) -> None:
    put(ledger, "abc")
    put(ledger, "a")
    settle_missing(ledger, KIND, ["c"], gone=True, agent="乙")
    before = marks(ledger)
    for ids in (["a"], ["nobody"], ["b", "a"], ["c"]):
        with pytest.raises(LedgerError) as refused:
            settle_missing(ledger, KIND, ids, gone=gone, agent="乙")
        assert refused.value.problems[0].key == "presence.not_missing"
        assert ids[-1] in refused.value.text("en")
    with pytest.raises(LedgerError):
        settle_missing(ledger, "demands", ["b"], gone=gone, agent="乙")
    assert marks(ledger) == before
    assert settle_missing(ledger, KIND, [], gone=gone, agent="乙") == 0


def test_an_upload_that_is_taken_back_takes_its_marks_back(ledger: Engine) -> None:
    put(ledger, "abc")
    put(ledger, "a")
    put(ledger, "ab")
    assert missing(ledger) == "c"
    uploads.take_back(ledger, 3, "乙")
    assert missing(ledger) == "bc", "it was there in the third alone"
    uploads.take_back(ledger, 2, "乙")
    assert missing(ledger) == ""
    assert put(ledger, "ab").missing == ("c",), "the file that is loaded now says so anew"


def test_what_a_person_said_outlives_the_upload_that_asked(ledger: Engine) -> None:
    put(ledger, "abc")
    put(ledger, "a")
    settle_missing(ledger, KIND, ["b"], gone=True, agent="乙")
    uploads.take_back(ledger, 2, "乙")
    assert in_use(ledger) == "ac"
    assert missing(ledger) == ""
    put(ledger, "ab")
    assert in_use(ledger) == "abc"
    uploads.take_back(ledger, 3, "乙")
    assert in_use(ledger) == "ac", "gone again without the file that had it"


def test_what_is_no_longer_there_is_not_missing(ledger: Engine) -> None:
    put(ledger, "ab")
    put(ledger, "A")
    assert missing(ledger) == "b"
    uploads.take_back(ledger, 1, "乙")
    assert catalogue.count_records(ledger, KIND) == 1
    assert missing(ledger) == ""


def near(engine: Engine, kind: Kind = KIND) -> list[tuple[str, str]]:
    return near_pairs(engine, kind).select("first_id", "second_id").rows()


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_that_look_alike_are_proposed_the_likest_first(kind: Kind, ledger: Engine) -> None:
    assert near_pairs(ledger, kind).schema == DUPLICATES
    assert near_pairs(ledger, kind).is_empty()
    put(ledger, "abcd", kind=kind, near=(("a", "b"), ("c", "d")))
    likest = pl.DataFrame([("b", "c", 0.95, 0.9, None, False, False)], schema=DUPLICATES, orient="row")
    uploads.add(ledger, listed(kind, {ID[kind]: "b", "title": "题 b"}), NO_FIELDS, "甲", beside=Beside(near=likest))
    assert near(ledger, kind) == [("b", "c"), ("a", "b"), ("c", "d")]
    assert near_pairs(ledger, kind).row(0) == likest.row(0)
    others = {*KINDS} - {kind}
    assert [near(ledger, each) for each in others] == [[]]


def test_a_pair_that_is_found_again_is_listed_once_with_its_newest_likeness(ledger: Engine) -> None:
    put(ledger, "ab", near=(("a", "b"),))
    again = pl.DataFrame([("a", "b", 0.7, 0.7, None, True, False)], schema=DUPLICATES, orient="row")
    uploads.add(ledger, listed(KIND, {"achievement_id": "a"}), NO_FIELDS, "甲", beside=Beside(near=again))
    assert near_pairs(ledger, KIND).rows() == again.rows()
    uploads.take_back(ledger, 2, "乙")
    assert near_pairs(ledger, KIND)["likeness"].to_list() == [0.9]
    assert near(ledger) == [("a", "b")]
    uploads.take_back(ledger, 1, "乙")
    assert near(ledger) == []


def test_a_pair_with_a_record_that_is_no_longer_there_is_not_proposed(ledger: Engine) -> None:
    put(ledger, "a")
    put(ledger, "b", near=(("a", "b"),))
    uploads.take_back(ledger, 1, "乙")
    assert near(ledger) == []


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
def test_two_that_are_different_are_not_proposed_again(first: str, second: str, ledger: Engine) -> None:
    put(ledger, "abc", near=(("a", "b"), ("b", "c")))
    settle_near(ledger, KIND, first, second, same=False, agent="乙")
    assert near(ledger) == [("b", "c")]
    assert in_use(ledger) == "abc"
    put(ledger, "abc", near=(("a", "b"),))
    assert near(ledger) == [("b", "c")]
    before = marks(ledger)
    settle_near(ledger, KIND, second, first, same=False, agent="丙")
    assert marks(ledger) == before, "it was said already"


@pytest.mark.parametrize(("first", "second", "left"), [("a", "b", "bc"), ("b", "a", "ac")])
@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_merged_into_the_other_and_split_again(
    kind: Kind, first: str, second: str, left: str, ledger: Engine
) -> None:
    put(ledger, "abc", kind=kind, near=(("a", "b"), ("b", "c")))
    for _ in range(2):
        settle_near(ledger, kind, first, second, same=True, agent="乙")
    assert marks(ledger) == 1
    assert in_use(ledger, kind) == left
    with reading(ledger) as connection:
        assert presence.out_of_use(connection, kind).rows() == [(first, second)]
    assert near(ledger, kind) == [pair for pair in (("a", "b"), ("b", "c")) if first not in pair]
    settle_near(ledger, kind, first, second, same=False, agent="乙")
    assert in_use(ledger, kind) == "abc"
    assert near(ledger, kind) == [("b", "c")], "they are known to be two"
    settle_near(ledger, kind, first, second, same=True, agent="乙")
    assert in_use(ledger, kind) == left


def test_a_merge_is_split_in_whatever_order_the_two_are_named(ledger: Engine) -> None:
    put(ledger, "ab")
    settle_near(ledger, KIND, "a", "b", same=True, agent="乙")
    settle_near(ledger, KIND, "b", "a", same=False, agent="乙")
    assert in_use(ledger) == "ab"


def test_merges_make_no_chains_and_no_circles(ledger: Engine) -> None:
    put(ledger, "abcd")
    settle_near(ledger, KIND, "a", "b", same=True, agent="乙")
    before = marks(ledger)
    for first, second in (("b", "a"), ("c", "a"), ("b", "c")):
        with pytest.raises(CallError) as refused:
            settle_near(ledger, KIND, first, second, same=True, agent="乙")
        assert refused.value.problems[0].key == "presence.merged_already"
    for same in (True, False):
        with pytest.raises(CallError) as refused:
            settle_near(ledger, KIND, "c", "c", same=same, agent="乙")
        assert refused.value.problems[0].key == "presence.same_record"
    assert marks(ledger) == before
    settle_near(ledger, KIND, "c", "b", same=True, agent="乙")
    assert in_use(ledger) == "bd"
    settle_near(ledger, KIND, "a", "d", same=True, agent="乙")
    with reading(ledger) as connection:
        assert sorted(presence.out_of_use(connection, KIND).rows()) == [("a", "d"), ("c", "b")]


def test_the_record_that_is_part_of_a_merge_is_named(ledger: Engine) -> None:
    put(ledger, "abc")
    settle_near(ledger, KIND, "a", "b", same=True, agent="乙")
    with pytest.raises(CallError) as refused:
        settle_near(ledger, KIND, "b", "c", same=True, agent="乙")
    assert refused.value.problems[0].values == {"identity": "b"}


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(("first", "second"), [("a", "nobody"), ("nobody", "a")])
def test_records_that_are_not_there_are_not_settled(first: str, second: str, same: bool, ledger: Engine) -> None:
    put(ledger, "a")
    with pytest.raises(DuijieError, match="nobody"):
        settle_near(ledger, KIND, first, second, same=same, agent="乙")
    assert marks(ledger) == 0


def test_a_record_both_gone_and_merged_is_in_use_when_both_are_taken_back(ledger: Engine) -> None:
    put(ledger, "abc")
    put(ledger, "a")
    settle_missing(ledger, KIND, ["b"], gone=True, agent="乙")
    settle_near(ledger, KIND, "b", "a", same=True, agent="乙")
    assert in_use(ledger) == "ac"
    settle_near(ledger, KIND, "b", "a", same=False, agent="乙")
    assert in_use(ledger) == "ac", "gone all the same"
    put(ledger, "ab")
    assert in_use(ledger) == "abc"


def test_the_status_is_read_without_the_id(ledger: Engine) -> None:
    put(ledger, "ab")
    settle_near(ledger, KIND, "a", "b", same=True, agent="乙")
    both = catalogue.current_records(ledger, KIND, ["achievement_id", "status"])
    assert both.rows() == [("a", "withdrawn"), ("b", "available")]


def test_the_status_alone_is_read(ledger: Engine) -> None:
    put(ledger, "ab")
    settle_near(ledger, KIND, "a", "b", same=True, agent="乙")
    assert catalogue.current_records(ledger, KIND, ["status"])["status"].to_list() == ["withdrawn", "available"]
