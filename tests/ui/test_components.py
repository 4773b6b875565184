"""Pieces of the screens: text that stays text, sums that add up, filters that filter."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT

from matching.reporting.statistics import UNKNOWN
from ui.components.filters import with_field, with_words
from ui.components.moments import local_day, local_minute
from ui.components.plain import plain
from ui.components.record import marked
from ui.components.why import shared_words
from ui.screens.review import _first_open, _next_open

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
    return pl.DataFrame(
        {
            "title": ["碳纤维 CFRP 板", "大豆蛋白", "C++ 软件"],
            "city": ["哈尔滨", "大庆", ""],
            "main_field": ["S3", "T3", None],
        }
    )


@pytest.mark.parametrize(
    ("text", "count"), [("", 3), ("cfrp", 1), ("碳 哈尔", 1), ("碳 大庆", 0), ("c++", 1), ("大", 1), (".*", 0)]
)
def test_search_finds_every_word_in_any_column(listed: pl.DataFrame, text: str, count: int) -> None:
    assert with_words(listed, text, ("title", "city")).height == count


@pytest.mark.parametrize(("code", "titles"), [("", 3), ("S3", 1), (UNKNOWN, 1), ("N1", 0)])
def test_filter_by_field(listed: pl.DataFrame, code: str, titles: int) -> None:
    assert with_field(listed, code).height == titles


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
    assert _first_open(rows(*verdicts)) == first


@pytest.mark.parametrize(
    ("verdicts", "chosen", "following"),
    [
        ((None, None, None), "A1", "A2"),
        ((None, None, None), "A3", "A1"),
        ((None, "reject", None), "A1", "A3"),
        (("accept", None, "reject"), "A2", None),
        (("accept", "later"), "A1", None),
    ],
)
def test_a_decision_leads_to_the_next_open_candidate(
    verdicts: tuple[str | None, ...], chosen: str, following: str | None
) -> None:
    assert _next_open(rows(*verdicts), chosen) == following


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
