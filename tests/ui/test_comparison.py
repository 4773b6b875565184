"""Two candidates side by side: what differs is set off, figures add up, text stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

import pytest
from records import records
from streamlit.testing.v1 import AppTest

from matching.wording import say

HOSTILE: Final = '<img src=x onerror=alert(1)> & "h" ![a](http://b)'
ROW: Final[dict[str, object]] = {
    "rank": 1,
    "level": 4,
    "certainty": 0.93,
    "score": 0.9,
    "base": 0.2,
    "feature_parts": [{"feature": "characters", "part": 0.5}, {"feature": "titles", "part": 0.1}],
    "learned": [{"demand_id": "D1", "achievement_id": "A7", "level": 4, "part": 0.125}],
    "other_parts": -0.025,
    "similarity": 0.4,
    "character_part": 0.25,
    "word_part": 0.05,
    "concept_part": 0.0,
    "field_part": 0.1,
    "shared_terms": [
        {"term": "碳纤维", "contribution": 0.2},
        {"term": HOSTILE, "contribution": 0.1},
        {"term": "板", "contribution": 0.1},
    ],
}
OTHER: Final[dict[str, object]] = {
    **ROW,
    "rank": 2,
    "level": 3,
    "certainty": 0.5,
    "score": 0.6,
    "feature_parts": [{"feature": "characters", "part": 0.45}, {"feature": "titles", "part": -0.2}],
    "learned": [],
    "other_parts": 0.15,
    "field_part": 0.0,
    "shared_terms": [{"term": "碳纤维", "contribution": 0.2}],
}
UNLEVELLED: Final[dict[str, object]] = {
    **ROW,
    **dict.fromkeys(("level", "certainty", "feature_parts", "learned", "base", "other_parts", "similarity")),
}


class Table(HTMLParser):
    """The rows of a table by their first cell: the texts of the others, those set off, and the tags there are."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.differs: set[str] = set()
        self.marked: list[str] = []
        self.tags: set[str] = set()
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "mark":
            self.marked.append("")
        if ("class", "differs") in attrs:
            self.differs.add(self.rows[-1][0])
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
        if self._in == "mark":
            self.marked[-1] += data

    def row(self, label: str) -> list[str]:
        [found] = [row[1:] for row in self.rows if row[0] == label]
        return found

    def between(self, first: str, last: str) -> list[list[str]]:
        labels = [row[0] for row in self.rows]
        start = labels.index(first)
        return self.rows[start + 1 : labels.index(last, start)]


def compared(first: dict[str, object], second: dict[str, object], **achievement: object) -> Table:
    """The table that a browser is sent; `achievement` is what the second one's record has other than the first's."""

    def script(demand: object, rows: list[object], records: list[object], failed: list[str]) -> None:
        from ui.components.comparison import Side, show_comparison

        first, second = Side(rows[0], records[0], 80, failed), Side(rows[1], records[1], None)
        show_comparison(demand, first, second)

    common = {"title": HOSTILE, "institute": "甲所", "maturity": "中试", "price_yuan": 800_000, "status": "available"}
    demand = records("demands", {"title": HOSTILE, "enterprise": HOSTILE, "investment_yuan": 10_000}).to_dicts()[0]
    two = records("achievements", common, {**common, **achievement}).to_dicts()
    app = AppTest.from_function(script, args=(demand, [first, second], two, [HOSTILE])).run(timeout=30)
    assert not app.exception
    [html] = [each.proto.body for each in app.get("html")]
    assert "<img" not in html
    table = Table()
    table.feed(re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return table


def words(key: str) -> str:
    return say(key, "zh_CN")


def test_text_of_records_stays_text() -> None:
    table = compared(ROW, OTHER)
    assert table.tags == {"div", "h4", "table", "tr", "th", "td", "span", "mark"}
    assert table.rows[0][1:3] == [HOSTILE, HOSTILE]
    assert table.row(words("compare.change"))[:2] == [HOSTILE, words("compare.nothing")]


def test_values_that_differ_are_set_off() -> None:
    table = compared(ROW, OTHER, maturity="小试", price_yuan=None, status="negotiating")
    assert table.row(words("compare.maturity"))[:2] == ["中试（技术就绪度 5-6 级）", "小试（技术就绪度 4 级）"]
    assert table.row(words("compare.price_yuan"))[:2] == ["转让价 80 万元", words("compare.not_stated")]
    assert table.row(words("column.quality"))[:2] == ["80", words("compare.not_stated")]
    assert table.row(words("compare.level"))[:2] == [words("level.4"), words("level.3")]
    assert table.differs == {words(f"compare.{name}") for name in ("maturity", "price_yuan", "status", "level")} | {
        words("column.rank"),
        words("column.certainty"),
        words("column.quality"),
    }


def test_what_is_the_same_is_not_set_off() -> None:
    assert compared(ROW, ROW).differs == {words("column.quality")}


def test_parts_and_their_differences_sum_to_the_scores() -> None:
    rows = compared(ROW, OTHER).between(words("compare.score_parts"), words("why.similarity_parts"))
    *parts, total = [[float(cell) for cell in row[1:]] for row in rows]
    assert total == [0.9, 0.6, -0.3]
    assert [sum(column) for column in zip(*parts, strict=True)] == pytest.approx(total, abs=1e-4)
    # The greatest difference of the features first.
    labels = [row[0] for row in rows]
    assert labels.index(words("feature.titles")) < labels.index(words("feature.characters"))


def test_the_parts_of_the_similarity_sum_to_it_and_nothing_is_left_out() -> None:
    rows = compared(ROW, OTHER).between(words("why.similarity_parts"), words("compare.facts"))
    *parts, total = [[float(cell) for cell in row[1:]] for row in rows]
    assert total == [0.4, 0.3, -0.1]
    assert [sum(column) for column in zip(*parts, strict=True)] == pytest.approx(total, abs=1e-4)
    assert words("column.concept_part") not in [row[0] for row in rows]


def test_terms_that_one_alone_shares_are_marked() -> None:
    table = compared(ROW, OTHER)
    assert table.row(words("column.shared_terms"))[:2] == [f"碳纤维、{HOSTILE}", "碳纤维"]
    assert table.marked == [HOSTILE]


def test_candidates_without_levels_are_compared_by_their_similarity() -> None:
    table = compared(UNLEVELLED, UNLEVELLED)
    assert words("compare.score_parts") not in [row[0] for row in table.rows]
    assert table.row(words("column.similarity"))[0] == "0.4000"
