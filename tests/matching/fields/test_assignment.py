"""Field codes of records: stated, else read from the text by the field model, else none."""

from __future__ import annotations

import random

import polars as pl
import pytest
from records import records

from matching.fields import assignment
from matching.fields.assignment import assign_fields, resolve
from matching.fields.rules import load_rules
from matching.fields.taxonomies import load_taxonomies, load_taxonomy
from matching.fields.terms import closed_up, normalised
from matching.intake.reading import Reading
from matching.schema import FIELDS, STATED, TEXT

CONTRACT, PROVINCE, STRATEGIC, NATIONAL = "contract_fields", "province_4567", "strategic_2018", "national_high_tech"
TAXONOMIES = [PROVINCE, CONTRACT, STRATEGIC, NATIONAL]
# Main contract fields of samples that state none of them, by a reader of the records.
SAMPLE_DEMANDS = {
    "XQ2026004": "03",
    "XQ2026006": "01",
    "XQ2026020": "01",
    "XQ2026023": "09",
    "XQ2026024": "03",
    "XQ2026026": "10",
    "XQ2026036": "09",
    "XQ2026037": "06",
    "XQ2026039": "05",
    "XQ2026041": "04",
    "XQ2026042": "05",
    "XQ2026045": "04",
    "XQ2026053": "07",
}
SAMPLE_ACHIEVEMENTS = {
    "CG2026005": "09",
    "CG2026008": "01",
    "CG2026010": "01",
    "CG2026017": "07",
    "CG2026034": "03",
    "CG2026040": "06",
    "CG2026047": "04",
    "CG2026048": "01",
    "CG2026052": "10",
    "CG2026054": "10",
    "CG2026056": "09",
}


def assigned(*rows: dict[str, object], taxonomy: str = CONTRACT) -> pl.DataFrame:
    return assign_fields(records("demands", *rows), "demand_id", taxonomies=[taxonomy])


def by_record(frame: pl.DataFrame) -> dict[tuple[str, str], list[str]]:
    """Codes of each record in each taxonomy."""
    listed = frame.group_by("record_id", "taxonomy", maintain_order=True).agg("code")
    return {(record, taxonomy): codes for record, taxonomy, codes in listed.iter_rows()}


@pytest.fixture(scope="module")
def samples(sample_demands: Reading, sample_achievements: Reading) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Sample records, with their identity as record_id, and their fields."""
    read = ((sample_demands.frame, "demand_id"), (sample_achievements.frame, "achievement_id"))
    return [(frame.rename({identity: "record_id"}), assign_fields(frame, identity)) for frame, identity in read]


def test_the_rules_are_possible() -> None:
    rules = load_rules()
    assert 0 < rules.least <= rules.sure < 1
    assert 0 < rules.stated <= 1
    assert rules.most >= 2
    assert rules.terms >= 1
    assert rules.parts["title"] == max(rules.parts.values())
    assert min(rules.parts.values()) > 0


def test_a_text_gets_its_main_field() -> None:
    cases = {
        CONTRACT: {
            "石墨烯导热膜的制备": "05",
            "大豆新品种选育": "09",
            "数控机床主轴轴承": "03",
            "半导体芯片封装": "01",
        },
        PROVINCE: {"石墨烯导热膜的制备": "S3", "大马力拖拉机与收获机械": "S5", "滑雪场造雪机": "N3", "白酒酿造": "T3"},
        STRATEGIC: {"石墨烯导热膜的制备": "3.6", "风力发电机组叶片": "6.2", "污水处理": "7.2", "直升机旋翼": "2.2"},
        NATIONAL: {"石墨烯导热膜的制备": "4", "抗体药物": "2", "卫星姿态控制": "3", "光伏发电": "6"},
    }
    titles = sorted({title for each in cases.values() for title in each})
    listed = records("demands", *({"demand_id": title, "title": title} for title in titles))
    found = by_record(assign_fields(listed, "demand_id"))
    first = {taxonomy: {title: found[title, taxonomy][0] for title in each} for taxonomy, each in cases.items()}
    assert first == cases


def test_english_texts_get_their_fields() -> None:
    found = assigned({"title": "Graphene composite material"}, {"title": "Agricultural tractor"}, taxonomy=PROVINCE)
    first = found.unique("record_id", keep="first", maintain_order=True)
    assert first["code"].to_list() == ["S3", "S5"]


def test_width_case_and_white_space_make_no_difference() -> None:
    found = by_record(assigned({"title": "FPGA芯片 5G通信"}, {"title": "ｆｐｇａ芯片\n５ｇ 通信"}))
    assert found["D1", CONTRACT] == found["D2", CONTRACT]
    assert found["D1", CONTRACT][0] == "01"


def test_a_text_of_two_fields_gets_both_with_falling_confidence() -> None:
    found = assigned({"title": "大豆水稻玉米种植的农业大数据云平台与软件"})
    assert {"01", "09"} <= set(found["code"])
    assert found["confidence"].to_list() == sorted(found["confidence"], reverse=True)


def test_the_title_counts_more_than_the_rest() -> None:
    soy, chip = "大豆新品种选育", "半导体集成电路芯片"
    found = assigned({"title": soy, "tried": chip}, {"title": chip, "tried": soy})
    first = found.unique("record_id", keep="first", maintain_order=True)
    assert first["code"].to_list() == ["09", "01"]


def test_at_most_so_many_fields_are_assigned(samples: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    for _, found in samples:
        read = found.filter(pl.col("basis") == TEXT)
        counts = read.group_by("record_id", "taxonomy").len()["len"]
        assert 2 <= counts.max() <= load_rules().most
        assert not found.select("record_id", "taxonomy", "code").is_duplicated().any()


def test_confidences_are_high_enough(samples: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    rules = load_rules()
    for frame, found in samples:
        assert found["confidence"].is_between(rules.least, 1.0).all()
        assert found.filter(pl.col("basis") == STATED)["confidence"].min() >= rules.stated
        silent = frame.filter(pl.col("field") == "").select("record_id")
        first = found.join(silent, on="record_id").group_by("record_id", "taxonomy").agg(pl.col("confidence").max())
        assert first.height > 10
        assert first["confidence"].min() >= rules.sure


def test_a_field_is_known_by_its_name_alias_or_code() -> None:
    cases = [
        ("核技术", "08", CONTRACT),
        ("新材料", "05", CONTRACT),
        ("ELECTRONICS AND INFORMATION", "01", CONTRACT),
        ("电子信息", "S2", PROVINCE),
        ("数字经济", "N1", PROVINCE),
        ("Ｓ２", "S2", PROVINCE),
        ("09", "09", CONTRACT),
        ("3.6", "3.6", STRATEGIC),
        ("前沿新材料", "3.6", STRATEGIC),
        ("生物与新医药", "2", NATIONAL),
    ]
    found = assign_fields(records("demands", *({"field": said} for said, _, _ in cases)), "demand_id")
    for number, (said, code, taxonomy) in enumerate(cases, start=1):
        own = found.filter((pl.col("record_id") == f"D{number}") & (pl.col("taxonomy") == taxonomy))
        assert own.drop("record_id", "taxonomy").rows() == [(code, 1.0, STATED, [said])]


@pytest.mark.parametrize("code", TAXONOMIES)
def test_every_field_is_known_by_its_own_code_and_names(code: str) -> None:
    taxonomy = load_taxonomy(code)
    for node in taxonomy.fields:
        for name in (node.code, node.name_zh, node.name_en):
            assert node.code in resolve(name, taxonomy, load_rules().stated), name


def test_what_is_stated_wins_over_the_text_with_its_likeness() -> None:
    title = "半导体芯片封装"
    said = ["农业", "农业；电子信息", "生物、医药和医疗器械", "现代交通运输"]
    found = assigned(*({"field": field, "title": title} for field in said), {"title": title})
    rows = found.select("record_id", "code", "confidence", "basis", "terms").rows()
    assert rows[:4] == [
        ("D1", "09", 1.0, STATED, ["农业"]),
        ("D2", "01", 1.0, STATED, ["电子信息"]),
        ("D2", "09", 1.0, STATED, ["农业"]),
        # A name that holds a separator is read whole.
        ("D3", "04", 1.0, STATED, ["生物、医药和医疗器械"]),
    ]
    # 现代交通运输 is as alike as the nearest name is.
    assert (rows[4][0], rows[4][1], rows[4][3]) == ("D4", "10", STATED)
    assert load_rules().stated <= rows[4][2] <= 1
    assert (rows[5][0], rows[5][1], rows[5][3]) == ("D5", "01", TEXT)


def test_a_misspelt_field_is_taken_with_its_likeness() -> None:
    # 电子信息产业链 against the alias 电子信息产业: 2 x 6 common characters of 7 + 6.
    [(code, (likeness, word))] = resolve("电子信息产业链", load_taxonomy(PROVINCE), 0.85).items()
    assert (code, word) == ("S2", "电子信息产业链")
    assert likeness == pytest.approx(12 / 13)
    assert resolve("电子信息产业链", load_taxonomy(PROVINCE), 0.95) == {}


def test_resolving_names_codes_likeness_and_words() -> None:
    taxonomy = load_taxonomy(CONTRACT)
    assert resolve("农业、核技术", taxonomy, 0.85) == {"09": (1.0, "农业"), "08": (1.0, "核技术")}
    assert resolve("毫无关系", taxonomy, 0.85) == {}


def test_a_stated_field_that_is_none_in_a_taxonomy_leaves_the_text_to_decide() -> None:
    rows = [{"field": field, "title": "半导体芯片封装"} for field in ("", "随便写的", "核技术")]
    found = assign_fields(records("demands", *rows), "demand_id", taxonomies=[CONTRACT, PROVINCE])
    columns = ["code", "confidence", "basis", "terms"]
    read = {key: frame.select(columns).rows() for key, frame in found.group_by("record_id", "taxonomy")}
    assert {basis for *_, basis, _ in read["D1", CONTRACT]} == {TEXT}
    assert read["D2", CONTRACT] == read["D1", CONTRACT]
    assert read["D2", PROVINCE] == read["D3", PROVINCE] == read["D1", PROVINCE]
    assert read["D3", CONTRACT] == [("08", 1.0, STATED, ["核技术"])]


def test_a_stated_parent_is_refined_by_the_text_or_kept() -> None:
    graphene, wind = "石墨烯导热膜与量子点", "风力发电机组"
    rows = [("新材料产业", graphene), ("新材料产业", wind), ("新材料产业", ""), ("新材料产业；新能源产业", graphene)]
    found = assigned(*({"field": field, "title": title} for field, title in rows), taxonomy=STRATEGIC)
    refined, elsewhere, untold, both = (found.filter(record_id=f"D{number}") for number in range(1, 5))
    assert (refined["code"][0], set(refined["basis"])) == ("3.6", {TEXT})
    assert {load_taxonomy(STRATEGIC).top(code).code for code in refined["code"]} == {"3"}
    assert "3" not in set(refined["code"])
    for kept in (elsewhere, untold):
        assert kept.select("code", "confidence", "basis", "terms").rows() == [("3", 1.0, STATED, ["新材料产业"])]
    bases = dict(both.select("code", "basis").iter_rows())
    assert (bases["3.6"], bases["6"]) == (TEXT, STATED)
    assert "3" not in bases


def test_what_says_nothing_has_no_row() -> None:
    texts = ["", " ", "……", "——", "！！！", "。", "123", "１２３", "2026", "12345 67890", "3.5", "100%", "𠀀𠀁𠀂"]
    rows = [{"title": text} for text in texts] + [
        {"title": text, "problem": text, "keywords": [text]} for text in texts
    ]
    found = assign_fields(records("demands", *rows), "demand_id")
    numbers = {int(record.removeprefix("D")) - 1 for record in found["record_id"]}
    assert {str(rows[number]["title"]) for number in numbers} == set()


def test_an_empty_record_has_no_row_beside_others() -> None:
    assert set(assigned({}, {"title": "石墨烯导热膜"}, {"title": ""})["record_id"]) == {"D2"}


def test_no_records_give_an_empty_frame_of_the_schema() -> None:
    found = assign_fields(records("demands"), "demand_id")
    assert found.is_empty()
    assert found.schema == pl.Schema(FIELDS)
    assert assign_fields(records("demands", {"title": "石墨烯"}), "demand_id").schema == pl.Schema(FIELDS)


def test_achievements_are_assigned_by_their_own_parts() -> None:
    listed = records(
        "achievements",
        {"summary": "大豆新品种选育"},
        {"application": "半导体芯片封装"},
        {"figures": "数控机床主轴"},
        {"keywords": ["石墨烯", "复合材料"]},
    )
    found = assign_fields(listed, "achievement_id", taxonomies=[CONTRACT])
    first = found.unique("record_id", keep="first", maintain_order=True)
    assert first.select("record_id", "code").rows() == [("A1", "09"), ("A2", "01"), ("A3", "03"), ("A4", "05")]


def test_a_frame_may_lack_parts_and_hold_keywords_as_a_text() -> None:
    whole = assigned({"keywords": ["石墨烯", "导热膜"]})
    frame = pl.DataFrame({"demand_id": ["D1"], "keywords": ["石墨烯;导热膜"]})
    assert not whole.is_empty()
    assert assign_fields(frame, "demand_id", taxonomies=[CONTRACT]).equals(whole)


def test_a_frame_without_any_text_has_what_is_stated() -> None:
    frame = pl.DataFrame({"demand_id": ["D1", "D2"], "field": ["农业", ""]})
    found = assign_fields(frame, "demand_id", taxonomies=[CONTRACT])
    assert found.select("record_id", "code", "basis").rows() == [("D1", "09", STATED)]
    assert assign_fields(frame.select("demand_id"), "demand_id").is_empty()


def test_the_terms_that_decided_stand_in_the_text(samples: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    for frame, found in samples:
        parts = [part for part in load_rules().parts if part in frame.columns]
        texts = {
            row["record_id"]: normalised(
                "\n".join("\n".join(row[part]) if isinstance(row[part], list) else row[part] for part in parts)
            )
            for row in frame.iter_rows(named=True)
        }
        closed = dict(zip(texts, closed_up(pl.Series(list(texts.values()))), strict=True))
        read = found.filter(pl.col("basis") == TEXT)
        assert 2 <= read["terms"].list.len().max() <= load_rules().terms
        for record, terms in read.select("record_id", "terms").iter_rows():
            assert len(terms) == len(set(terms))
            for term in terms:
                assert term in closed[record] or term in "".join(texts[record].split()), (record, term)


def test_nearly_every_first_field_names_what_decided(samples: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    for _, found in samples:
        first = found.unique(["record_id", "taxonomy"], keep="first", maintain_order=True)
        silent = first.filter(pl.col("terms").list.len() == 0)
        assert silent.height <= 0.02 * first.height, f"{silent.height} of {first.height} first fields name no term"


def test_a_term_of_the_field_is_among_those_that_decided() -> None:
    cases = {
        "石墨烯导热膜": {"石墨烯"},
        "大豆新品种选育": {"大豆", "新品种选育"},
        "风力发电机组叶片": {"风力发电机组"},
        "数控机床主轴": {"数控机床"},
    }
    found = assign_fields(records("demands", *({"title": title} for title in cases)), "demand_id")
    first = found.unique(["record_id", "taxonomy"], keep="first", maintain_order=True)
    assert first.height >= len(cases) * 3
    lacking = [
        (title, taxonomy, terms)
        for number, (title, right) in enumerate(cases.items(), start=1)
        for taxonomy, terms in first.filter(record_id=f"D{number}").select("taxonomy", "terms").iter_rows()
        if not right & set(terms)
    ]
    assert lacking == []


def test_the_order_of_records_does_not_matter(
    sample_demands: Reading, samples: list[tuple[pl.DataFrame, pl.DataFrame]], rng: random.Random
) -> None:
    ids = sample_demands.frame["demand_id"].to_list()
    rng.shuffle(ids)
    order = pl.DataFrame({"demand_id": ids})
    shuffled = order.join(sample_demands.frame, on="demand_id", maintain_order="left").select(
        sample_demands.frame.columns
    )
    assert assign_fields(shuffled, "demand_id").equals(samples[0][1])


def test_slices_make_no_difference(sample_demands: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    few = sample_demands.frame.head(20)
    whole = assign_fields(few, "demand_id", taxonomies=[CONTRACT])
    monkeypatch.setattr(assignment, "_SLICE", 7)
    sliced = assign_fields(few, "demand_id", taxonomies=[CONTRACT])
    assert whole["record_id"].n_unique() > 15
    assert sliced.equals(whole)


def test_rows_stand_by_taxonomy_record_and_falling_confidence(
    samples: list[tuple[pl.DataFrame, pl.DataFrame]],
) -> None:
    order = list(load_taxonomies())
    for _, found in samples:
        rows = found.select("taxonomy", "record_id", "confidence", "code").rows()
        assert rows == sorted(rows, key=lambda row: (order.index(row[0]), row[1], -row[2], row[3]))
        assert {row[0] for row in rows} == set(order)


def test_named_taxonomies_stand_as_named_and_as_in_all(
    sample_demands: Reading, samples: list[tuple[pl.DataFrame, pl.DataFrame]]
) -> None:
    found = assign_fields(sample_demands.frame, "demand_id", taxonomies=[NATIONAL, CONTRACT])
    assert found["taxonomy"].unique(maintain_order=True).to_list() == [NATIONAL, CONTRACT]
    [(_, everything), _] = samples
    for code in (NATIONAL, CONTRACT):
        assert found.filter(pl.col("taxonomy") == code).equals(everything.filter(pl.col("taxonomy") == code))


def test_nearly_every_sample_record_gets_a_field(samples: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    for frame, found in samples:
        for code in load_taxonomies():
            known = found.filter(pl.col("taxonomy") == code)["record_id"]
            assert known.n_unique() >= 0.95 * frame.height, code
        assert set(found["record_id"]) <= set(frame["record_id"])
        assert set(found["basis"]) == {STATED, TEXT}


def test_sample_records_get_the_main_field_that_a_reader_gives_them(
    samples: list[tuple[pl.DataFrame, pl.DataFrame]],
) -> None:
    for (_, assigned_to), expected in zip(samples, (SAMPLE_DEMANDS, SAMPLE_ACHIEVEMENTS), strict=True):
        found = {
            record: codes[0] for (record, taxonomy), codes in by_record(assigned_to).items() if taxonomy == CONTRACT
        }
        wrong = {record: (found.get(record), code) for record, code in expected.items() if found.get(record) != code}
        assert len(wrong) <= 1, wrong


def test_what_a_sample_states_is_its_field(samples: list[tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    names = {node.name_zh: node.code for node in load_taxonomy(PROVINCE).fields}
    for frame, assigned_to in samples:
        found = by_record(assigned_to)
        listed = frame.select("record_id", "field").iter_rows()
        said = {record: [names[field]] for record, field in listed if field in names}
        assert len(said) > 20
        assert {record: found[record, PROVINCE] for record in said} == said


def corrections(*rows: tuple[str, str, list[str]]) -> pl.DataFrame:
    """Title, taxonomy and right codes."""
    listed = records("demands", *({"title": title} for title, _, _ in rows))
    return listed.with_columns(
        taxonomy=pl.Series([taxonomy for _, taxonomy, _ in rows], dtype=pl.String()),
        codes=pl.Series([codes for _, _, codes in rows], dtype=pl.List(pl.String())),
    )


ALIKE, OTHER = "石墨烯导热膜", "大豆新品种选育"


def confidences(*said: tuple[str, str, list[str]]) -> dict[tuple[str, str], dict[str, float]]:
    """Confidences of both titles by title and taxonomy, after corrections."""
    listed = records("demands", {"demand_id": ALIKE, "title": ALIKE}, {"demand_id": OTHER, "title": OTHER})
    found = assign_fields(listed, "demand_id", corrections(*said), [CONTRACT, STRATEGIC])
    return {
        key: dict(zip(codes, sure, strict=True))
        for *key_parts, codes, sure in found.group_by("record_id", "taxonomy", maintain_order=True)
        .agg("code", "confidence")
        .iter_rows()
        for key in [tuple(key_parts)]
    }


@pytest.fixture(scope="module")
def uncorrected() -> dict[tuple[str, str], dict[str, float]]:
    return confidences()


def test_corrections_are_learned_from_for_what_is_alike_alone(
    uncorrected: dict[tuple[str, str], dict[str, float]],
) -> None:
    after = confidences(("石墨烯导热膜的制备", CONTRACT, ["06"]))
    assert next(iter(uncorrected[ALIKE, CONTRACT])) == "05"
    assert after[ALIKE, CONTRACT]["06"] > uncorrected[ALIKE, CONTRACT].get("06", 0) + 0.1
    assert after[OTHER, CONTRACT] == pytest.approx(uncorrected[OTHER, CONTRACT], abs=0.05)
    assert after[ALIKE, STRATEGIC] == uncorrected[ALIKE, STRATEGIC]
    # Nothing of it stays behind.
    assert confidences() == uncorrected


def test_no_corrections_are_as_none(uncorrected: dict[tuple[str, str], dict[str, float]]) -> None:
    listed = records("demands", {"demand_id": ALIKE, "title": ALIKE})
    found = assign_fields(listed, "demand_id", None, [CONTRACT])
    assert dict(found.select("code", "confidence").iter_rows()) == uncorrected[ALIKE, CONTRACT]


def test_a_correction_to_a_parent_does_not_speak_against_its_fields() -> None:
    listed = records("demands", {"title": "石墨烯"})
    before, after = (
        assign_fields(listed, "demand_id", said, [STRATEGIC]).row(0, named=True)
        for said in (None, corrections(("石墨烯", STRATEGIC, ["3"])))
    )
    assert before["code"] == after["code"] == "3.6"
    assert after["confidence"] >= before["confidence"] - 0.001
