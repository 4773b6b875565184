"""Charts of sheets, the same on the screen and on paper.

What is drawn stands in the chart itself under names of its own, so that no text of a catalogue is taken for an
expression or a path.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import altair as alt
import polars as pl

from matching.reporting.drawing import draw
from matching.reporting.look import look
from matching.reporting.sheets import SHOWN, ColumnKind, Plot, Sheet, hidden, not_shown, rounded
from matching.wording import DEFAULT_LANGUAGE, say

Chart = alt.Chart | alt.LayerChart
Width = int | Literal["container"]

# Fen in 10,000 yuan, and the power of ten that divides by it.
_TEN_THOUSAND_YUAN: Final = 10**6
_SHIFT: Final = -6
_AXIS: Final = {"count": ",d", "amount": ",~r", "share": ".0%", "days": ",~r"}
# Pixels between the bars of two categories, and of a line of words above or below them.
_BETWEEN: Final = 8
_LINE: Final = 24
# Tells categories of one name apart without being seen.
_UNSEEN: Final = chr(0x200B)
# Controls, marks of direction, surrogates, private and unassigned characters; lines and paragraphs.
_UNDRAWN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Characters past the last of two bytes may be cut in half.
_LAST_DRAWN: Final = chr(0xFFFF)
_IN_PLACE: Final = chr(0xFFFD)
_DRAWN: Final = {
    "category": pl.String(),
    "series": pl.String(),
    "value": pl.Float64(),
    "end": pl.Float64(),
    "text": pl.String(),
    "light": pl.Boolean(),
}


def chart(sheet: Sheet, *, width: Width = "container", language: str = DEFAULT_LANGUAGE) -> Chart:
    """The chart of a sheet that has a plot: its first rows in their order, the sum left out.

    `width` is in pixels, labels and numbers included. Amounts are drawn in 10,000 yuan. Hidden cells are not drawn;
    their wording stands in their place.
    """
    plot = sheet.plot
    if plot is None:
        raise ValueError(sheet.code)
    rows = drawn(sheet, plot, language)
    draw: dict[str, Callable[[alt.Chart, Sheet, Plot, str], Chart]] = {
        "bars": _bars,
        "columns": _columns,
        "lines": _lines,
        "heat": _heat,
    }
    made = draw[plot.kind](alt.Chart(rows), sheet, plot, language)
    return _styled(made.properties(width=width))


def svgs(sheets: Sequence[tuple[Sheet, int]], language: str) -> list[str | None]:
    """The charts of sheets that have a plot, each with its width, as SVG texts; None for one that cannot be drawn."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return draw([chart(sheet, width=width, language=language).to_dict() for sheet, width in sheets], version)


def drawn(sheet: Sheet, plot: Plot, language: str) -> pl.DataFrame:
    """What is drawn, a row per cell: category, series (its heading), value, end (where its text stands), text.

    `light` says whether the text stands on a dark cell.
    """
    parts = sheet.parts.head(plot.most)
    categories = _apart(["" if each is None else str(each) for each in parts[plot.label].to_list()])
    headings = _series_order(sheet, plot)
    rows: list[tuple[str, str, float | None, str]] = []
    for name, heading in zip(plot.series, headings, strict=True):
        kind = sheet.column(name).kind
        cells = zip(categories, parts[name].to_list(), hidden(sheet, name), strict=False)
        for category, value, veiled in cells:
            text = not_shown(language) if veiled else "" if value is None else _text(kind, value)
            scaled = None if value is None else value / (_TEN_THOUSAND_YUAN if kind == "amount" else 1)
            rows.append((category, heading, scaled, text))
    greatest = max((value for _, _, value, _ in rows if value is not None), default=0)
    limit = greatest * look().chart.light_from
    lit = [
        (category, series, value, value or 0.0, text, value is not None and value > limit)
        for category, series, value, text in rows
    ]
    return pl.DataFrame(lit, schema=_DRAWN, orient="row")


def _text(kind: ColumnKind, value: float) -> str:
    return rounded(value, 1, shift=_SHIFT) if kind == "amount" else SHOWN[kind](value)


def _drawable(text: str) -> str:
    """A text of characters that every library can draw: the rest would end the process that prints a chart."""
    kept = "".join(
        " " if unicodedata.category(each) in _UNDRAWN else each if each <= _LAST_DRAWN else _IN_PLACE for each in text
    )
    return kept[: look().chart.label_characters]


def _apart(texts: list[str]) -> list[str]:
    """Texts of which none stands twice."""
    before: Counter[str] = Counter()
    apart = []
    for text in map(_drawable, texts):
        apart.append(text + _UNSEEN * before[text])
        before[text] += 1
    return apart


def _unit(sheet: Sheet, plot: Plot, language: str) -> str | None:
    """The title of the axis of values: the unit where it is not plain."""
    return say("report.ten_thousand_yuan", language) if _kind(sheet, plot) == "amount" else None


def _kind(sheet: Sheet, plot: Plot) -> ColumnKind:
    return sheet.column(plot.series[0]).kind


def _axis(sheet: Sheet, plot: Plot) -> dict[str, Any]:
    """The axis of values: whole steps for counts."""
    kind = _kind(sheet, plot)
    return {"format": _AXIS[kind]} | ({"tickMinStep": 1} if kind == "count" else {})


def _series_order(sheet: Sheet, plot: Plot) -> list[str]:
    return _apart([sheet.column(name).heading for name in plot.series])


def _colour(sheet: Sheet, plot: Plot) -> alt.Color:
    order = _series_order(sheet, plot)
    colours = look().colours.series
    palette = [colours[number % len(colours)] for number in range(len(order))]
    legend = alt.Legend(orient="top", title=None) if len(order) > 1 else None
    return alt.Color("series:N", scale=alt.Scale(domain=order, range=palette), legend=legend)


def _bars(base: alt.Chart, sheet: Sheet, plot: Plot, language: str) -> Chart:
    order = _series_order(sheet, plot)
    unit = _unit(sheet, plot, language)
    x = alt.X("value:Q", title=unit, axis={"labels": False})
    placed = base.encode(y=alt.Y("category:N", sort=None, title=None), x=x)
    if len(order) > 1:
        placed = placed.encode(yOffset=alt.YOffset("series:N", sort=order))
    bars = placed.mark_bar().encode(color=_colour(sheet, plot))
    # A cell that is not drawn has its text where its bar would begin.
    numbers = placed.mark_text(align="left", baseline="middle", dx=4).encode(
        text="text:N", x=alt.X("end:Q", title=unit)
    )
    rows = min(plot.most, sheet.parts.height)
    height = max(rows, 1) * (look().chart.bar_height * len(order) + _BETWEEN)
    # The height holds these lines as well: without them few bars would have to stand in what they leave.
    height += _LINE * (bool(unit) + (len(order) > 1))
    layers = alt.LayerChart(layer=[bars, numbers])
    return layers.properties(height=height)


def _columns(base: alt.Chart, sheet: Sheet, plot: Plot, language: str) -> Chart:
    order = _series_order(sheet, plot)
    placed = base.encode(
        x=alt.X("category:N", sort=None, title=None, axis=alt.Axis(labelAngle=_angle(sheet, plot))),
        y=alt.Y("value:Q", title=_unit(sheet, plot, language), axis=_axis(sheet, plot)),
    )
    if len(order) > 1:
        placed = placed.encode(xOffset=alt.XOffset("series:N", sort=order))
    columns = placed.mark_bar().encode(color=_colour(sheet, plot))
    if min(plot.most, sheet.parts.height) * len(order) > look().chart.numbers_on_columns:
        alone: alt.Chart = columns.properties(height=look().chart.height)
        return alone
    numbers = placed.mark_text(baseline="bottom", dy=-3).encode(
        text="text:N", y=alt.Y("end:Q", title=_unit(sheet, plot, language))
    )
    layers = alt.LayerChart(layer=[columns, numbers])
    return layers.properties(height=look().chart.height)


def _lines(base: alt.Chart, sheet: Sheet, plot: Plot, language: str) -> Chart:
    made: alt.Chart = (
        base.mark_line(point=alt.OverlayMarkDef(size=30, filled=True), strokeWidth=2)
        .encode(
            x=alt.X("category:N", sort=None, title=None, axis=alt.Axis(labelAngle=_angle(sheet, plot))),
            y=alt.Y("value:Q", title=_unit(sheet, plot, language), axis=_axis(sheet, plot)),
            color=_colour(sheet, plot),
        )
        .properties(height=look().chart.height)
    )
    return made


def _heat(base: alt.Chart, sheet: Sheet, plot: Plot, language: str) -> Chart:
    colours = look().colours
    placed = base.encode(
        x=alt.X(
            "series:N",
            sort=_series_order(sheet, plot),
            title=_unit(sheet, plot, language),
            axis=alt.Axis(orient="top", labelAngle=0, domain=False),
        ),
        y=alt.Y("category:N", sort=None, title=None, axis=alt.Axis(domain=False)),
    )
    scale = alt.Scale(range=[colours.heat_least, colours.heat_greatest], zero=True)
    cells = placed.mark_rect(stroke=colours.paper, strokeWidth=1, invalid=None).encode(
        color=alt.condition(
            "datum.value === null",
            alt.value(colours.hidden),
            alt.Color("value:Q", scale=scale, legend=None),
        )
    )
    numbers = placed.mark_text(baseline="middle").encode(
        text="text:N", color=alt.condition("datum.light", alt.value(colours.paper), alt.value(colours.text))
    )
    rows = min(plot.most, sheet.parts.height)
    return alt.LayerChart(layer=[cells, numbers]).properties(height=max(rows, 1) * look().chart.heat_row_height)


def _angle(sheet: Sheet, plot: Plot) -> int:
    """Labels lie while there is room for them."""
    return 0 if min(plot.most, sheet.parts.height) <= look().chart.numbers_on_columns else -40


def _styled(made: Chart) -> Chart:
    sizes, colours = look().chart, look().colours
    font = ", ".join(sizes.fonts)
    styled: Chart = (
        made.configure(font=font, autosize=alt.AutoSizeParams(type="fit", contains="padding"), padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=colours.text,
            labelFontSize=sizes.font_size,
            labelLimit=sizes.label_width,
            titleColor=colours.muted,
            titleFontSize=sizes.font_size,
            titleFontWeight="normal",
            domainColor=colours.line,
            tickColor=colours.line,
            grid=False,
            ticks=False,
            labelPadding=6,
        )
        .configure_text(color=colours.text, fontSize=sizes.font_size - 1)
        .configure_legend(labelColor=colours.text, labelFontSize=sizes.font_size, symbolType="square", offset=4)
    )
    return styled
