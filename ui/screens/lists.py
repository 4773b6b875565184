"""Lists: browse demands or achievements, search, filter by field and quality, see why a record has its fields."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from matching.intake.quality import advice
from matching.ledger import catalogue
from matching.schema import ID, ORGANISATION, Kind
from ui.access import language, ledger, t
from ui.catalogue_cache import now, quality, records
from ui.components import withdrawal
from ui.components.corrections import explained, show_fields, show_outcome
from ui.components.filters import (
    choose_field,
    choose_kind,
    choose_standing,
    field_name,
    with_field,
    with_standing,
    with_words,
)
from ui.components.record import show_record
from ui.components.tables import height_of
from ui.components.withdrawal import show_withdrawal

# A table whose rows can be selected is sent to the browser whole: longer ones are cut, and said so.
_LISTED: Final = 2_000


def show() -> None:
    """The screen."""
    st.subheader(t("lists.title"))
    _browse(choose_kind())


def _browse(kind: Kind) -> None:
    listed = records(kind)
    if listed.is_empty():
        st.info(t(f"lists.no_{kind}"))
        return
    search, state, field = st.columns([3, 2, 4])
    with search:
        text = st.text_input(t("filter.search"), key="q", bind="query-params", placeholder=t("lists.search_hint"))
    with state:
        standing = choose_standing()
    with field:
        choice = choose_field()
    listed = with_standing(listed, standing)
    found = with_words(with_field(listed, kind, choice), text, (ID[kind], "title", ORGANISATION[kind], "contact"))
    show_outcome()
    withdrawal.show_outcome()
    st.caption(t("lists.count", shown=found.height, total=listed.height))
    if found.is_empty():
        st.info(t("filter.nothing"))
        return
    if found.height > _LISTED:
        st.caption(t("lists.cut", shown=_LISTED, total=found.height))
    found = found.head(_LISTED)
    table = found.with_columns(
        pl.Series("main_field", [field_name(each) for each in found["main_field"]], dtype=pl.String())
    )
    event = st.dataframe(
        _readable(table, _columns(kind)),
        hide_index=True,
        column_config=_formats(_columns(kind)),
        placeholder="",
        height=height_of(found.height, 380),
        # The selection is a position: rows that change must not keep it.
        key=f"browse:{kind}:{now().upload}:{now().field_change}:{now().mark}:{choice.taxonomy}:{choice.code}:{standing}:{text}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = event["selection"]["rows"]
    if rows:
        _detail(kind, str(found[ID[kind]][rows[0]]))
    else:
        st.caption(t("lists.select_hint"))


def _columns(kind: Kind) -> list[str]:
    middle = (
        ["city", "investment_yuan", "deadline"] if kind == "demands" else ["maturity", "price_yuan", "completed_on"]
    )
    return [
        ID[kind],
        "title",
        ORGANISATION[kind],
        "main_field",
        "confidence",
        "decided_by",
        *middle,
        "quality",
        "status",
    ]


def _readable(table: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """The columns under their headings, codes by their words, lists as texts."""
    shown = table.select(columns)
    for column in ("status", "visibility"):
        if column in columns:
            words = {code: t(f"{column}.{code}") for code in shown[column].unique()}
            shown = shown.with_columns(pl.col(column).replace(words))
    return shown.with_columns(
        pl.col(pl.List(pl.String())).list.join("；"),
        # As text: the browser's table would show a day with its midnight.
        pl.col(pl.Date()).dt.to_string("%Y-%m-%d").fill_null(""),
    ).rename({column: t(f"column.{column}") for column in columns})


def _formats(columns: list[str]) -> dict[str, Any]:
    """Aligned figures: amounts with thousands set off, confidence with two decimals."""
    formats = {"investment_yuan": "localized", "price_yuan": "localized", "confidence": "%.2f"}
    return {
        t(f"column.{column}"): st.column_config.NumberColumn(format=formats[column])
        for column in columns
        if column in formats
    }


def _detail(kind: Kind, record_id: str) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(border=True):
        fields, terms = explained(kind, record_id)
        show_record(catalogue.record(ledger(), kind, record_id), kind, terms, "")
        _show_advice(kind, record_id)
    with right, st.container(border=True):
        show_fields(kind, record_id, fields)
        show_withdrawal(kind, record_id)


def _show_advice(kind: Kind, record_id: str) -> None:
    """What to add to a record that lacks something, sentence by sentence."""
    scored = quality(kind).filter(pl.col("record_id") == record_id)
    if scored.is_empty() or scored["lacks"].list.len()[0] == 0:
        return
    st.markdown(f"**{t('lists.advice', quality=scored['quality'][0])}**")
    for sentence in advice(kind, scored["lacks"][0], language()):
        st.text(sentence)
