"""What came of earlier uploads: the files, records missing from the latest one, records that look alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import polars as pl
import streamlit as st

from matching.errors import DuijieError
from matching.ledger import catalogue, presence, uploads
from matching.ledger.rights import may
from matching.schema import ID, ORGANISATION, Kind
from ui.access import agent, language, ledger, t
from ui.catalogue_cache import now
from ui.components.moments import local_minute
from ui.components.tables import height_of

_MESSAGE: Final = "history_message"
_FAILED: Final = "history_failed"
_COLUMNS: Final = ("new", "changed", "unchanged", "refused", "missing")
_NEAR_SHOWN: Final = 200


def show_history() -> None:
    """All uploads, newest first; the one that is selected can be taken back or downloaded."""
    if message := st.session_state.pop(_MESSAGE, None):
        st.success(message)
    if message := st.session_state.pop(_FAILED, None):
        st.error(message)
    history = uploads.uploads(ledger())
    st.markdown(f"**{t('history.title')}**")
    if history.is_empty():
        st.info(t("history.none"))
        return
    table = history.select(
        pl.col("upload_id").alias(t("history.upload")),
        pl.Series(t("history.at"), [local_minute(at) for at in history["at"]], dtype=pl.String),
        pl.Series(t("history.list"), [t(f"kind.{kind}") for kind in history["kind"]], dtype=pl.String),
        pl.col("file_name").alias(t("history.file")),
        pl.col("institute").alias(t("history.institute")),
        *(pl.col(name).alias(t(f"history.{name}")) for name in _COLUMNS),
        pl.col("agent").alias(t("history.agent")),
        pl.Series(t("history.state"), [_state(row) for row in history.iter_rows(named=True)], dtype=pl.String),
    )
    event = st.dataframe(
        table,
        hide_index=True,
        height=height_of(table.height, 250),
        placeholder="",
        key=f"history:{now().upload}:{now().mark}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = event["selection"]["rows"]
    if not rows:
        st.caption(t("history.hint"))
        return
    _show_upload(history.row(rows[0], named=True))


def _state(row: dict[str, Any]) -> str:
    return t("history.taken_back", agent=row["reversed_by"]) if row["reversed_at"] else t("history.stands")


def _show_upload(row: dict[str, Any]) -> None:
    with st.container(horizontal=True, gap="small"):
        if row["kept"]:
            st.download_button(
                t("history.original"),
                lambda: uploads.original_of(ledger(), row["upload_id"])[1],
                file_name=row["file_name"],
                key="original",
                on_click="ignore",
            )
        st.button(
            t("history.take_back", upload=row["upload_id"]),
            key="take_back",
            disabled=bool(row["reversed_at"]),
            on_click=_take_back,
            args=(row["upload_id"],),
        )


def _take_back(upload_id: int) -> None:
    _act(lambda: uploads.take_back(ledger(), upload_id, agent()), t("cli.taken_back", upload=upload_id))


def _act(act: Callable[[], object], done: str) -> None:
    """Do what was asked for; the next run of the page tells that it was done, or why not."""
    try:
        act()
    except DuijieError as error:
        st.session_state[_FAILED] = error.text(language())
        return
    st.session_state[_MESSAGE] = done


def show_missing(kind: Kind) -> None:
    """Records that the latest file of their institute lacks: to be confirmed as gone, or kept."""
    missing = presence.missing(ledger(), kind)
    if missing.is_empty():
        return
    listed = catalogue.current_records(ledger(), kind, [ID[kind], "title", ORGANISATION[kind]])
    table = missing.select("record_id").join(listed, left_on="record_id", right_on=ID[kind], how="inner")
    with st.expander(t("missing.title", count=table.height), expanded=True):
        st.caption(t("missing.hint"))
        event = st.dataframe(
            table.rename({name: t(f"column.{name}") for name in table.columns}),
            hide_index=True,
            height=height_of(table.height, 250),
            placeholder="",
            key=f"missing:{kind}:{now().mark}:{now().upload}",
            on_select="rerun",
            selection_mode="multi-row",
        )
        ids = [str(table["record_id"][place]) for place in event["selection"]["rows"]]
        with st.container(horizontal=True, gap="small"):
            for gone, key in ((True, "missing.gone"), (False, "missing.kept")):
                st.button(t(key, count=len(ids)), key=key, disabled=not ids, on_click=_settle, args=(kind, ids, gone))


def _settle(kind: Kind, ids: list[str], gone: bool) -> None:
    _act(
        lambda: presence.settle_missing(ledger(), kind, ids, gone=gone, agent=agent()),
        t("cli.missing_settled", count=len(ids)),
    )


def show_near(kind: Kind) -> None:
    """Records that look alike: one entered twice, of which one is merged into the other, or two."""
    if not may(ledger(), "settle_near"):
        return
    pairs = presence.near_pairs(ledger(), kind)
    if pairs.is_empty():
        return
    listed = catalogue.current_records(ledger(), kind, [ID[kind], "title", ORGANISATION[kind]])
    named = listed.select(
        pl.col(ID[kind]).alias("id"), pl.concat_str("title", pl.lit("　"), ORGANISATION[kind]).alias("named")
    )
    shown = (
        pairs.head(_NEAR_SHOWN)
        .join(named.rename({"named": "first"}), left_on="first_id", right_on="id", maintain_order="left")
        .join(named.rename({"named": "second"}), left_on="second_id", right_on="id", maintain_order="left")
    )
    with st.expander(t("near.title", count=pairs.height), expanded=False):
        st.caption(t("near.hint"))
        columns = ["likeness", "first_id", "first", "second_id", "second"]
        event = st.dataframe(
            shown.select(columns).rename({name: t(f"near.{name}") for name in columns}),
            hide_index=True,
            height=height_of(shown.height, 320),
            placeholder="",
            column_config={t("near.likeness"): st.column_config.NumberColumn(format="%.2f", width="small")},
            key=f"near:{kind}:{now().mark}:{now().upload}",
            on_select="rerun",
            selection_mode="single-row",
        )
        rows = event["selection"]["rows"]
        pair = shown.row(rows[0], named=True) if rows else {"first_id": "", "second_id": ""}
        first, second = cast(str, pair["first_id"]), cast(str, pair["second_id"])
        with st.container(horizontal=True, gap="small"):
            for key, merged, other, same in (
                ("near.second_into_first", second, first, True),
                ("near.first_into_second", first, second, True),
                ("near.different", first, second, False),
            ):
                st.button(t(key), key=key, disabled=not rows, on_click=_settle_pair, args=(kind, merged, other, same))


def _settle_pair(kind: Kind, record_id: str, other: str, same: bool) -> None:
    ids = {"first": record_id, "second": other}
    done = t("cli.duplicate_same", **ids) if same else t("cli.duplicate_different", **ids)
    _act(lambda: presence.settle_near(ledger(), kind, record_id, other, same=same, agent=agent()), done)
