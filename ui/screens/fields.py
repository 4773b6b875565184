"""Fields: a taxonomy with how many demands and achievements stand at each node, and where one side lacks the other."""

from __future__ import annotations

from typing import Final

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from matching.fields.believed import main_fields
from matching.fields.crosswalk import load_crosswalk
from matching.fields.taxonomies import Node, Taxonomy, load_taxonomies, load_taxonomy
from matching.reporting.balance import balance
from matching.reporting.codes import UNKNOWN
from matching.schema import ID, KINDS, Kind
from ui.access import language, t
from ui.catalogue_cache import fields, now, records
from ui.components.filters import FieldChoice, choose_taxonomy, node_label, open_with_field
from ui.components.tables import height_of
from ui.screens import lists

_ROOT: Final = "root"
_HEIGHT: Final = 430
_TERMS_SHOWN: Final = 40
# From achievements alone over the same share of both to demands alone; the colours of the bars elsewhere.
_COLOURS: Final = [[0.0, "#1f5f7a"], [0.5, "#e8ecef"], [1.0, "#c58b2a"]]


def show() -> None:
    """The screen."""
    st.subheader(t("fields.title"))
    known = {kind: records(kind) for kind in KINDS}
    if all(listed.is_empty() for listed in known.values()):
        st.info(t("fields.empty"))
        return
    place, _ = st.columns([2, 3])
    with place:
        taxonomy = load_taxonomy(choose_taxonomy())
    st.caption(t("fields.source", source=taxonomy.source))
    codes = {
        kind: main_fields(fields(kind, taxonomy.code).join(listed, left_on="record_id", right_on=ID[kind], how="semi"))
        for kind, listed in known.items()
    }
    counted = balance(
        taxonomy, codes["demands"]["code"], codes["achievements"]["code"], *(len(listed) for listed in known.values())
    )
    st.plotly_chart(_treemap(taxonomy, counted), height=_HEIGHT, config={"displayModeBar": False}, key="treemap")
    st.caption(t("fields.reading"))
    left, right = st.columns([3, 2], gap="large")
    with left:
        chosen = _table(taxonomy, counted)
    with right, st.container(border=True):
        _describe(taxonomy, chosen)


def _treemap(taxonomy: Taxonomy, counted: pl.DataFrame) -> go.Figure:
    """Areas by how many records, colours by the side that a node leans to."""
    shown = counted.filter((pl.col("demands") + pl.col("achievements") > 0) & (pl.col("code") != UNKNOWN))
    names = [taxonomy.node(code).name(language()) for code in shown["code"]]
    counts = [t("fields.counts", demands=d, achievements=a) for d, a in shown.select("demands", "achievements").rows()]
    totals = (shown["demands"] + shown["achievements"]).to_list()
    top = sum(total for total, parent in zip(totals, shown["parent"], strict=True) if not parent)
    figure = go.Figure(
        go.Treemap(
            ids=[_ROOT, *shown["code"]],
            labels=[taxonomy.name(language()), *names],
            parents=["", *(parent or _ROOT for parent in shown["parent"])],
            values=[top, *totals],
            branchvalues="total",
            text=["", *counts],
            textinfo="label+text",
            hovertemplate="%{label}<br>%{text}<extra></extra>",
            marker={"colors": [0.5, *shown["lean"]], "colorscale": _COLOURS, "cmin": 0, "cmax": 1},
            root_color="#f4f6f7",
            tiling={"pad": 1},
        )
    )
    return figure.update_layout(margin={"t": 4, "l": 0, "r": 0, "b": 0})


def _table(taxonomy: Taxonomy, counted: pl.DataFrame) -> str:
    """The counts in the tree's order; the code of the chosen row, the first one at the beginning."""
    codes = counted["code"].to_list()
    labels = [t("field.unknown") if code == UNKNOWN else node_label(taxonomy, code) for code in codes]
    table = counted.select(
        pl.Series(t("column.field"), labels),
        pl.col("demands").alias(t("column.demands")),
        pl.col("achievements").alias(t("column.achievements")),
        pl.col("lean").alias(t("column.lean")),
    )
    event = st.dataframe(
        table,
        hide_index=True,
        height=height_of(table.height, 560),
        column_config={t("column.lean"): st.column_config.NumberColumn(format="%.2f", help=t("fields.lean_help"))},
        placeholder="",
        key=f"fields:{taxonomy.code}:{language()}:{now().upload}:{now().field_change}",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = event["selection"]["rows"]
    return str(codes[rows[0]] if rows else codes[0])


def _describe(taxonomy: Taxonomy, code: str) -> None:
    """What belongs to a node, what it goes over into, and the way to its records."""
    if code == UNKNOWN:
        st.markdown(f"**{t('field.unknown')}**")
        st.text(t("fields.unknown_hint"))
    else:
        node = taxonomy.node(code)
        st.markdown(f"**{node.name(language())}**　{code}")
        st.text(node.description(language()))
        _terms(node)
        _crosswalk(taxonomy, node)
    st.caption(t("fields.open"))
    with st.container(horizontal=True, gap="small"):
        for kind in KINDS:
            choice = FieldChoice(taxonomy.code, code)
            if st.button(t(f"kind.{kind}"), key=f"open_{kind}", on_click=_prepare, args=(kind, choice)):
                # Widgets of this screen are bound to the address, which is given up with them.
                st.switch_page(st.Page(lists.show, url_path="lists"), query_params={})


def _prepare(kind: Kind, choice: FieldChoice) -> None:
    st.session_state["kind"] = kind
    open_with_field(choice)


def _terms(node: Node) -> None:
    terms = list(node.terms)
    if terms:
        shown = "fields.terms" if len(terms) <= _TERMS_SHOWN else "fields.more"
        st.text(t(shown, count=len(terms), terms=terms[:_TERMS_SHOWN]))


def _crosswalk(taxonomy: Taxonomy, node: Node) -> None:
    for other in load_taxonomies().values():
        targets = load_crosswalk().targets(taxonomy.code, node.code, other.code)
        named = [f"{other.node(code).name(language())} {fit:.0%}" for code, fit in targets.items()]
        if named:
            st.text(t("fields.goes_over", taxonomy=other.name(language()), targets=named))
