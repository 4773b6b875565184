"""Columns and types of every frame that crosses a stage.

Texts are as written, trimmed, never null in a clean frame (an absent text is ""); amounts are whole yuan;
dates are calendar days; `keywords` is a list of texts. `source_row` is the row of the uploaded file, counted
from 1 as a spreadsheet counts.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

Kind = Literal["demands", "achievements"]
KINDS: Final[tuple[Kind, ...]] = ("demands", "achievements")

# What a file says of a record and no column holds: headings and texts, as they stood.
EXTRAS: Final = pl.List(pl.Struct({"heading": pl.String(), "text": pl.String()}))

DEMAND: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    "title": pl.String(),
    "enterprise": pl.String(),
    "city": pl.String(),
    "field": pl.String(),
    "problem": pl.String(),
    "targets": pl.String(),
    "expected": pl.String(),
    "tried": pl.String(),
    "keywords": pl.List(pl.String()),
    "investment_yuan": pl.Int64(),
    "solution": pl.String(),
    "deadline": pl.Date(),
    "contact": pl.String(),
    "phone": pl.String(),
    "visibility": pl.String(),
    "status": pl.String(),
    "extras": EXTRAS,
}

ACHIEVEMENT: Final[dict[str, pl.DataType]] = {
    "achievement_id": pl.String(),
    "title": pl.String(),
    "institute": pl.String(),
    "completers": pl.String(),
    "field": pl.String(),
    "keywords": pl.List(pl.String()),
    "summary": pl.String(),
    "application": pl.String(),
    "figures": pl.String(),
    "category": pl.String(),
    "maturity": pl.String(),
    "ip_kind": pl.String(),
    "ip_numbers": pl.String(),
    "funding": pl.String(),
    "completed_on": pl.Date(),
    "conversion_deadline": pl.Date(),
    "exempt": pl.Boolean(),
    "transfer_ways": pl.String(),
    "price_yuan": pl.Int64(),
    "contact": pl.String(),
    "phone": pl.String(),
    "status": pl.String(),
    "extras": EXTRAS,
}

RECORD: Final[dict[Kind, dict[str, pl.DataType]]] = {"demands": DEMAND, "achievements": ACHIEVEMENT}
ID: Final[dict[Kind, str]] = {"demands": "demand_id", "achievements": "achievement_id"}
ORGANISATION: Final[dict[Kind, str]] = {"demands": "enterprise", "achievements": "institute"}

# What a value is when a file does not state it, and what it may be.
CHOICES: Final[dict[Kind, dict[str, tuple[str, ...]]]] = {
    "demands": {
        "visibility": ("public", "anonymous", "private"),
        "status": ("open", "matched", "closed", "expired"),
    },
    "achievements": {"status": ("available", "negotiating", "transferred", "withdrawn")},
}

# What is matched: demands that are closed or expired and achievements that are transferred or withdrawn take no part.
TAKING_PART: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": ("open", "matched"),
    "achievements": ("available", "negotiating"),
}

# The record's columns plus where it stood in its file (the sheet is "" where a file has no sheets) and the hash of what
# it says.
PROVENANCE: Final[dict[str, pl.DataType]] = {
    "source_sheet": pl.String(),
    "source_row": pl.Int64(),
    "content_hash": pl.String(),
}

# Why a record has a field: an agent said so, the record states it, or its text speaks for it.
CORRECTED: Final = "corrected"
STATED: Final = "stated"
TEXT: Final = "text"
FIELDS: Final[dict[str, pl.DataType]] = {
    "record_id": pl.String(),
    "taxonomy": pl.String(),
    "code": pl.String(),
    "confidence": pl.Float64(),
    "basis": pl.String(),
    "terms": pl.List(pl.String()),
}

SHARED_TERM: Final = pl.Struct({"term": pl.String(), "contribution": pl.Float64()})
FEATURE_PART: Final = pl.Struct({"feature": pl.String(), "part": pl.Float64()})
# What a judgement of another pair adds to a score.
LEARNED_PART: Final = pl.Struct(
    {"demand_id": pl.String(), "achievement_id": pl.String(), "level": pl.Int64(), "part": pl.Float64()}
)

CANDIDATES: Final[dict[str, pl.DataType]] = {
    "demand_id": pl.String(),
    "demand_title": pl.String(),
    "enterprise": pl.String(),
    "rank": pl.Int64(),
    "achievement_id": pl.String(),
    "achievement_title": pl.String(),
    "institute": pl.String(),
    "score": pl.Float64(),
    "level": pl.Int64(),
    "certainty": pl.Float64(),
    "reach_two": pl.Float64(),
    "reach_three": pl.Float64(),
    "reach_four": pl.Float64(),
    "base": pl.Float64(),
    "feature_parts": pl.List(FEATURE_PART),
    "learned": pl.List(LEARNED_PART),
    "other_parts": pl.Float64(),
    # What further judgements are learned with: the probabilities before their limits, covariances within the list.
    "unlimited": pl.List(pl.Float64()),
    "covariances": pl.List(pl.Float64()),
    "similarity": pl.Float64(),
    "character_part": pl.Float64(),
    "word_part": pl.Float64(),
    "concept_part": pl.Float64(),
    "field_part": pl.Float64(),
    "text_score": pl.Float64(),
    "field_score": pl.Float64(),
    "shared_terms": pl.List(SHARED_TERM),
    "other_terms": pl.Float64(),
    "shared_fields": pl.List(pl.String()),
}

PAIRS: Final[dict[str, pl.DataType]] = {"demand_id": pl.String(), "achievement_id": pl.String()}
JUDGEMENTS: Final[dict[str, pl.DataType]] = {**PAIRS, "level": pl.Int64()}

# Records that look alike, the smaller id first; likenesses 0–1, that of the texts null where one is missing.
DUPLICATES: Final[dict[str, pl.DataType]] = {
    "first_id": pl.String(),
    "second_id": pl.String(),
    "likeness": pl.Float64(),
    "title_likeness": pl.Float64(),
    "text_likeness": pl.Float64(),
    "same_organisation": pl.Boolean(),
    "exact": pl.Boolean(),
}

VERDICTS: Final = ("accept", "reject", "later")
# Of pairs: none, weak, rather strong, strong.
LEVELS: Final = (1, 2, 3, 4)
REJECT_REASONS: Final = (
    "other_problem",
    "other_material",
    "not_mature",
    "too_dear",
    "too_vague",
    "not_available",
    "duplicate",
    "other",
)
DEAL_STATES: Final = ("recommended", "contacted", "negotiating", "signed", "registered", "industrialised")
DEAL_ENDED: Final = "ended"
END_REASONS: Final = (
    "price",
    "maturity",
    "other_partner",
    "no_answer",
    "need_gone",
    "decision_changed",
    "withdrawn",
    "other",
)
# The reasons that the program gives by itself.
OWN_END_REASONS: Final = ("decision_changed", "withdrawn")
# 技术开发, 技术转让, 技术许可, 技术咨询, 技术服务, 作价入股.
CONTRACT_KINDS: Final = ("development", "transfer", "licence", "consulting", "service", "investment")

ROLES: Final = ("agent", "institute", "official", "admin")
