"""Corrections of fields: what agents say wins, for all versions, until it is released; matching learns from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from records import records
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError

from matching.errors import CallError, DuijieError, LedgerError
from matching.fields.believed import main_fields
from matching.fields.rules import load_rules
from matching.intake.columns import Heading
from matching.intake.reading import Reading, read_bytes
from matching.intake.records import content_hash
from matching.ledger import catalogue, uploads
from matching.ledger.corrections import (
    add_learned,
    correct,
    corrected_records,
    is_corrected,
    newest_correction,
    release,
)
from matching.ledger.database import open_ledger, reading, writing
from matching.ledger.revision import revision
from matching.ledger.runs import latest_run
from matching.ledger.tables import field_change
from matching.pipeline import learn_fields, load, match_ledger
from matching.schema import FIELDS, ID, KINDS, RECORD, Kind
from matching.wording import LANGUAGES

PROVINCE: Final = "province_4567"
CONTRACT: Final = "contract_fields"
# What the program says: record, taxonomy, code, confidence. The lists share the id D1.
SAYS: Final[dict[Kind, tuple[tuple[str, str, str, float], ...]]] = {
    "demands": (
        ("D1", CONTRACT, "05", 0.8),
        ("D1", PROVINCE, "N3", 0.9),
        ("D1", PROVINCE, "S3", 0.3),
        ("D2", PROVINCE, "S5", 0.7),
    ),
    "achievements": (("A2", CONTRACT, "09", 0.4), ("D1", PROVINCE, "N3", 0.6)),
}
ROWS: Final[dict[Kind, tuple[dict[str, object], ...]]] = {
    "demands": (
        {"title": "抗冰涂层", "problem": "叶片结冰", "keywords": ["防冰", "涂层"]},
        {"title": "秸秆打捆", "tried": "人工打捆"},
        {"title": "无人认领"},
    ),
    "achievements": (
        {"achievement_id": "D1", "title": "防冰漆", "summary": "喷涂", "keywords": ["漆"]},
        {"title": "抗寒大豆", "figures": "增产"},
    ),
}


def upload(
    engine: Engine, kind: Kind, rows: tuple[dict[str, object], ...], says: tuple[tuple[object, ...], ...]
) -> None:
    """Load a list with what the program says of its fields."""
    frame = records(kind, *rows)
    hashes = [content_hash(row) for row in frame.select(RECORD[kind].keys()).iter_rows(named=True)]
    frame = frame.with_columns(content_hash=pl.Series(hashes, dtype=pl.String()))
    read = Reading(kind, "清单.csv", "0" * 64, frame, frame.height, (Heading(1, (), ()),), ())
    filled = [(*row, "text", [str(row[2]), "词"]) for row in says]
    uploads.add(engine, read, pl.DataFrame(filled, schema=FIELDS, orient="row"), "甲")


@pytest.fixture
def engine(ledger: Engine) -> Engine:
    """A ledger with three demands and two achievements."""
    for kind in KINDS:
        upload(ledger, kind, ROWS[kind], SAYS[kind])
    return ledger


def change(engine: Engine, title: str, *says: tuple[str, str, str, float]) -> None:
    """A new version of the demand D1, and what the program says of it."""
    upload(engine, "demands", ({**ROWS["demands"][0], "title": title},), says)


def say_of(engine: Engine, codes: list[str], nonce: str, record_id: str = "D1", taxonomy: str = PROVINCE) -> None:
    correct(engine, "demands", record_id, taxonomy, codes, "乙", nonce)


def learned(*rows: tuple[str, int, str, list[str]]) -> pl.DataFrame:
    """What the program learned, from record, version, taxonomy and codes."""
    filled = [(*row, [0.9 - place / 10 for place in range(len(row[3]))], [["学"] for _ in row[3]]) for row in rows]
    names = ["record_id", "version", "taxonomy", "codes", "confidences", "terms"]
    nested = {"codes": pl.List(pl.String), "confidences": pl.List(pl.Float64), "terms": pl.List(pl.List(pl.String))}
    return pl.DataFrame(filled, schema=names, orient="row", schema_overrides=nested)


def codes(engine: Engine, record_id: str = "D1", taxonomy: str = PROVINCE, kind: Kind = "demands") -> list[str]:
    """The record's codes by falling confidence; all ways to read them say the same."""
    assert_all_ways_agree(engine)
    return catalogue.fields_of(engine, kind, record_id).filter(taxonomy=taxonomy)["code"].to_list()


def assert_all_ways_agree(engine: Engine) -> None:
    for kind in KINDS:
        known = catalogue.current_records(engine, kind, [ID[kind]])[ID[kind]]
        each = pl.concat([catalogue.fields_of(engine, kind, record) for record in known])
        assert each.schema == FIELDS
        assert catalogue.current_fields(engine, kind).equals(each)
        assert catalogue.current_fields(engine, kind, terms=False).equals(each.drop("terms"))
        for taxonomy in (PROVINCE, CONTRACT):
            one = each.filter(taxonomy=taxonomy)
            assert catalogue.current_fields(engine, kind, taxonomy).equals(one)
            assert catalogue.current_fields(engine, kind, taxonomy, terms=False).equals(one.drop("terms"))


def entries(engine: Engine) -> list[tuple[object, ...]]:
    """All that was written, in order."""
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(field_change).order_by(field_change.c.change_id))]


def test_without_corrections_the_program_is_believed(engine: Engine) -> None:
    assert codes(engine) == ["N3", "S3"]
    assert corrected_records(engine).is_empty()
    assert newest_correction(engine) == ""
    assert not is_corrected(engine, "demands", "D1", PROVINCE)


def test_a_correction_is_written_with_who_when_and_of_which_version(engine: Engine) -> None:
    change(engine, "抗冰涂料")
    say_of(engine, ["S4", "S1"], "1")
    (row,) = entries(engine)
    at = row[-1]
    assert row == (1, "demands", "D1", 2, PROVINCE, "corrected", ["S4", "S1"], [1, 1], [[], []], "乙", "1", at)
    assert newest_correction(engine) == at
    assert str(at).endswith("+00:00")


def test_a_correction_stands_in_the_place_of_what_the_program_says(engine: Engine) -> None:
    say_of(engine, ["S4", "S1"], "1")
    assert codes(engine) == ["S1", "S4"]
    found = catalogue.fields_of(engine, "demands", "D1").filter(taxonomy=PROVINCE)
    assert found.drop("record_id", "taxonomy").rows() == [("S1", 1.0, "corrected", []), ("S4", 1.0, "corrected", [])]


def test_a_correction_holds_for_all_versions(engine: Engine) -> None:
    say_of(engine, ["S4"], "1")
    for number, title in enumerate(("抗冰涂料", "防冰涂料"), start=2):
        change(engine, title, ("D1", PROVINCE, "N1", 0.99), ("D1", CONTRACT, "01", 0.5))
        assert catalogue.current_records(engine, "demands").filter(demand_id="D1")["version"].to_list() == [number]
        assert codes(engine) == ["S4"]
        assert codes(engine, taxonomy=CONTRACT) == ["01"]
        assert is_corrected(engine, "demands", "D1", PROVINCE)


def test_a_record_may_be_said_to_have_no_field(engine: Engine) -> None:
    say_of(engine, [], "1")
    assert codes(engine) == []
    assert is_corrected(engine, "demands", "D1", PROVINCE)
    assert codes(engine, taxonomy=CONTRACT) == ["05"]
    change(engine, "抗冰涂料", ("D1", PROVINCE, "N1", 0.99))
    assert codes(engine) == []


def test_a_record_that_the_program_knows_no_field_of_gets_one(engine: Engine) -> None:
    say_of(engine, ["M7"], "1", "D3")
    assert codes(engine, "D3") == ["M7"]


def test_a_release_brings_back_what_the_program_says(engine: Engine) -> None:
    say_of(engine, ["S4"], "1")
    release(engine, "demands", "D1", PROVINCE, "丙", "1")
    assert codes(engine) == ["N3", "S3"]
    assert not is_corrected(engine, "demands", "D1", PROVINCE)
    change(engine, "抗冰涂料", ("D1", PROVINCE, "N1", 0.99))
    assert codes(engine) == ["N1"]
    say_of(engine, ["S4"], "2")
    assert codes(engine) == ["S4"]


def test_after_no_field_too(engine: Engine) -> None:
    say_of(engine, [], "1")
    release(engine, "demands", "D1", PROVINCE, "乙", "2")
    assert codes(engine) == ["N3", "S3"]


def test_the_newest_correction_wins_whoever_makes_it(engine: Engine) -> None:
    for number, (agent, said) in enumerate((("乙", ["S4"]), ("丙", ["M1", "M2"]), ("乙", []), ("甲", ["T6"]))):
        correct(engine, "demands", "D1", PROVINCE, said, agent, str(number))
        assert codes(engine) == said
    assert len(entries(engine)) == 4


def test_the_same_nonce_again_writes_nothing(engine: Engine) -> None:
    say_of(engine, ["S4"], "1")
    before = revision(engine)
    say_of(engine, ["M1"], "1")
    release(engine, "demands", "D1", PROVINCE, "乙", "1")
    assert revision(engine) == before
    assert codes(engine) == ["S4"]
    correct(engine, "demands", "D1", PROVINCE, ["M1"], "丙", "1")
    assert codes(engine) == ["M1"], "another agent may have the same nonce"


@pytest.mark.parametrize("said", [[], ["S4"], ["S4", "M1"]])
def test_the_same_codes_again_write_nothing(said: list[str], engine: Engine) -> None:
    say_of(engine, said, "1")
    before = entries(engine)
    say_of(engine, said, "2")
    correct(engine, "demands", "D1", PROVINCE, said, "丙", "3")
    assert entries(engine) == before


def test_a_code_said_twice_counts_once(engine: Engine) -> None:
    say_of(engine, ["S4", "M1", "S4"], "1")
    assert codes(engine) == ["M1", "S4"]
    say_of(engine, ["S4", "M1"], "2")
    assert len(entries(engine)) == 1


def test_what_was_released_may_be_said_again(engine: Engine) -> None:
    say_of(engine, ["S4"], "1")
    release(engine, "demands", "D1", PROVINCE, "乙", "2")
    say_of(engine, ["S4"], "3")
    assert codes(engine) == ["S4"]
    assert [row[5] for row in entries(engine)] == ["corrected", "released", "corrected"]


def test_what_the_program_says_may_be_confirmed(engine: Engine) -> None:
    """That it is right is worth saying: it holds for later versions, and is learned from."""
    say_of(engine, ["N3", "S3"], "1")
    change(engine, "抗冰涂料", ("D1", PROVINCE, "N1", 0.99))
    assert codes(engine) == ["N3", "S3"]


@pytest.mark.parametrize(
    ("record_id", "taxonomy", "said", "error", "words"),
    [
        ("D1", PROVINCE, ["S4", "S404"], CallError, ("S404", PROVINCE)),
        ("D1", CONTRACT, ["S4"], CallError, ("S4", CONTRACT)),
        ("D1", PROVINCE, [""], CallError, (PROVINCE,)),
        ("D1", "none", ["S4"], CallError, ("none", PROVINCE, CONTRACT)),
        ("D1", "none", [], CallError, ("none",)),
        ("D404", PROVINCE, ["S4"], LedgerError, ("D404",)),
        ("D404", PROVINCE, [], LedgerError, ("D404",)),
        ("A2", PROVINCE, ["S4"], LedgerError, ("A2",)),
    ],
)
def test_what_is_not_known_is_refused(
    record_id: str, taxonomy: str, said: list[str], error: type[DuijieError], words: tuple[str, ...], engine: Engine
) -> None:
    before = revision(engine)
    with pytest.raises(error) as caught:
        say_of(engine, said, "1", record_id, taxonomy)
    for language in LANGUAGES:
        assert [word for word in words if word not in caught.value.text(language)] == []
    assert revision(engine) == before
    assert entries(engine) == []


def test_a_release_of_an_unknown_record_is_refused(engine: Engine) -> None:
    with pytest.raises(LedgerError, match="D404"):
        release(engine, "demands", "D404", PROVINCE, "乙", "1")
    assert entries(engine) == []


def test_a_release_in_an_unknown_taxonomy_is_refused(engine: Engine) -> None:
    with pytest.raises(CallError, match="none"):
        release(engine, "demands", "D1", "none", "乙", "1")
    assert entries(engine) == []


def test_others_are_left_alone(engine: Engine) -> None:
    """Other taxonomies of the record, other records, and the record of the other list with the same id."""
    before = {kind: catalogue.current_fields(engine, kind) for kind in KINDS}
    say_of(engine, ["S4"], "1")
    touched = (pl.col("record_id") == "D1") & (pl.col("taxonomy") == PROVINCE)
    after = catalogue.current_fields(engine, "demands")
    assert after.filter(~touched).equals(before["demands"].filter(~touched))
    assert catalogue.current_fields(engine, "achievements").equals(before["achievements"])
    assert not is_corrected(engine, "demands", "D1", CONTRACT)
    assert not is_corrected(engine, "demands", "D2", PROVINCE)
    assert not is_corrected(engine, "achievements", "D1", PROVINCE)
    correct(engine, "achievements", "D1", PROVINCE, ["M1"], "乙", "2")
    release(engine, "demands", "D1", PROVINCE, "乙", "3")
    assert codes(engine, kind="achievements") == ["M1"]
    assert codes(engine) == ["N3", "S3"]


def test_corrections_are_told_with_the_newest_text(engine: Engine) -> None:
    say_of(engine, ["S4", "M1"], "1")
    say_of(engine, ["05"], "2", "D2", CONTRACT)
    say_of(engine, [], "3", "D2")
    correct(engine, "achievements", "D1", PROVINCE, ["M7"], "丙", "4")
    correct(engine, "achievements", "A2", PROVINCE, ["T3"], "丙", "5")
    release(engine, "achievements", "A2", PROVINCE, "丙", "6")
    change(engine, "抗冰涂料")
    upload(engine, "achievements", ({**ROWS["achievements"][0], "summary": "刷涂"},), ())
    told = corrected_records(engine)
    assert set(told.columns) == {*load_rules().parts, "taxonomy", "codes"}
    assert told.null_count().sum_horizontal().item() == 0
    shown = ["title", "problem", "tried", "summary", "figures", "keywords", "taxonomy", "codes"]
    assert sorted(told.select(shown).rows()) == [
        ("抗冰涂料", "叶片结冰", "", "", "", ["防冰", "涂层"], PROVINCE, ["S4", "M1"]),
        ("秸秆打捆", "", "人工打捆", "", "", [], CONTRACT, ["05"]),
        ("秸秆打捆", "", "人工打捆", "", "", [], PROVINCE, []),
        ("防冰漆", "", "", "刷涂", "", ["漆"], PROVINCE, ["M7"]),
    ]
    say_of(engine, ["T1"], "7")
    assert corrected_records(engine).filter(title="抗冰涂料")["codes"].to_list() == [["T1"]]


def test_nothing_to_learn_from_has_the_same_columns(engine: Engine) -> None:
    empty = corrected_records(engine)
    say_of(engine, ["S4"], "1")
    assert corrected_records(engine).schema == empty.schema


def test_what_was_learned_is_not_told(engine: Engine) -> None:
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["S1"])), "甲")
    assert corrected_records(engine).is_empty()
    assert newest_correction(engine) == ""
    assert not is_corrected(engine, "demands", "D1", PROVINCE)


def test_entries_cannot_be_changed_or_removed(engine: Engine) -> None:
    say_of(engine, ["S4"], "1")
    add_learned(engine, "demands", learned(("D2", 1, PROVINCE, ["S1"])), "甲")
    before = entries(engine)
    for statement in (update(field_change).values(codes=["M1"]), delete(field_change)):
        with pytest.raises(IntegrityError, match="field_change is append-only"), writing(engine) as connection:
            connection.execute(statement)
    assert entries(engine) == before


def test_what_was_learned_stands_in_the_place_of_what_was_assigned(engine: Engine) -> None:
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["T1", "M1"]), ("D2", 1, PROVINCE, [])), "甲")
    assert codes(engine) == ["T1", "M1"]
    assert codes(engine, "D2") == []
    assert codes(engine, taxonomy=CONTRACT) == ["05"]
    found = catalogue.fields_of(engine, "demands", "D1").filter(taxonomy=PROVINCE)
    assert found.select("confidence", "basis", "terms").rows() == [(0.9, "text", ["学"]), (0.8, "text", ["学"])]


def test_what_was_learned_last_stands(engine: Engine) -> None:
    for said in (["T1"], [], ["M1"]):
        add_learned(engine, "demands", learned(("D1", 1, PROVINCE, said)), "甲")
        assert codes(engine) == said


def test_what_was_learned_holds_for_its_version_alone(engine: Engine) -> None:
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["T1"])), "甲")
    change(engine, "抗冰涂料", ("D1", PROVINCE, "N1", 0.99))
    assert codes(engine) == ["N1"]
    add_learned(engine, "demands", learned(("D1", 2, PROVINCE, ["T2"])), "甲")
    assert codes(engine) == ["T2"]
    # A run that was slower than the upload: what it learned is of the version before.
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["T3"])), "甲")
    assert codes(engine) == ["T2"]


def test_what_was_learned_never_beats_a_correction(engine: Engine) -> None:
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["T1"])), "甲")
    say_of(engine, ["S4"], "1")
    assert codes(engine) == ["S4"]
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["T2"])), "甲")
    assert codes(engine) == ["S4"]
    say_of(engine, [], "2")
    assert codes(engine) == []
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["T3"])), "甲")
    assert codes(engine) == []
    assert is_corrected(engine, "demands", "D1", PROVINCE)
    release(engine, "demands", "D1", PROVINCE, "乙", "3")
    assert codes(engine) == ["T3"]


def test_the_newest_correction_or_release_is_dated(engine: Engine) -> None:
    say_of(engine, ["S4"], "1")
    correct(engine, "achievements", "A2", PROVINCE, ["T3"], "丙", "2")
    assert newest_correction(engine) == max(str(row[-1]) for row in entries(engine))
    release(engine, "demands", "D1", PROVINCE, "乙", "3")
    assert newest_correction(engine) == entries(engine)[-1][-1]
    add_learned(engine, "demands", learned(("D1", 1, PROVINCE, ["T3"])), "甲")
    assert newest_correction(engine) == entries(engine)[2][-1]


# Learning. The balers are alike, the others are not.
BALERS: Final = ("玉米秸秆打捆机", "水稻秸秆打捆机", "小麦秸秆打捆机", "大豆秸秆打捆机", "牧草秸秆打捆机")
OTHERS: Final = ("光纤传感器低温封装工艺", "锂电池硅碳负极材料", "滑雪板固定器")
UNCORRECTED: Final = "C5"


def read(kind: Kind, *rows: str) -> Reading:
    """A file of ids, titles and states."""
    heading = {"demands": "需求编号,需求名称,状态", "achievements": "登记号,成果名称,状态"}[kind]
    return read_bytes(f"{kind}.csv", "\n".join([heading, *rows]).encode(), kind)


@pytest.fixture(scope="module")
def matched_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger with the balers C1 to C5, others from C6, a few demands, and a run."""
    file = tmp_path_factory.mktemp("matched") / "ledger.sqlite"
    ledger = open_ledger(f"sqlite:///{file}")
    titles = [f"C{number},{title}," for number, title in enumerate((*BALERS, *OTHERS), start=1)]
    load(ledger, read("demands", "X1,秸秆打捆机,", "X2,光纤传感器,", "X3,滑雪板,已关闭", "X4,滑雪板,已关闭"), "甲")
    load(ledger, read("achievements", *titles), "甲")
    match_ledger(ledger, 5, "甲")
    ledger.dispose()
    return file


@pytest.fixture
def matched(matched_once: Path, tmp_path: Path) -> Iterator[Engine]:
    """The same ledger for each test."""
    file = shutil.copy(matched_once, tmp_path / "matched.sqlite")
    engine = open_ledger(f"sqlite:///{file}")
    yield engine
    engine.dispose()


def mains(engine: Engine, kind: Kind = "achievements") -> dict[str, str]:
    """Each record's main field in the province's taxonomy."""
    found = main_fields(catalogue.current_fields(engine, kind, PROVINCE))
    return dict(found.select("record_id", "code").iter_rows())


def correct_balers(engine: Engine, code: str = "M5") -> None:
    for number in range(1, 5):
        correct(engine, "achievements", f"C{number}", PROVINCE, [code], "乙", f"{code} {number}")


def written_by_program(engine: Engine) -> list[tuple[object, ...]]:
    """Kind, record, version, taxonomy of what was learned."""
    return [row[1:5] for row in entries(engine) if row[5] == "learned"]


def test_matching_learns_from_corrections(matched: Engine) -> None:
    before = mains(matched)
    assert "M5" not in before.values()
    correct_balers(matched)
    assert mains(matched)[UNCORRECTED] == before[UNCORRECTED], "nothing is learned before the next match"
    first = latest_run(matched)
    second = match_ledger(matched, 5, "丙")
    after = mains(matched)
    assert [after[f"C{number}"] for number in range(1, 6)] == ["M5"] * 5
    assert {key: after[key] for key in ("C6", "C7", "C8")} == {key: before[key] for key in ("C6", "C7", "C8")}
    assert first is not None
    assert second.run_id == first.run_id + 1
    found = catalogue.fields_of(matched, "achievements", UNCORRECTED).filter(taxonomy=PROVINCE, code="M5")
    assert found["basis"].to_list() == ["text"]
    assert_all_ways_agree(matched)


def test_the_corrected_ones_stay_as_the_agents_said(matched: Engine) -> None:
    correct_balers(matched)
    match_ledger(matched, 5, "丙")
    for number in range(1, 5):
        assert codes(matched, f"C{number}", kind="achievements") == ["M5"]
        assert is_corrected(matched, "achievements", f"C{number}", PROVINCE)
    assert not is_corrected(matched, "achievements", UNCORRECTED, PROVINCE)


def test_other_taxonomies_are_not_touched_by_learning(matched: Engine) -> None:
    other = pl.col("taxonomy") != PROVINCE
    before = {kind: catalogue.current_fields(matched, kind).filter(other) for kind in KINDS}
    correct_balers(matched)
    match_ledger(matched, 5, "丙")
    for kind in KINDS:
        assert catalogue.current_fields(matched, kind).filter(other).equals(before[kind])


def test_learning_reaches_the_other_list(matched: Engine) -> None:
    before = mains(matched, "demands")
    correct_balers(matched)
    match_ledger(matched, 5, "丙")
    after = mains(matched, "demands")
    assert (before["X1"] != "M5", after["X1"]) == (True, "M5")
    assert after["X2"] == before["X2"]


def test_a_second_match_without_new_corrections_writes_nothing(matched: Engine) -> None:
    correct_balers(matched)
    run = match_ledger(matched, 5, "丙")
    before = revision(matched)
    assert learn_fields(matched, "丙") == 0
    assert match_ledger(matched, 5, "丙") == run
    assert revision(matched) == before


def test_without_corrections_nothing_is_learned(matched: Engine) -> None:
    assert learn_fields(matched, "丙") == 0
    assert entries(matched) == []


def test_learning_counts_what_it_writes(matched: Engine) -> None:
    correct_balers(matched)
    count = learn_fields(matched, "丙")
    assert count == len(written_by_program(matched)) > 0
    assert learn_fields(matched, "丙") == 0, "what was learned is known, though no run has seen it yet"


def test_a_release_is_unlearned_at_the_next_match(matched: Engine) -> None:
    before = {kind: catalogue.current_fields(matched, kind) for kind in KINDS}
    correct_balers(matched)
    match_ledger(matched, 5, "丙")
    for number in range(1, 5):
        release(matched, "achievements", f"C{number}", PROVINCE, "乙", f"back {number}")
    match_ledger(matched, 5, "丙")
    plain = ["record_id", "taxonomy", "code"]
    for kind in KINDS:
        assert catalogue.current_fields(matched, kind).select(plain).equals(before[kind].select(plain))


def test_a_record_that_is_loaded_later_has_its_field_from_what_was_said(matched: Engine) -> None:
    correct_balers(matched)
    load(matched, read("achievements", "C9,高粱秸秆打捆机,", "C10,光纤传感器,"), "甲")
    found = mains(matched)
    assert (found["C9"], found["C10"]) == ("M5", found["C6"])


def test_a_new_version_of_a_record_keeps_what_was_learned(matched: Engine) -> None:
    correct_balers(matched)
    match_ledger(matched, 5, "丙")
    load(matched, read("achievements", f"{UNCORRECTED},牧草和秸秆打捆机,"), "甲")
    assert mains(matched)[UNCORRECTED] == "M5"


def contradict(engine: Engine) -> None:
    """Two demands of the same text, both closed, in different fields: the program cannot agree with both."""
    for record_id, code in (("X3", "S4"), ("X4", "M7")):
        correct(engine, "demands", record_id, PROVINCE, [code], "乙", f"{record_id} {code}")


def test_nothing_is_written_of_records_that_are_corrected(matched: Engine) -> None:
    """What agents corrected stays as they said; elsewhere only is what the program learned written."""
    contradict(matched)
    learn_fields(matched, "丙")
    corrected = [("demands", record_id, 1, PROVINCE) for record_id in ("X3", "X4")]
    assert [row for row in written_by_program(matched) if row in corrected] == []


def test_a_match_that_makes_no_new_run_learns_once(matched: Engine) -> None:
    """A correction that changes no list makes no run; matching again must not learn the same again."""
    contradict(matched)
    match_ledger(matched, 5, "丙")
    before = revision(matched)
    match_ledger(matched, 5, "丙")
    assert revision(matched) == before


def test_a_correction_that_is_made_while_matching_is_learned_at_the_next_match(matched: Engine) -> None:
    """The run did not see it: it had learned before."""
    correct(matched, "achievements", "C8", PROVINCE, ["N4"], "乙", "1")
    load(matched, read("demands", "X5,锂电池,"), "甲")

    def meanwhile(step: str, done: int, _total: int) -> None:
        if (step, done) == ("vectors", 0):
            correct_balers(matched)

    run = match_ledger(matched, 5, "丙", meanwhile)
    assert mains(matched)[UNCORRECTED] != "M5"
    assert newest_correction(matched) <= run.at
    match_ledger(matched, 5, "丙")
    assert mains(matched)[UNCORRECTED] == "M5"
