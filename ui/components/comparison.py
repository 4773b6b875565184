"""Two candidates of one demand side by side: scores and their parts, facts, shared terms, conditions they fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final, cast

import streamlit as st

from ui.access import t
from ui.components.record import Record, fact
from ui.components.why import Candidate, level_name, shared_words

_FACTS: Final = (
    "institute",
    "maturity",
    "transfer_ways",
    "price_yuan",
    "completed_on",
    "category",
    "ip_kind",
    "status",
)
_DEMAND_FACTS: Final = ("enterprise", "city", "investment_yuan", "solution", "deadline")
_SIMILARITY: Final = ("character_part", "word_part", "concept_part", "field_part")
_TERMS_SHOWN: Final = 12
# What would be shown as 0.0000 is left out.
_LEAST: Final = 0.00005
_SHEET: Final = Path(__file__).with_name("comparison.css")


@dataclass(frozen=True)
class Side:
    """A candidate to be compared.

    `row` is its row of `runs.CANDIDATE_ROWS`, `record` the achievement, `quality` 0–100 or None where it was not
    scored, `failed` says in words what would have to change for each condition that it fails.
    """

    row: Candidate
    record: Record
    quality: int | None = None
    failed: Sequence[str] = ()


def show_comparison(demand: Record, first: Side, second: Side) -> None:
    """The comparison as one table; what differs is set off. All text is escaped."""
    rows = [
        *_figures(first, second),
        *_score_parts(first.row, second.row),
        *_similarity_parts(first.row, second.row),
        *_facts(first, second),
        *_terms(first, second),
        *_failed(first, second),
    ]
    facts = " · ".join(text for name in _DEMAND_FACTS if (text := fact(name, demand[name])))
    titles = "".join(f"<th>{escape(str(side.record['title']))}</th>" for side in (first, second))
    st.html(
        f"<style>{_SHEET.read_text(encoding='utf-8')}</style>"
        f'<div class="record"><h4>{escape(str(demand["title"]))}</h4><div class="meta">{escape(facts)}</div></div>'
        f'<table class="comparison"><tr><th class="label"></th>{titles}'
        f'<th class="number gap">{escape(t("compare.difference"))}</th></tr>{"".join(rows)}</table>'
    )


def _figures(first: Side, second: Side) -> list[str]:
    """Rank, score, level and how sure it is."""
    sides = first.row, second.row
    certainties = [cast(float | None, row["certainty"]) for row in sides]
    sure = ["" if each is None else f"{each:.0%}" for each in certainties]
    return [
        _texts(t("column.rank"), *(str(row["rank"]) for row in sides)),
        _texts(t("compare.level"), *(level_name(row) for row in sides)),
        _texts(t("column.certainty"), *sure),
        _numbers(t("column.score"), cast(float, first.row["score"]), cast(float, second.row["score"])),
    ]


def _score_parts(first: Candidate, second: Candidate) -> list[str]:
    """What makes the scores, the greatest difference first; nothing where a run knew no levels."""
    if first["feature_parts"] is None or second["feature_parts"] is None:
        return []
    features = _by_feature(first), _by_feature(second)
    names = sorted(features[0].keys() | features[1].keys())
    parts = [(t(f"feature.{name}"), features[0].get(name, 0.0), features[1].get(name, 0.0)) for name in names]
    parts.sort(key=lambda part: -abs(part[2] - part[1]))
    every = [
        (t("why.base"), cast(float, first["base"]), cast(float, second["base"])),
        (t("compare.learned"), _learned(first), _learned(second)),
        *parts,
        (t("why.other_parts"), cast(float, first["other_parts"]), cast(float, second["other_parts"])),
    ]
    total = cast(float, first["score"]), cast(float, second["score"])
    return [_section(t("compare.score_parts")), *_sum(t("column.score"), every, total)]


def _by_feature(candidate: Candidate) -> dict[str, float]:
    parts = cast(Sequence[dict[str, object]], candidate["feature_parts"])
    return {str(each["feature"]): cast(float, each["part"]) for each in parts}


def _learned(candidate: Candidate) -> float:
    return sum(cast(float, each["part"]) for each in cast(Sequence[dict[str, object]], candidate["learned"]))


def _similarity_parts(first: Candidate, second: Candidate) -> list[str]:
    """What makes the similarities."""
    parts = [(t(f"column.{name}"), cast(float, first[name]), cast(float, second[name])) for name in _SIMILARITY]
    total = sum(part[1] for part in parts), sum(part[2] for part in parts)
    return [_section(t("why.similarity_parts")), *_sum(t("column.similarity"), parts, total)]


def _sum(name: str, parts: Iterable[tuple[str, float, float]], total: tuple[float, float]) -> list[str]:
    shown = [part for part in parts if max(abs(part[1]), abs(part[2])) >= _LEAST]
    return [*(_numbers(*part) for part in shown), _numbers(name, *total, kind="sum")]


def _facts(first: Side, second: Side) -> list[str]:
    rows = [
        _texts(t(f"compare.{name}"), *(_value(name, side.record[name]) for side in (first, second))) for name in _FACTS
    ]
    quality = ["" if side.quality is None else str(side.quality) for side in (first, second)]
    return [_section(t("compare.facts")), *rows, _texts(t("column.quality"), *quality)]


def _value(name: str, value: object) -> str:
    return t(f"status.{value}") if name == "status" and value else fact(name, value)


def _terms(first: Side, second: Side) -> list[str]:
    """Terms that each shares with the demand, the strongest first; those that the other lacks are set off."""
    words = [[term for term, _ in shared_words(side.row)] for side in (first, second)]
    cells = [_listed(words[0], words[1]), _listed(words[1], words[0])]
    return [_section(t("compare.terms")), _row(t("column.shared_terms"), *(f"<td>{cell}</td>" for cell in cells))]


def _listed(terms: Sequence[str], others: Sequence[str]) -> str:
    pieces = [escape(term) if term in others else f"<mark>{escape(term)}</mark>" for term in terms[:_TERMS_SHOWN]]
    return escape(t("list.separator")).join(pieces) or escape(t("compare.nothing"))


def _failed(first: Side, second: Side) -> list[str]:
    cells = [
        "<td>{}</td>".format("<br>".join(escape(each) for each in side.failed) or escape(t("compare.nothing")))
        for side in (first, second)
    ]
    return [_section(t("compare.failed")), _row(t("compare.change"), *cells)]


def _section(title: str) -> str:
    return f'<tr class="section"><td colspan="4">{escape(title)}</td></tr>'


def _texts(label: str, first: str, second: str) -> str:
    """A row of texts, set off where they differ."""
    kind = ' class="differs"' if first != second else ""
    return _row(label, *(f"<td{kind}>{escape(text or t('compare.not_stated'))}</td>" for text in (first, second)))


def _numbers(label: str, first: float, second: float, kind: str = "") -> str:
    """A row of figures with the second's difference to the first."""
    gap = f"{second - first:+.4f}" if abs(second - first) >= _LEAST else "0"
    return _row(label, _figure(first), _figure(second), gap=gap, kind=kind)


def _figure(amount: float) -> str:
    return f'<td><span class="figure">{amount:.4f}</span></td>'


def _row(label: str, first: str, second: str, gap: str = "", kind: str = "") -> str:
    difference = f'<td class="number gap">{gap}</td>'
    return f'<tr class="{kind}"><td class="label">{escape(label)}</td>{first}{second}{difference}</tr>'
