"""A demand or an achievement as text, with the terms that both sides share marked. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from html import escape
from typing import Final, cast

import streamlit as st

from matching.fields.maturity import stage_of
from matching.ledger import catalogue
from matching.ranking.told import field_names, spans
from matching.schema import Kind
from ui.access import language, ledger, t

Record = Mapping[str, object]

_PARTS: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": ("problem", "targets", "expected", "tried", "keywords"),
    "achievements": ("summary", "application", "figures", "keywords"),
}
_META: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": ("demand_id", "enterprise", "city", "investment_yuan", "solution", "deadline", "visibility"),
    "achievements": (
        "achievement_id",
        "institute",
        "category",
        "maturity",
        "ip_kind",
        "transfer_ways",
        "price_yuan",
        "completed_on",
    ),
}


def show_record(record: Record, kind: Kind, terms: Iterable[str], fields: str) -> None:
    """Title, facts and texts of a record; `fields` is what it was assigned to, in words."""
    terms = list(terms)
    facts = [text for name in _META[kind] if (text := fact(name, record[name]))]
    meta = " · ".join([*facts, fields] if fields else facts)
    parts = [
        f'<div class="part"><b>{escape(t(f"column.{name}"))}</b>{marked(text, terms)}</div>'
        for name in _PARTS[kind]
        if (text := _text(record[name]))
    ]
    parts += [
        f'<div class="part"><b>{escape(extra["heading"])}</b>{escape(extra["text"])}</div>'
        for extra in cast(list[dict[str, str]], record["extras"])
    ]
    st.html(
        f'<div class="record"><h4>{marked(str(record["title"]), terms)}</h4>'
        f'<div class="meta">{escape(meta)}</div>{"".join(parts) or escape(t("record.no_text"))}</div>'
    )


def show_current(kind: Kind, record_id: str, terms: Iterable[str]) -> None:
    """A record as the ledger has it now, with its best field of each taxonomy."""
    record = catalogue.record(ledger(), kind, record_id)
    fields = catalogue.fields_of(ledger(), kind, record_id).unique("taxonomy", keep="first", maintain_order=True)
    codes = [f"{taxonomy}:{code}" for taxonomy, code in fields.select("taxonomy", "code").iter_rows()]
    names = list(dict.fromkeys(field_names(codes, language())))
    show_record(record, kind, terms, t("record.fields", names=names) if names else "")


def marked(text: str, terms: Iterable[str]) -> str:
    """HTML of a text in which the places of the terms are marked."""
    pieces, end = [], 0
    for start, stop in spans(text, terms):
        pieces += [escape(text[end:start]), "<mark>", escape(text[start:stop]), "</mark>"]
        end = stop
    return "".join([*pieces, escape(text[end:])])


def _text(value: object) -> str:
    return "；".join(cast(list[str], value)) if isinstance(value, list) else str(value or "")


def fact(name: str, value: object) -> str:
    """A column's value in words: 拟投入 80 万元, 时限 2027-06-30; "" where it is not stated."""
    if value in (None, ""):
        return ""
    if name.endswith("_yuan"):
        return t(f"fact.{name}", amount=f"{cast(int, value) / 10_000:,.10g}")
    if isinstance(value, date):
        return t(f"fact.{name}", day=value.isoformat())
    if name == "maturity" and (stage := stage_of(str(value))) is not None:
        return t("fact.maturity", stage=value, levels=stage.levels)
    if name == "visibility":
        return t(f"visibility.{value}")
    return str(value)
