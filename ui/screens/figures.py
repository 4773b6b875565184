"""Statistics: the funnel and its cuts as charts and tables, and the report to download."""

from __future__ import annotations

from typing import Final

import altair as alt
import polars as pl
import streamlit as st

from matching.reporting.report import readable_tables, report_bytes
from ui.access import language, settings, t
from ui.catalogue_cache import figures

_INSTITUTES_CHARTED: Final = 15
_ROW: Final = 26
_ROWS_SHOWN: Final = 24
_HEADLINE: Final = ("demands", "candidates", "reviewed", "accepted", "signed")

Chart = alt.Chart | alt.LayerChart


def show() -> None:
    """The screen."""
    found = figures()
    tables = readable_tables(found, language())
    title, download = st.columns([4, 1], vertical_alignment="bottom")
    title.subheader(t("figures.title"))
    if not found.funnel["count"][0] and not found.achievements:
        st.info(t("figures.empty"))
        return
    with download:
        st.download_button(
            t("figures.download"),
            report_bytes(found, settings().timezone, language()),
            file_name=f"duijie-{found.at:%Y%m%d}.xlsx",
            key="report",
            on_click="ignore",
            width="stretch",
        )
    _headline(found.achievements, dict(found.funnel.iter_rows()))
    _section("funnel", _bars(tables["funnel"], "step", ["count"]), tables["funnel"])
    fields = tables["by_field"]
    _section("by_field", _bars(fields, "field", ["demands", "achievements"]), fields)
    institutes = tables["by_institute"]
    charted = institutes.head(_INSTITUTES_CHARTED)
    _section("by_institute", _bars(charted, "institute", ["achievements", "shown"]), institutes)
    months = tables["by_month"]
    if months.is_empty():
        st.markdown(f"**{t('sheet.by_month')}**")
        st.text(t("figures.no_month"))
    else:
        _section("by_month", _columns(months, "month", ["accepted", "rejected"]), months)


def _headline(achievements: int, funnel: dict[str, int]) -> None:
    """The main figures in one line."""
    figures_shown = {step: funnel[step] for step in _HEADLINE}
    places = st.columns(len(figures_shown) + 1)
    for place, (step, count) in zip(places, figures_shown.items(), strict=False):
        place.metric(t(f"funnel.{step}"), f"{count:,}")
    places[-1].metric(t("report.achievements"), f"{achievements:,}")


def _section(name: str, chart: Chart, table: pl.DataFrame) -> None:
    st.markdown(f"**{t(f'sheet.{name}')}**")
    left, right = st.columns([3, 2], gap="large")
    left.altair_chart(chart, alt=t("chart.description", name=t(f"sheet.{name}")))
    right.dataframe(
        table.rename({column: t(f"column.{column}") for column in table.columns}),
        hide_index=True,
        height="content" if table.height <= _ROWS_SHOWN else 35 * _ROWS_SHOWN,
    )


def _long(table: pl.DataFrame, label: str, series: list[str]) -> pl.DataFrame:
    return table.unpivot(series, index=label, variable_name="series", value_name="value").with_columns(
        pl.col("series").replace({name: t(f"column.{name}") for name in series})
    )


def _bars(table: pl.DataFrame, label: str, series: list[str]) -> Chart:
    """Horizontal bars with their numbers, one group per row of the table, in its order."""
    order = table[label].to_list()
    base = alt.Chart(_long(table, label, series)).encode(
        y=alt.Y(f"{label}:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
        x=alt.X("value:Q", title=None, axis=alt.Axis(tickMinStep=1, format=",d")),
        yOffset=alt.YOffset("series:N", sort=[t(f"column.{name}") for name in series]),
    )
    legend = alt.Legend(orient="top", title=None) if len(series) > 1 else None
    bars = base.mark_bar().encode(color=alt.Color("series:N", legend=legend, sort=None))
    numbers = base.mark_text(align="left", dx=4).encode(text=alt.Text("value:Q", format=",d"))
    height = max(len(order) * _ROW * (1 if len(series) == 1 else 1.3), 120)
    return alt.LayerChart(layer=[bars, numbers], height=height)


def _columns(table: pl.DataFrame, label: str, series: list[str]) -> Chart:
    chart: alt.Chart = (
        alt.Chart(_long(table, label, series))
        .mark_bar(size=22)
        .encode(
            x=alt.X(f"{label}:O", title=None, axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("series:N", sort=None),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(tickMinStep=1, format=",d")),
            color=alt.Color("series:N", legend=alt.Legend(orient="top", title=None), sort=None),
        )
        .properties(height=220)
    )
    return chart
