"""What loading a file would change: new and changed records, missing ones, names, look-alikes, and what to add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl
import streamlit as st

from matching.intake.quality import advice
from matching.ledger.rights import may
from matching.pipeline import Prepared
from matching.schema import ID, ORGANISATION
from ui.access import language, ledger, t
from ui.components.tables import height_of

_SHOWN: Final = 500
_NAMES: Final = "upload_names"
_SHORT: Final = 120


def show_differences(prepared: Prepared) -> None:
    """A tab for each kind of change that there is; those without anything in them are left out."""
    difference, changed = prepared.difference, prepared.changes
    vague = prepared.quality.filter(pl.col("vague"))
    st.text(t("upload.difference", **difference.counts))
    tabs: list[tuple[str, int, Callable[[], None]]] = [
        (t("upload.tab_new", count=len(difference.new)), len(difference.new), lambda: _show_new(prepared)),
        (t("upload.tab_changed", count=len(difference.changed)), changed.height, lambda: _show_changed(changed)),
        (t("upload.tab_missing", count=len(difference.missing)), len(difference.missing), lambda: _show_ids(prepared)),
        (t("upload.tab_names", count=prepared.names.height), _may_name(prepared), lambda: _show_names(prepared)),
        (t("upload.tab_near", count=prepared.near.height), prepared.near.height, lambda: _show_near(prepared)),
        (t("upload.tab_quality", count=vague.height), vague.height, lambda: _show_quality(prepared, vague)),
    ]
    filled = [(label, show) for label, count, show in tabs if count]
    if not filled:
        st.caption(t("upload.nothing_changes"))
        return
    for tab, (_, show) in zip(st.tabs([label for label, _ in filled]), filled, strict=True):
        with tab:
            show()


def _frame(table: pl.DataFrame, columns: Sequence[str]) -> None:
    shown = table.head(_SHOWN).rename(dict(zip(table.columns, columns, strict=True)))
    st.dataframe(shown, hide_index=True, height=height_of(shown.height, 320), placeholder="")
    if table.height > _SHOWN:
        st.caption(t("cli.and_more", count=table.height - _SHOWN))


def _show_new(prepared: Prepared) -> None:
    read = prepared.read
    identity, organisation = ID[read.kind], ORGANISATION[read.kind]
    new = read.frame.filter(pl.col(identity).is_in(prepared.difference.new))
    present = [column.column.name for heading in read.headings for column in heading.found]
    texts = [name for name in dict.fromkeys(present) if name not in (identity, "title", organisation)]
    shown = new.head(_SHOWN).select(
        identity,
        "title",
        organisation,
        *(
            (pl.col(name).list.join("；") if new.schema[name] == pl.List(pl.String) else pl.col(name).cast(pl.String()))
            .str.slice(0, _SHORT)
            .fill_null("")
            for name in texts
        ),
    )
    _frame(shown, [t(f"column.{name}") for name in shown.columns])
    if new.height > _SHOWN:
        st.caption(t("cli.and_more", count=new.height - _SHOWN))


def _show_changed(changed: pl.DataFrame) -> None:
    words = {name: t(f"column.{name}") for name in changed["column"].unique()}
    table = changed.with_columns(pl.col("column").replace(words), pl.col("before", "after").str.slice(0, _SHORT))
    _frame(
        table,
        [t("column.record_id"), t("column.title"), *(t(f"upload.{name}") for name in ("what", "before", "after"))],
    )


def _show_ids(prepared: Prepared) -> None:
    st.caption(t("upload.missing_hint"))
    _frame(pl.DataFrame({"id": prepared.difference.missing}), [t("column.record_id")])


def _show_names(prepared: Prepared) -> None:
    """Proposed names, each to be ticked; none is taken for another unasked."""
    st.caption(t("upload.names_hint"))
    st.data_editor(
        prepared.names.select(
            pl.lit(False).alias(t("upload.take")),
            pl.col("written").alias(t("upload.written")),
            pl.col("name").alias(t("upload.stands_for")),
            pl.col("reason")
            .replace_strict({reason: t(f"organisation.{reason}") for reason in prepared.names["reason"].unique()})
            .alias(t("upload.why")),
        ),
        hide_index=True,
        disabled=[t("upload.written"), t("upload.stands_for"), t("upload.why")],
        key=_names_key(prepared),
    )


def _may_name(prepared: Prepared) -> bool:
    """Whether there are names to be confirmed, and the viewer may do so: with a name goes what is listed under it."""
    return prepared.names.height > 0 and may(ledger(), "confirm_name")


def _names_key(prepared: Prepared) -> str:
    return f"{_NAMES}:{prepared.read.sha256}:{language()}"


def chosen_names(prepared: Prepared) -> dict[str, str]:
    """The proposed names that were ticked: what each written name stands for."""
    edited = st.session_state.get(_names_key(prepared), {}).get("edited_rows", {})
    ticked = [int(place) for place, cells in edited.items() if cells.get(t("upload.take"))]
    return dict(prepared.names[ticked].select("written", "name").rows())


def _show_near(prepared: Prepared) -> None:
    st.caption(t("upload.near_hint"))
    _frame(
        prepared.near.select("first_id", "second_id", "likeness", "title_likeness", "text_likeness").with_columns(
            pl.col(pl.Float64()).round(2)
        ),
        [t(f"near.{name}") for name in ("first", "second", "likeness", "title_likeness", "text_likeness")],
    )


def _show_quality(prepared: Prepared, vague: pl.DataFrame) -> None:
    """What is too vague to be matched well, with the sentences to add."""
    st.caption(t("upload.quality_hint"))
    kind = prepared.read.kind
    titles = prepared.read.frame.select("title", record_id=ID[kind])
    shown = vague.head(_SHOWN).join(titles, on="record_id", maintain_order="left")
    table = shown.select(
        "record_id",
        "title",
        "quality",
        advice=pl.Series([" ".join(advice(kind, codes, language())) for codes in shown["lacks"]], dtype=pl.String),
    )
    _frame(table, [t("column.record_id"), t("column.title"), t("column.quality"), t("upload.advice")])
