"""Why a pair has its score: what each shared term and field adds, as bars that sum to the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, cast

import streamlit as st

from matching.ranking.candidates import field_names
from ui.access import language, t

_TERMS_SHOWN: Final = 12
_FIELDS_SHOWN: Final = 3


def shared_words(candidate: Mapping[str, object]) -> list[tuple[str, float]]:
    """Shared terms of two characters or more with what they add, strongest first."""
    terms = cast(Sequence[Mapping[str, object]], candidate["shared_terms"])
    return [(str(each["term"]), cast(float, each["contribution"])) for each in terms if len(str(each["term"])) > 1]


def show_why(candidate: Mapping[str, object]) -> None:
    """A row per term, one for all other terms, one for the fields, and their sum."""
    words = shared_words(candidate)[:_TERMS_SHOWN]
    text_part = sum(cast(float, candidate[part]) for part in ("character_part", "word_part", "concept_part"))
    field_part = cast(float, candidate["field_part"])
    rest = text_part - sum(amount for _, amount in words)
    shared = list(dict.fromkeys(field_names(cast(list[str], candidate["shared_fields"]), language())))
    names = shared[:_FIELDS_SHOWN]
    rows = [(term, amount, "") for term, amount in words]
    rows.append((t("why.other_terms"), rest, "rest"))
    words_of_fields = (
        "why.no_fields" if not shared else "why.fields" if len(shared) == len(names) else "why.more_fields"
    )
    rows.append((t(words_of_fields, names=names), field_part, "field"))
    widest = max(amount for _, amount, _ in rows) or 1.0
    lines = [
        f'<tr><td class="term">{escape(label)}</td>'
        f'<td><span class="bar {kind}" style="width:{100 * amount / widest:.1f}%"></span></td>'
        f'<td class="number">{amount:.4f}</td></tr>'
        for label, amount, kind in rows
    ]
    total = cast(float, candidate["score"])
    lines.append(
        f'<tr class="sum"><td class="term">{escape(t("why.sum"))}</td><td></td><td class="number">{total:.4f}</td></tr>'
    )
    st.html(f'<table class="why">{"".join(lines)}</table>')
