"""Filters that several screens share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl
import streamlit as st

from matching.fields.taxonomies import Taxonomy, first_taxonomy, load_taxonomies, load_taxonomy
from matching.reporting.codes import UNKNOWN
from matching.schema import ID, KINDS, Kind
from ui.access import language, t, worded_key
from ui.catalogue_cache import fields

_ALL: Final = ""
_TAXONOMY: Final = "taxonomy"
_STANDINGS: Final = ("all", "vague", "missing", "out_of_use")
# One step down the tree; a full-width space keeps its width in a list of choices.
_INDENT: Final = "　"


@dataclass(frozen=True)
class FieldChoice:
    """A taxonomy, and the code of one of its nodes, UNKNOWN, or "" for all."""

    taxonomy: str
    code: str


def field_name(code: str | None) -> str:
    """Name of a field of the first taxonomy in the session's language; what has none is called unknown."""
    if code in (None, UNKNOWN):
        return t("field.unknown")
    return first_taxonomy().node(str(code)).name(language())


def node_label(taxonomy: Taxonomy, code: str) -> str:
    """A node's name, set in by its depth."""
    node = taxonomy.node(code)
    depth = 0
    while node.parent:
        node = taxonomy.node(node.parent)
        depth += 1
    return _INDENT * depth + taxonomy.node(code).name(language())


def open_with_field(choice: FieldChoice) -> None:
    """Make the next screen with this filter open with the choice."""
    st.session_state[worded_key(_TAXONOMY)] = choice.taxonomy
    st.session_state[worded_key(_field_key(choice.taxonomy))] = choice.code


def _field_key(taxonomy: str) -> str:
    return f"field_{taxonomy}"


def choose_kind() -> Kind:
    """Which of the two lists; it lives in the address."""
    return st.segmented_control(
        t("lists.kind"),
        KINDS,
        format_func=lambda each: t(f"kind.{each}"),
        default=KINDS[0],
        required=True,
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
    )


def choose_taxonomy() -> str:
    """A taxonomy's code."""
    return st.selectbox(
        t("filter.taxonomy"),
        list(load_taxonomies()),
        format_func=lambda code: load_taxonomy(code).name(language()),
        key=worded_key(_TAXONOMY),
        bind="query-params",
    )


def choose_field() -> FieldChoice:
    """A taxonomy and one of its nodes, on any level."""
    left, right = st.columns(2)
    with left:
        taxonomy = load_taxonomy(choose_taxonomy())
    codes = [node.code for node in taxonomy.nodes]

    def label(code: str) -> str:
        if code == _ALL:
            return t("filter.all_fields")
        return t("field.unknown") if code == UNKNOWN else node_label(taxonomy, code)

    with right:
        code = st.selectbox(
            t("filter.field"),
            [_ALL, *codes, UNKNOWN],
            format_func=label,
            key=worded_key(_field_key(taxonomy.code)),
            bind="query-params",
        )
    return FieldChoice(taxonomy.code, code)


def with_field(records: pl.DataFrame, kind: Kind, choice: FieldChoice) -> pl.DataFrame:
    """Records that have the chosen field or one under it; for UNKNOWN those that have none in the taxonomy."""
    if choice.code == _ALL:
        return records
    assigned = fields(kind, choice.taxonomy)
    if choice.code == UNKNOWN:
        return records.join(assigned, left_on=ID[kind], right_on="record_id", how="anti", maintain_order="left")
    below = load_taxonomy(choice.taxonomy).below(choice.code)
    chosen = assigned.filter(pl.col("code").is_in(below))
    return records.join(chosen, left_on=ID[kind], right_on="record_id", how="semi", maintain_order="left")


def choose_standing() -> str:
    """Which records by how they stand: all, too vague, missing from the latest file, out of use."""
    return st.selectbox(
        t("filter.standing"),
        _STANDINGS,
        format_func=lambda each: t(f"standing.{each}"),
        key=worded_key("standing"),
        bind="query-params",
    )


def with_standing(records: pl.DataFrame, standing: str) -> pl.DataFrame:
    """Records that stand so; columns vague, missing and out_of_use tell it."""
    return records if standing == _STANDINGS[0] else records.filter(pl.col(standing))


def with_words(records: pl.DataFrame, text: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """Records that hold every word of the search text in one of the columns."""
    for word in text.split():
        holds = [pl.col(column).str.to_lowercase().str.contains(word.lower(), literal=True) for column in columns]
        records = records.filter(pl.any_horizontal(holds))
    return records
