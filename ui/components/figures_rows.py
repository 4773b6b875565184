"""The rows behind a figure, as far as the viewer may see them."""

from __future__ import annotations

from typing import Final

import polars as pl
import streamlit as st

from matching.reporting.behind import rows_behind
from matching.reporting.code_names import code_name
from matching.reporting.facts import Facts
from matching.reporting.period import Period
from ui.access import language, t
from ui.catalogue_cache import records
from ui.components.figures_sheet import Cell
from ui.components.plain import plain
from ui.components.tables import height_of

_MOST: Final = 2_000
_TALLEST: Final = 380
_FEN: Final = 100
_AMOUNTS: Final = ("amount_fen", "total_fen", "technical_fen")


def show_rows(facts: Facts, cell: Cell, period: Period, key: str) -> None:
    """The rows that a figure counts where dimensions have these codes; those alone that the viewer may see."""
    figure, where = cell
    found = rows_behind(facts, figure, where, period)
    named = [code_name(dimension, code, language()) for dimension, code in where.items()] or [t("stats.whole")]
    title = t("figures.cell", figure=t(f"figure.{figure}"), where=named)
    shown = _named(found)
    st.markdown(f"**{plain(title)}**")
    st.caption(_how_many(found.height, shown.height))
    words = {"day": t("figures.day"), "amount_fen": t("figure.paid_fen")}
    words |= {name: t(f"figure.{name}") for name in ("total_fen", "technical_fen")}
    shown = shown.head(_MOST).with_columns(pl.col(name) / _FEN for name in _AMOUNTS if name in shown.columns)
    amounts = {words[name]: st.column_config.NumberColumn(format="accounting") for name in _AMOUNTS}
    st.dataframe(
        shown.rename(lambda name: words.get(name) or t(f"column.{name}")),
        hide_index=True,
        height=height_of(shown.height, _TALLEST),
        placeholder="",
        column_config=amounts,
        key=f"rows:{key}:{figure}:{sorted(where.items())}",
    )


def _how_many(found: int, shown: int) -> str:
    if shown < found:
        return t("figures.rows_not_all", count=shown)
    return t("figures.rows_first", count=found, most=_MOST) if found > _MOST else t("figures.rows", count=found)


def _named(found: pl.DataFrame) -> pl.DataFrame:
    """Rows with titles and organisations, those alone whose records the viewer may see."""
    for kind, identity, organisation, title in (
        ("demands", "demand_id", "enterprise", "demand_title"),
        ("achievements", "achievement_id", "institute", "achievement_title"),
    ):
        if identity in found.columns:
            listed = records(kind).select(identity, organisation, pl.col("title").alias(title))  # type: ignore[arg-type]
            found = found.join(listed, on=identity, maintain_order="left")
    order = (
        "day",
        "deal_id",
        "demand_id",
        "demand_title",
        "enterprise",
        "achievement_id",
        "achievement_title",
        "institute",
    )
    return found.select(*(name for name in (*order, *_AMOUNTS) if name in found.columns))
