"""The statistics as a workbook, the same from the command line and from the screen."""

from __future__ import annotations

from datetime import UTC
from io import BytesIO
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
import xlsxwriter

from matching.fields.taxonomies import first_taxonomy
from matching.reporting.statistics import UNKNOWN, Statistics
from matching.reporting.tables import add_table
from matching.wording import say

TABLES: Final = ("funnel", "by_field", "by_institute", "by_month")


def readable_tables(figures: Statistics, language: str) -> dict[str, pl.DataFrame]:
    """The tables with steps and fields by their names instead of codes, in the order of TABLES."""
    taxonomy = first_taxonomy()
    fields = {node.code: node.name(language) for node in taxonomy.fields} | {UNKNOWN: say("field.unknown", language)}
    steps = {step: say(f"funnel.{step}", language) for step in figures.funnel["step"]}
    return {
        "funnel": figures.funnel.with_columns(pl.col("step").replace_strict(steps)),
        "by_field": figures.by_field.with_columns(pl.col("code").replace_strict(fields)).rename({"code": "field"}),
        "by_institute": figures.by_institute.with_columns(
            pl.col("institute").replace({"": say("institute.unknown", language)})
        ),
        "by_month": figures.by_month,
    }


def report_bytes(figures: Statistics, timezone: str, language: str) -> bytes:
    """A workbook: what it covers and when it was made, then a sheet per table, the funnel with its chart."""
    target = BytesIO()
    with xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        workbook.set_properties({"created": figures.at.astimezone(UTC).replace(tzinfo=None)})
        _cover(workbook, figures, timezone, language)
        for name, table in readable_tables(figures, language).items():
            sheet = workbook.add_worksheet(say(f"sheet.{name}", language))
            add_table(workbook, sheet, table, language)
            if name in ("funnel", "by_field"):
                _chart(workbook, sheet, table, language)
    return target.getvalue()


def _cover(workbook: xlsxwriter.Workbook, figures: Statistics, timezone: str, language: str) -> None:
    sheet = workbook.add_worksheet(say("sheet.cover", language))
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 60)
    title = workbook.add_format({"bold": True, "font_size": 16})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    local = figures.at.astimezone(ZoneInfo(timezone))
    sheet.write_string(0, 0, say("report.title", language), title)
    lines = [
        (say("report.at", language), local.strftime("%Y-%m-%d %H:%M")),
        (say("report.timezone", language), timezone),
        (say("report.achievements", language), str(figures.achievements)),
        (say("report.definitions", language), say("report.definitions_text", language)),
    ]
    for row, (label, text) in enumerate(lines, start=2):
        sheet.write_string(row, 0, label, wrapped)
        sheet.write_string(row, 1, text, wrapped)


def _chart(
    workbook: xlsxwriter.Workbook,
    sheet: xlsxwriter.workbook.Worksheet,
    table: pl.DataFrame,
    language: str,
) -> None:
    chart = workbook.add_chart({"type": "bar"})
    name = sheet.get_name()
    for column in range(1, min(3, table.width)):
        chart.add_series(
            {
                "name": [name, 0, column],
                "categories": [name, 1, 0, table.height, 0],
                "values": [name, 1, column, table.height, column],
                "data_labels": {"value": True},
            }
        )
    chart.set_title({"name": name})
    chart.set_y_axis({"reverse": True})
    if table.width == 2:
        chart.set_legend({"none": True})
    else:
        chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 640, "height": 24 * table.height + 160})
    sheet.insert_chart(1, table.width + 1, chart, {"description": say("chart.description", language, name=name)})
