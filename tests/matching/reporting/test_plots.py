"""Charts: what they draw, in which order, and that nobody waits for their library who draws none."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import report_examples as examples
import vl_convert
from own_process import output_of

from matching.data_files import data_path
from matching.errors import DataFileError
from matching.reporting.drawing import draw
from matching.reporting.look import look, read_look
from matching.reporting.plots import chart, drawn, svgs
from matching.reporting.sheets import Column, Plot, Sheet


def of(sheet: Sheet, language: str = "zh_CN") -> pl.DataFrame:
    assert sheet.plot is not None
    return drawn(sheet, sheet.plot, language)


def svg(sheet: Sheet, language: str = "zh_CN") -> str:
    """The chart drawn in this process, which is quicker."""
    spec = chart(sheet, width=700, language=language).to_dict()
    return str(vl_convert.vegalite_to_svg(spec, vl_version="6.4"))


def written(sheet: Sheet, language: str = "zh_CN") -> list[str]:
    """Texts of the chart as it is printed, in their order."""
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg(sheet, language))]


def amounts(fen: list[int | None], names: list[str]) -> Sheet:
    columns = (Column("city", "城市", "text"), Column("fen", "成交额（元）", "amount"))
    return Sheet(
        "cities", "各市成交额", "", columns, pl.DataFrame({"city": names, "fen": fen}), Plot("bars", "city", ("fen",))
    )


def test_rows_are_drawn_in_their_order_without_the_sum() -> None:
    assert of(examples.by_field()).select("category", "series", "value", "text").rows() == [
        ("=1+1", "需求", 1200.0, "1,200"),
        ("生物<b>", "需求", 34.0, "34"),
        ("新材料", "需求", 7.0, "7"),
        ("=1+1", "签约", 20.0, "20"),
        ("生物<b>", "签约", None, "未显示"),
        ("新材料", "签约", 6.0, "6"),
    ]


def test_only_the_first_rows_are_drawn() -> None:
    sheet = examples.by_field(Plot("bars", "field", ("demands",), most=2))
    assert of(sheet)["category"].to_list() == ["=1+1", "生物<b>"]


def test_amounts_are_drawn_in_ten_thousand_yuan() -> None:
    rows = of(amounts([12_345_678_901, 50_000, None], ["哈尔滨", "大庆", "伊春"]))
    assert rows["value"].to_list() == [pytest.approx(12_345.678901), 0.05, None]
    # Half a unit is rounded up.
    assert rows["text"].to_list() == ["12,345.7", "0.1", ""]
    assert "万元" in written(amounts([1_000_000], ["哈尔滨"]))
    assert "10,000 yuan" in written(amounts([1_000_000], ["Harbin"]), "en")


def test_two_rows_of_one_name_are_two_bars() -> None:
    sheet = amounts([1_000_000, 2_000_000], ["大庆", "大庆"])
    assert of(sheet)["category"].n_unique() == 2
    assert [text.strip(chr(0x200B)) for text in written(sheet)].count("大庆") == 2


@pytest.mark.parametrize("kind", ["bars", "columns", "lines", "heat"])
def test_every_kind_is_drawn_with_categories_in_the_order_of_the_rows(kind: str) -> None:
    names = ["丙", "甲", "乙"]
    columns = (Column("n", "名称", "text"), Column("a", "接受", "count"), Column("b", "拒绝", "count"))
    rows = pl.DataFrame({"n": names, "a": [3, 2, 1], "b": [0, None, 9], "b:hidden": [False, True, False]})
    sheet = Sheet("x", "图", "", columns, rows, Plot(kind, "n", ("a", "b")))  # type: ignore[arg-type]
    texts = written(sheet)
    assert [text for text in texts if text in names] == names
    assert {"接受", "拒绝"} <= set(texts)
    assert ("未显示" in texts) == (kind != "lines")


def test_numbers_stand_on_columns_while_there_is_room() -> None:
    columns = (Column("n", "月份", "text"), Column("a", "接受", "count"))
    few, many = (
        Sheet("x", "图", "", columns, pl.DataFrame({"n": [f"m{i}" for i in range(count)], "a": [777] * count}))
        for count in (look().chart.numbers_on_columns, look().chart.numbers_on_columns + 1)
    )
    plot = Plot("columns", "n", ("a",), most=99)
    assert written(replace(few, plot=plot)).count("777") == look().chart.numbers_on_columns
    assert "777" not in written(replace(many, plot=plot))


def test_numbers_in_a_heat_map_are_light_where_its_colour_is_dark() -> None:
    assert of(examples.heat()).select("value", "light").rows() == [
        (10.0, False),
        (0.0, False),
        (None, False),
        (40.0, True),
        (20.0, False),
        (7.0, False),
    ]


def test_a_table_of_a_sum_alone_has_an_empty_chart() -> None:
    sheet = replace(examples.by_field(), rows=examples.by_field().rows.tail(1))
    assert of(sheet).is_empty()
    assert "<svg" in svg(sheet)


def test_a_sheet_without_a_plot_has_no_chart() -> None:
    with pytest.raises(ValueError, match="by_field"):
        chart(replace(examples.by_field(), plot=None))


def test_colours_fonts_and_width_are_those_of_the_look() -> None:
    spec: dict[str, Any] = chart(examples.by_field(), width=640).to_dict()
    assert spec["width"] == 640
    assert spec["config"]["font"].split(", ") == list(look().chart.fonts)
    assert spec["config"]["axis"]["grid"] is False
    colour = spec["layer"][0]["encoding"]["color"]
    assert colour["scale"] == {"domain": ["需求", "签约"], "range": list(look().colours.series[:2])}
    assert chart(examples.by_field()).to_dict()["width"] == "container"


def test_a_text_is_never_an_expression_nor_markup() -> None:
    sheet = amounts([1, 2], ["datum.value</text><script>", "{{a.b['c']}}"])
    text = svg(sheet)
    assert "<script" not in text
    assert {"datum.value</text><script>", "{{a.b['c']}}"} <= set(written(sheet))


def test_charts_are_drawn_the_same_in_a_process_of_their_own() -> None:
    made = svgs([(examples.by_field(), 700), (examples.heat(), 700), (examples.heat(), 700)], "en")
    assert made == [svg(each, "en") for each in (examples.by_field(), examples.heat(), examples.heat())]


def test_the_command_line_does_not_wait_for_the_charts() -> None:
    code = (
        "import sys, matching.cli.statistics\n"
        "import matching.reporting.page, matching.reporting.workbook, matching.reporting.csv_files\n"
        "print([name for name in ('altair', 'vl_convert') if name in sys.modules])"
    )
    assert output_of(code).strip() == "[]"


def test_characters_that_cannot_be_drawn_are_left_out() -> None:
    assert of(amounts([1], ["a\x00b\u202ec\ufeff\uffff\U00020000" + "字" * 100]))["category"].to_list() == [
        "a b c  \ufffd" + "字" * 72
    ]


def test_characters_that_the_library_cannot_measure_do_not_reach_it() -> None:
    """They would end this process."""
    codes = [
        *range(0x180),
        *range(0x2000, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xFEF0, 0xFF10),
        *range(0xFFF0, 0x10000),
    ]
    size = look().chart.label_characters
    names = ["".join(map(chr, codes[start : start + size])) for start in range(0, len(codes), size)]
    assert "<svg" in svg(amounts([1] * len(names), names))


def test_a_chart_that_ends_its_process_takes_no_other_with_it() -> None:
    good = chart(examples.heat(), width=400).to_dict()
    deadly = {"mark": {"type": "text", "text": "\x00"}, "data": {"values": [{}]}}
    first, second, third = draw([good, deadly, good], "6.4")
    assert first == third is not None
    assert second is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('text = "#24313a"', 'text = "black"'),
        ("bar_height = 14", "bar_height = 0"),
        ("[page]", "[paper]"),
        ("[page]", "["),
    ],
)
def test_a_look_that_breaks_a_rule_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = data_path("reporting", "look.toml").read_text("utf-8")
    assert old in text
    file = tmp_path / "look.toml"
    file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(DataFileError) as refused:
        read_look(file)
    assert "look.toml" in refused.value.text("en")
