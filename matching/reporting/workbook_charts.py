"""Native charts of a workbook's tables, and the colours of its heat maps."""

from __future__ import annotations

from typing import Any, Final

import xlsxwriter
from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from matching.reporting.look import look
from matching.reporting.sheets import Plot, Sheet, hidden
from matching.wording import say

_TYPES: Final = {"bars": "bar", "columns": "column", "lines": "line"}
_LABELS: Final = {"count": "#,##0", "amount": "#,##0", "share": "0.0%", "days": "#,##0.0"}
_AROUND_BARS: Final = 130
_FONT: Final = 9


def add_chart(book: xlsxwriter.Workbook, place: Worksheet, sheet: Sheet, language: str) -> int | None:
    """Put the chart of a sheet's plot under its table; returns the row it begins at, None where there is none.

    Rows and columns count from 0.
    """
    plot = sheet.plot
    if plot is None or plot.kind == "heat" or not sheet.parts.height:
        return None
    shown = min(plot.most, sheet.parts.height)
    chart = book.add_chart({"type": _TYPES[plot.kind]})
    for number, name in enumerate(plot.series):
        chart.add_series(_series(place.get_name(), sheet, plot, name, number, shown))
    _axes(chart, plot)
    kind = sheet.column(plot.series[0]).kind
    title = (
        say("report.with_unit", language, title=sheet.title, unit=say("report.yuan", language))
        if kind == "amount"
        else sheet.title
    )
    chart.set_title({"name": title, "name_font": {"size": 12, "color": look().colours.text}, "overlay": False})
    chart.set_legend({"none": True} if len(plot.series) == 1 else {"position": "bottom", "font": {"size": _FONT}})
    bars = look().chart.bar_height * shown * len(plot.series) + _AROUND_BARS
    height = bars if plot.kind == "bars" else look().chart.height + _AROUND_BARS
    chart.set_size({"width": look().workbook.chart_width_pixels, "height": height})
    chart.set_chartarea({"border": {"none": True}})
    row = sheet.rows.height + 2
    described = say("chart.description", language, name=sheet.title)
    # It moves up when rows are filtered away.
    place.insert_chart(row, 0, chart, {"description": described, "object_position": 2})
    return row


def colour_heat(place: Worksheet, sheet: Sheet) -> None:
    """Colour the cells of a heat map between their least and their greatest value, the sum apart."""
    if sheet.plot is None or sheet.plot.kind != "heat" or not sheet.parts.height:
        return
    columns = [_number(sheet, name) for name in sheet.plot.series]
    scale = {
        "type": "2_color_scale",
        "min_color": look().colours.heat_least,
        "max_color": look().colours.heat_greatest_in_workbook,
    }
    # One scale over all of them, also where another column stands between.
    cells = " ".join(xl_range(1, first, sheet.parts.height, last) for first, last in _runs(columns))
    place.conditional_format(1, min(columns), sheet.parts.height, max(columns), scale | {"multi_range": cells})


def _runs(columns: list[int]) -> list[tuple[int, int]]:
    """Columns that stand beside each other, as first and last."""
    runs: list[tuple[int, int]] = []
    for column in sorted(columns):
        if runs and runs[-1][1] == column - 1:
            runs[-1] = (runs[-1][0], column)
        else:
            runs.append((column, column))
    return runs


def _series(place: str, sheet: Sheet, plot: Plot, name: str, number: int, shown: int) -> dict[str, Any]:
    label, column = _number(sheet, plot.label), _number(sheet, name)
    colours = look().colours.series
    colour = colours[number % len(colours)]
    form = _LABELS[sheet.column(name).kind]
    # A hidden cell would be drawn as a nought: then no nought is written.
    if any(hidden(sheet, name)[:shown]):
        form = f"{form};-{form};"
    series: dict[str, Any] = {
        "name": [place, 0, column],
        "categories": [place, 1, label, shown, label],
        "values": [place, 1, column, shown, column],
        "data_labels": {"value": True, "num_format": form, "font": {"size": _FONT}},
        "fill": {"color": colour},
        "gap": 60,
    }
    if plot.kind == "lines":
        del series["fill"], series["gap"]
        mark = {"type": "circle", "size": 5, "fill": {"color": colour}, "border": {"color": colour}}
        series |= {"line": {"color": colour, "width": 2}, "marker": mark}
        series["data_labels"]["position"] = "above"
    elif shown > look().chart.numbers_on_columns and plot.kind == "columns":
        del series["data_labels"]
    return series


def _axes(chart: Any, plot: Plot) -> None:  # noqa: ANN401 - the library's charts are not typed
    colours = look().colours
    categories: dict[str, Any] = {"num_font": {"size": _FONT}, "line": {"color": colours.line}}
    values: dict[str, Any] = {
        "num_font": {"size": _FONT, "color": colours.muted},
        "major_gridlines": {"visible": plot.kind != "bars", "line": {"color": colours.line, "width": 0.5}},
        "line": {"none": True},
    }
    if plot.kind == "bars":
        # The first row stands on top; the numbers at the bars' ends say what an axis would.
        chart.set_y_axis(categories | {"reverse": True})
        chart.set_x_axis(values | {"visible": False})
    else:
        chart.set_x_axis(categories)
        chart.set_y_axis(values)


def _number(sheet: Sheet, name: str) -> int:
    return [column.name for column in sheet.columns].index(name)
