"""Why a pair has its score: level and how sure it is, what made the score, and the shared terms of its similarity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, cast

import streamlit as st

from matching.ranking.told import field_names, shares
from matching.schema import LEVELS
from ui.access import language, t

_TERMS_SHOWN: Final = 12
_FIELDS_SHOWN: Final = 3
# What would be shown as 0.0000 is left out.
_LEAST: Final = 0.00005
# As wide as a Chinese character.
_WIDE_SPACE: Final = "\u3000"

Candidate = Mapping[str, object]
# Ids of a demand and an achievement.
Pair = tuple[str, str]


def shared_words(candidate: Candidate) -> list[tuple[str, float]]:
    """Shared terms of two characters or more with what they add, strongest first."""
    terms = cast(Sequence[Mapping[str, object]], candidate["shared_terms"])
    return [(str(each["term"]), cast(float, each["contribution"])) for each in terms if len(str(each["term"])) > 1]


def level_name(candidate: Candidate) -> str:
    """The word for a candidate's level; empty where its run knew no levels."""
    return "" if candidate["level"] is None else t(f"level.{candidate['level']}")


def aligned_level(candidate: Candidate) -> str:
    """The word for a level, Chinese ones as wide as the widest, so that what follows stands in line."""
    name = level_name(candidate)
    widest = max(len(t(f"level.{level}")) for level in LEVELS)
    return name if name.isascii() else name.ljust(widest, _WIDE_SPACE)


def show_why(candidate: Candidate, known: Mapping[Pair, str]) -> None:
    """Level, the parts of the score, the parts of the similarity.

    `known` says in words of each pair whose judgement moved this one what was judged and of what: 已接受的「…」.
    """
    if candidate["level"] is not None:
        _show_level(candidate)
        _show_parts(t("why.score_parts"), _score_parts(candidate, known), cast(float, candidate["score"]))
    similarity = cast(float, candidate["score"] if candidate["similarity"] is None else candidate["similarity"])
    _show_parts(t("why.similarity_parts"), _similarity_parts(candidate), similarity)


def _show_level(candidate: Candidate) -> None:
    """The level and its probability; those of all levels below it."""
    st.markdown(t("why.level", level=level_name(candidate), certainty=cast(float, candidate["certainty"])))
    reached = [cast(float, candidate[f"reach_{step}"]) for step in ("two", "three", "four")]
    by_level = dict(zip(LEVELS, shares(reached), strict=True))
    each = [t("why.level_share", level=t(f"level.{level}"), share=by_level[level]) for level in reversed(LEVELS)]
    st.caption("　".join(each))


def _score_parts(candidate: Candidate, known: Mapping[Pair, str]) -> list[tuple[str, float, str]]:
    """What an average pair has, what each group of features adds, and what judgements add."""
    features = cast(Sequence[Mapping[str, object]], candidate["feature_parts"])
    learned = cast(Sequence[Mapping[str, object]], candidate["learned"])
    parts = [(t(f"feature.{each['feature']}"), cast(float, each["part"]), "") for each in features]
    judged = [
        (
            t("why.like", judged=known[str(each["demand_id"]), str(each["achievement_id"])]),
            cast(float, each["part"]),
            "field",
        )
        for each in learned
    ]
    return [
        (t("why.base"), cast(float, candidate["base"]), "rest"),
        *judged,
        *sorted(parts, key=lambda part: -abs(part[1])),
        (t("why.other_parts"), cast(float, candidate["other_parts"]), "rest"),
    ]


def _similarity_parts(candidate: Candidate) -> list[tuple[str, float, str]]:
    """A row per shared term, one for all other terms, one for the fields."""
    words = shared_words(candidate)[:_TERMS_SHOWN]
    text_part = sum(cast(float, candidate[part]) for part in ("character_part", "word_part", "concept_part"))
    field_part = cast(float, candidate["field_part"])
    rest = text_part - sum(amount for _, amount in words)
    shared = list(dict.fromkeys(field_names(cast(list[str], candidate["shared_fields"]), language())))
    names = shared[:_FIELDS_SHOWN]
    words_of_fields = (
        "why.no_fields" if not shared else "why.fields" if len(shared) == len(names) else "why.more_fields"
    )
    return [
        *((term, amount, "") for term, amount in words),
        (t("why.other_terms"), rest, "rest"),
        (t(words_of_fields, names=names), field_part, "field"),
    ]


def _show_parts(title: str, rows: Sequence[tuple[str, float, str]], total: float) -> None:
    """Parts as bars with their figures, and their sum; parts of nothing are left out."""
    shown = [row for row in rows if abs(row[1]) >= _LEAST]
    widest = max((abs(amount) for _, amount, _ in shown), default=1.0)
    lines = [
        f'<tr><td class="term">{escape(label)}</td>'
        f'<td><span class="bar {kind if amount > 0 else "less"}" '
        f'style="width:{100 * abs(amount) / widest:.1f}%"></span></td>'
        f'<td class="number">{amount:.4f}</td></tr>'
        for label, amount, kind in shown
    ]
    lines.append(
        f'<tr class="sum"><td class="term">{escape(title)}</td><td></td><td class="number">{total:.4f}</td></tr>'
    )
    st.html(f'<table class="why">{"".join(lines)}</table>')
