"""Pieces of the screens: text that stays text, sums that add up, filters that filter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

import polars as pl
import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT
from records import records
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from matching.fields.taxonomies import load_taxonomy
from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.ledger import corrections, uploads
from matching.reporting.codes import UNKNOWN
from matching.schema import FIELDS
from matching.wording import say
from ui import access, catalogue_cache
from ui.components.desk_log import AT
from ui.components.filters import FieldChoice, node_label, with_field, with_words
from ui.components.moments import local_day, local_minute
from ui.components.plain import plain
from ui.components.record import marked
from ui.components.why import _score_parts, _similarity_parts, aligned_level, level_name, shared_words
from ui.screens.review import _candidate_in_hand

HOSTILE = '<img src=x onerror=alert(1)> ![a](http://b) [c](javascript:d) :material/home: $e$ **f** `g` & "h"'


class Text(HTMLParser):
    """What a browser would show of a piece of HTML, and the tags it has."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.shown += data


def read(html: str) -> Text:
    parser = Text()
    parser.feed(html)
    parser.close()
    return parser


def test_marked_text_is_the_text() -> None:
    found = read(marked(HOSTILE + "碳纤维", ["碳纤维", "img"]))
    assert found.shown == HOSTILE + "碳纤维"
    assert found.tags == {"mark"}
    assert "<mark>碳纤维</mark>" in marked("一种碳纤维板", ["碳纤维"])


@given(
    st.text(alphabet="<>&\"'碳纤维ａb1 \n", max_size=30),
    st.lists(st.sampled_from(["碳纤", "a", "b1", "<"]), max_size=3),
)
def test_marking_changes_no_text(text: str, terms: list[str]) -> None:
    found = read(marked(text, terms))
    assert found.shown == text
    assert found.tags <= {"mark"}


def test_a_label_has_no_markdown() -> None:
    label = plain(HOSTILE)
    assert not re.search(r"(?<!\\)[\[\]!*`$<>:]", label)
    assert label.replace("\\", "") == HOSTILE
    assert plain(" 两行\n标题 ") == "两行 标题"


def test_only_terms_of_two_characters_are_told() -> None:
    terms = [{"term": "碳纤维", "contribution": 0.2}, {"term": "板", "contribution": 0.1}]
    assert shared_words({"shared_terms": terms}) == [("碳纤维", 0.2)]


@pytest.fixture
def listed() -> pl.DataFrame:
    return pl.DataFrame({"title": ["碳纤维 CFRP 板", "大豆蛋白", "C++ 软件"], "city": ["哈尔滨", "大庆", ""]})


@pytest.mark.parametrize(
    ("text", "count"), [("", 3), ("cfrp", 1), ("碳 哈尔", 1), ("碳 大庆", 0), ("c++", 1), ("大", 1), (".*", 0)]
)
def test_search_finds_every_word_in_any_column(listed: pl.DataFrame, text: str, count: int) -> None:
    assert with_words(listed, text, ("title", "city")).height == count


PROVINCE, STRATEGIC = "province_4567", "strategic_2018"
# Three demands: with two fields below one node, with a field above them, and with none that is sure enough.
ASSIGNED = {
    "D1": [(PROVINCE, "S3", 0.9), (PROVINCE, "S4", 0.4), (STRATEGIC, "3.5", 0.8)],
    "D2": [(PROVINCE, "S", 1.0), (PROVINCE, "T3", 0.6), (STRATEGIC, "4", 1.0)],
    "D3": [(PROVINCE, "N1", 0.1), (STRATEGIC, "1.3", 0.7)],
}


@pytest.fixture
def known(ledger: Engine) -> Iterator[Engine]:
    """The screens' own ledger with three demands and an achievement in it."""
    streamlit.cache_resource.clear()
    lists = {
        "demands": [{"title": "碳纤维板"}, {"title": "大豆蛋白"}, {"title": "软件"}],
        "achievements": [{"achievement_id": "D1", "title": "与需求同号的成果"}],
    }
    fields = [
        (record, taxonomy, code, confidence, "text", [code])
        for record, found in ASSIGNED.items()
        for taxonomy, code, confidence in found
    ]
    demands = records("demands", *lists["demands"])
    achievements = records("achievements", *lists["achievements"])
    read = Reading("demands", "清单.csv", "0" * 64, demands, 3, (Heading(1, (), ()),), ())
    other = Reading("achievements", "目录.csv", "1" * 64, achievements, 1, (Heading(1, (), ()),), ())
    uploads.add(ledger, read, pl.DataFrame(fields, schema=FIELDS, orient="row"), "甲")
    theirs = [("D1", PROVINCE, "M1", 1.0, "stated", ["M1"])]
    uploads.add(ledger, other, pl.DataFrame(theirs, schema=FIELDS, orient="row"), "甲")
    yield ledger
    access.ledger().dispose()
    streamlit.cache_resource.clear()


def filtered(taxonomy: str, code: str) -> list[str]:
    return with_field(catalogue_cache.records("demands"), "demands", FieldChoice(taxonomy, code))["demand_id"].to_list()


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("taxonomy", "code", "found"),
    [
        (PROVINCE, "", ["D1", "D2", "D3"]),
        (PROVINCE, "S", ["D1", "D2"]),
        (PROVINCE, "S3", ["D1"]),
        (PROVINCE, "S4", ["D1"]),
        (PROVINCE, "T", ["D2"]),
        (PROVINCE, "N1", []),
        (PROVINCE, "M1", []),
        (PROVINCE, UNKNOWN, ["D3"]),
        (STRATEGIC, "", ["D1", "D2", "D3"]),
        (STRATEGIC, "3", ["D1"]),
        (STRATEGIC, "3.5", ["D1"]),
        (STRATEGIC, "4", ["D2"]),
        (STRATEGIC, "4.1", []),
        (STRATEGIC, "1", ["D3"]),
        (STRATEGIC, UNKNOWN, []),
    ],
)
def test_filter_by_field(taxonomy: str, code: str, found: list[str]) -> None:
    assert filtered(taxonomy, code) == found


def test_the_filter_leaves_columns_and_order_as_they_are(known: Engine) -> None:
    turned = catalogue_cache.records("demands").reverse()
    below = with_field(turned, "demands", FieldChoice(PROVINCE, "S"))
    assert below["demand_id"].to_list() == ["D2", "D1"]
    assert below.columns == turned.columns
    corrections.correct(known, "demands", "D1", PROVINCE, [], "甲", "1")
    unknown = with_field(turned, "demands", FieldChoice(PROVINCE, UNKNOWN))
    assert unknown["demand_id"].to_list() == ["D3", "D1"]
    assert unknown.columns == turned.columns


def test_the_filter_follows_corrections(known: Engine) -> None:
    assert filtered(PROVINCE, "S3") == ["D1"]
    corrections.correct(known, "demands", "D1", PROVINCE, ["T5"], "甲", "1")
    assert (filtered(PROVINCE, "S"), filtered(PROVINCE, "T5")) == (["D2"], ["D1"])
    assert filtered(STRATEGIC, "3.5") == ["D1"], "the other taxonomy is not touched"
    corrections.correct(known, "demands", "D1", PROVINCE, [], "甲", "2")
    assert (filtered(PROVINCE, "T5"), filtered(PROVINCE, UNKNOWN)) == ([], ["D1", "D3"])
    corrections.release(known, "demands", "D1", PROVINCE, "甲", "3")
    assert (filtered(PROVINCE, "S3"), filtered(PROVINCE, UNKNOWN)) == (["D1"], ["D3"])


@pytest.mark.parametrize(
    ("taxonomy", "code", "label"),
    [(PROVINCE, "S", "五大战略性新兴产业"), (PROVINCE, "S3", "　新材料"), (STRATEGIC, "1.2", "　电子核心")],
)
def test_a_node_is_set_in_by_its_depth(taxonomy: str, code: str, label: str) -> None:
    assert node_label(load_taxonomy(taxonomy), code) == label


def rows(*verdicts: str | None) -> pl.DataFrame:
    ids = [f"A{number}" for number in range(1, len(verdicts) + 1)]
    return pl.DataFrame({"achievement_id": ids, "verdict": verdicts}, schema={"achievement_id": str, "verdict": str})


@pytest.mark.parametrize(
    ("verdicts", "first"),
    [((None, None), "A1"), (("accept", None), "A2"), (("later", "reject"), "A1"), (("reject", "later"), "A2")],
)
def test_review_begins_with_what_is_open_then_with_what_was_put_off(
    verdicts: tuple[str | None, ...], first: str
) -> None:
    assert _candidate_in_hand("D1", rows(*verdicts)) == first


@pytest.mark.parametrize(
    ("place", "chosen"),
    [
        (("D1", "A1"), "A1"),
        (("D1", None), None),
        (("D2", "A1"), "A2"),
        (("D1", "A9"), "A2"),
        (None, "A2"),
    ],
    ids=["where it was put", "all are decided", "another demand", "not in the list", "nowhere yet"],
)
def test_the_desk_stands_where_it_was_put(
    place: tuple[str, str | None] | None, chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamlit, "session_state", {AT: place})
    assert _candidate_in_hand("D1", rows("reject", None, "later")) == chosen


def test_moments_are_shown_in_the_time_of_the_user() -> None:
    assert local_minute("2026-11-22T01:43:00.755+00:00") == "2026-11-22 09:43"
    assert local_day("2026-12-31T16:00:00.000+00:00") == "2027-01-01"


def test_no_screen_has_an_emoji() -> None:
    for path in [*(ROOT / "ui").rglob("*.py"), *(ROOT / "datasets" / "wording").glob("*.po")]:
        text = path.read_text(encoding="utf-8")
        pictures = [sign for sign in text if unicodedata.category(sign) == "So" or ord(sign) > 0x1F000]
        assert not pictures, path


def test_icons_that_would_be_fetched_are_not_used() -> None:
    for path in (ROOT / "ui").rglob("*.py"):
        assert ":material/" not in path.read_text(encoding="utf-8"), path


GROUPS_OF_FEATURES = ("characters", "titles", "place")
CANDIDATE: Final[dict[str, object]] = {
    "level": 3,
    "certainty": 0.5,
    "reach_two": 0.9,
    "reach_three": 0.75,
    "reach_four": 0.25,
    "score": 0.5,
    "base": 0.2,
    "feature_parts": [
        {"feature": name, "part": part} for name, part in zip(GROUPS_OF_FEATURES, (0.05, -0.1, 0.3), strict=True)
    ],
    "learned": [{"demand_id": "D1", "achievement_id": "A7", "level": 4, "part": 0.0625}],
    "other_parts": -0.0125,
    "similarity": 0.4,
    "character_part": 0.2,
    "word_part": 0.05,
    "concept_part": 0.05,
    "field_part": 0.1,
    "shared_terms": [{"term": "碳纤维", "contribution": 0.2}, {"term": "板", "contribution": 0.1}],
    "shared_fields": ["province_4567:S3"],
}
UNLEVELLED: Final[dict[str, object]] = {
    **CANDIDATE,
    **dict.fromkeys(("level", "certainty", "reach_two", "reach_three", "reach_four", "base", "feature_parts")),
    **dict.fromkeys(("learned", "other_parts", "similarity")),
}
JUDGED: Final = {("D1", "A7"): HOSTILE}


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_level_has_its_word(level: int) -> None:
    assert level_name({"level": level}) == say(f"level.{level}", "zh_CN")
    assert level_name({"level": None}) == ""


def test_words_for_levels_stand_in_line() -> None:
    words = [aligned_level({"level": level}) for level in (1, 2, 3, 4)]
    assert len({len(word) for word in words}) == 1
    assert [word.rstrip("\u3000") for word in words] == [say(f"level.{level}", "zh_CN") for level in (1, 2, 3, 4)]
    assert aligned_level({"level": None}) == ""


def test_the_parts_of_a_score_sum_to_it() -> None:
    """The average, what judgements add, the features, loudest first, and the rest; each with its words."""
    found = _score_parts(CANDIDATE, JUDGED)
    assert sum(amount for _, amount, _ in found) == pytest.approx(0.5, abs=1e-12)
    assert [amount for _, amount, _ in found] == [0.2, 0.0625, 0.3, -0.1, 0.05, -0.0125]
    words = [label for label, _, _ in found]
    assert words[0] == say("why.base", "zh_CN")
    assert words[2:5] == [say(f"feature.{name}", "zh_CN") for name in ("place", "titles", "characters")]
    assert words[1] == say("why.like", "zh_CN", judged=HOSTILE)
    assert words[5] == say("why.other_parts", "zh_CN")


@pytest.mark.parametrize("candidate", [CANDIDATE, UNLEVELLED], ids=["levels", "no levels"])
def test_the_parts_of_a_similarity_sum_to_it(candidate: dict[str, object]) -> None:
    found = _similarity_parts(candidate)
    assert sum(amount for _, amount, _ in found) == pytest.approx(0.4, abs=1e-12)
    assert [kind for _, _, kind in found] == ["", "rest", "field"]
    assert found[0][:2] == ("碳纤维", 0.2)


def shown(candidate: dict[str, object]) -> tuple[list[Text], list[str]]:
    """The tables and the lines that a browser is sent for a candidate."""

    def script(candidate: dict[str, object], known: dict[str, str]) -> None:
        from ui.components.why import show_why

        show_why(candidate, known)

    app = AppTest.from_function(script, args=(candidate, JUDGED)).run(timeout=30)
    assert not app.exception
    tables = [read(each.proto.body) for each in app.get("html")]
    return tables, [each.value for each in (*app.markdown, *app.caption)]


def test_a_level_is_told_with_all_its_probabilities() -> None:
    _, (level, each) = shown(CANDIDATE)
    assert level == say("why.level", "zh_CN", level=say("level.3", "zh_CN"), certainty=0.5)
    shares = {4: 0.25, 3: 0.5, 2: 0.15, 1: 0.1}
    words = [
        say("why.level_share", "zh_CN", level=say(f"level.{place}", "zh_CN"), share=share)
        for place, share in shares.items()
    ]
    assert each == "　".join(words)


def test_score_and_similarity_are_taken_apart_in_two_tables() -> None:
    (score, similarity), _ = shown(CANDIDATE)
    assert HOSTILE in score.shown
    assert score.tags | similarity.tags == {"table", "tr", "td", "span"}
    assert score.shown.endswith(say("why.score_parts", "zh_CN") + "0.5000")
    assert "-0.1000" in score.shown
    assert similarity.shown.endswith(say("why.similarity_parts", "zh_CN") + "0.4000")
    assert similarity.shown.startswith("碳纤维0.2000")


def test_parts_of_nothing_are_left_out() -> None:
    parts = [{"feature": "place", "part": 0.00004}, {"feature": "titles", "part": -0.00006}]
    (score, _), _ = shown({**CANDIDATE, "feature_parts": parts, "learned": [], "other_parts": 0.0})
    assert say("feature.place", "zh_CN") not in score.shown
    assert f"{say('feature.titles', 'zh_CN')}-0.0001" in score.shown
    assert say("why.other_parts", "zh_CN") not in score.shown


def test_a_candidate_without_a_level_has_its_similarity_alone() -> None:
    """Its score was the similarity."""
    tables, lines = shown({**UNLEVELLED, "score": 0.4})
    assert lines == []
    assert [each.shown.endswith(say("why.similarity_parts", "zh_CN") + "0.4000") for each in tables] == [True]
