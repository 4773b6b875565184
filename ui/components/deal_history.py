"""What happened to a deal, and what deals wait for, in words."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import polars as pl
import streamlit as st

from matching.ledger.deal_amounts import wan_text
from matching.ledger.deal_reminders import reminders
from matching.ledger.deal_timeline import timeline
from ui.access import ledger, settings, t
from ui.components.moments import local_minute, today
from ui.components.tables import height_of

_FEN: Final = "_fen"
_HEADINGS: Final = ("column.at", "deals.what_said", "deals.why", "column.agent")


def show_timeline(deal_id: int) -> None:
    """Everything that happened to a deal, newest first."""
    st.markdown(f"**{t('deals.timeline')}**")
    head = "".join(f"<th>{escape(t(heading))}</th>" for heading in _HEADINGS)
    rows = (
        (local_minute(row["at"]), said_of(row), row["why"], row["agent"])
        for row in timeline(ledger(), deal_id).iter_rows(named=True)
    )
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    st.html(f'<table class="deal-timeline"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def said_of(row: dict[str, Any]) -> str:
    """A row of `deal_timeline.TIMELINE` in the session's language."""
    what = str(row["what"])
    if what == "event":
        if row["reason"]:
            return t("timeline.ended", reason=t(f"end.{row['reason']}"))
        return t("timeline.event", state=t(f"state.{row['state']}"))
    if what == "terms":
        changes = [_change(each) for each in row["changes"]]
        return t("timeline.terms", changes=changes) if changes else t("timeline.no_terms")
    amount = None if row["amount_fen"] is None else abs(row["amount_fen"])
    return t(f"timeline.{what}", amount=wan_text(amount), day=row["paid_on"], name=row["name"], link=row["link"])


def _change(change: dict[str, str]) -> str:
    name = change["term"]
    before, after = (_value(name, change[side]) for side in ("before", "after"))
    values = {"term": t(f"term.{name}"), "before": before, "after": after}
    key = "timeline.changed" if before and after else "timeline.set" if after else "timeline.emptied"
    return t(key, **values)


def _value(name: str, text: str) -> str:
    if name == "contract_kind" and text:
        return t(f"contract.{text}")
    return wan_text(int(text)) if name.endswith(_FEN) and text else text


def show_reminders(listed: pl.DataFrame) -> int | None:
    """Deals of the list that somebody should look at, if there are any; gives the one that is selected."""
    waiting = reminders(ledger(), today(), settings().timezone).join(
        listed.select("deal_id", "demand_title", "achievement_title", "who"),
        on="deal_id",
        how="inner",
        maintain_order="left",
    )
    if waiting.is_empty():
        return None
    with st.expander(t("remind.title", count=waiting.height), expanded=True):
        event = st.dataframe(
            waiting.select(
                pl.col("deal_id").alias(t("column.deal_id")),
                pl.Series(t("remind.what"), [_reminder(row) for row in waiting.to_dicts()], dtype=pl.String),
                pl.col("over").alias(t("remind.days")),
                pl.col("demand_title").alias(t("column.demand_title")),
                pl.col("achievement_title").alias(t("column.achievement_title")),
                pl.col("who").alias(t("column.agent")),
            ),
            hide_index=True,
            height=height_of(waiting.height, 160),
            placeholder="",
            key=f"reminders:{waiting.height}:{today()}",
            on_select="rerun",
            selection_mode="single-row",
        )
    rows = event["selection"]["rows"]
    return int(waiting["deal_id"][rows[0]]) if rows else None


def _reminder(row: dict[str, Any]) -> str:
    return t(f"remind.{row['why']}", days=row["days"], over=row["over"], record=row["record_id"])
