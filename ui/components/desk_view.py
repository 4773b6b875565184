"""What the desk shows: candidates, buttons with their keys, the latest decisions, all in words."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import streamlit as st

from matching.ledger import catalogue, decisions, judgements
from matching.ledger.review_rules import review_rules
from matching.schema import LEVELS, REJECT_REASONS, VERDICTS
from ui.access import agent, ledger, t
from ui.components.desk_log import TURN, done
from ui.components.why import level_name
from ui.components.words import verdict_words

Row = Mapping[str, object]


def desk_data(demand_id: str, rows: pl.DataFrame, failed: pl.DataFrame, at: str | None) -> dict[str, object]:
    """Everything that `desk.js` draws.

    `rows` are candidates (`runs.CANDIDATE_ROWS`), `failed` the conditions that they fail (demand_id, achievement_id,
    condition), `at` the candidate in hand.
    """
    said = dict(judgements.set_levels(ledger(), demand_id).select("achievement_id", "level").iter_rows())
    flags: dict[str, list[str]] = {}
    for achievement_id, condition in failed.select("achievement_id", "condition").iter_rows():
        flags.setdefault(achievement_id, []).append(t(f"condition.{condition}"))
    return {
        "demand": demand_id,
        "turn": st.session_state.get(TURN, 0),
        "at": at,
        "done": done(),
        "candidates": [_candidate(row, said, flags) for row in rows.iter_rows(named=True)],
        "recent": _recent(),
        "bar": _bar(),
        "keys": {key: action for key, action, _ in _keys()},
        "keysTold": [[key, words] for key, _, words in _keys()],
        "verdicts": {verdict: t(f"verdict.{verdict}") for verdict in VERDICTS},
        "reasons": {reason: t(f"reason.{reason}") for reason in REJECT_REASONS},
        "words": {
            "candidates": t("review.candidates"),
            "note": t("review.note"),
            "finished": t("review.finished"),
            "recent": t("review.recent", count=review_rules().recent),
            "noRecent": t("review.no_decision"),
            "undo": t("review.undo"),
            "marked": t("review.marked"),
        },
    }


def _candidate(row: Row, said: Mapping[str, int], flags: Mapping[str, list[str]]) -> dict[str, object]:
    achievement_id = str(row["achievement_id"])
    return {
        "id": achievement_id,
        "rank": row["rank"],
        "score": f"{row['score']:.3f}",
        "level": level_name(row),
        "title": row["title"],
        "institute": row["institute"],
        "verdict": row["verdict"],
        "reason": row["reason"] or "",
        "decision": row["decision_id"],
        "said": said.get(achievement_id),
        "flags": t("review.fails", conditions=flags[achievement_id]) if achievement_id in flags else "",
    }


def _recent() -> list[dict[str, object]]:
    """The agent's latest decisions that stand, newest first."""
    latest = decisions.recent(ledger(), agent(), review_rules().recent)
    titles = catalogue.titles(ledger(), "achievements", [each.achievement_id for each in latest])
    return [
        {
            "decision": each.decision_id,
            "demand": each.demand_id,
            "achievement": each.achievement_id,
            "told": t(
                "review.last",
                verdict=verdict_words(each.verdict, each.reason),
                title=titles.get(each.achievement_id, each.achievement_id),
            ),
        }
        for each in latest
    ]


def _bar() -> list[dict[str, object]]:
    """The lines of buttons."""
    by_action = {action: (key, words) for key, action, words in _keys()}

    def buttons(*actions: str) -> list[dict[str, object]]:
        return [
            {
                "action": action,
                "words": by_action[action][1],
                "key": by_action[action][0],
                "primary": action == "decide:accept",
            }
            for action in actions
        ]

    reasons = buttons(*(f"reject:{reason}" for reason in REJECT_REASONS))
    levels = buttons(*(f"level:{level}" for level in reversed(LEVELS)))
    return [
        {"label": "", "buttons": buttons("decide:accept", "decide:later", "undo", "mark", "step:-1", "step:1", "keys")},
        {"label": t("review.reject_because"), "buttons": reasons},
        {"label": t("review.level_by_hand"), "buttons": levels},
    ]


def _keys() -> list[tuple[str, str, str]]:
    """Every key, what it does, and that in words."""
    return [
        ("a", "decide:accept", t("review.accept")),
        ("l", "decide:later", t("review.later")),
        *((str(number), f"reject:{each}", t(f"reason.{each}")) for number, each in enumerate(REJECT_REASONS, 1)),
        *((f"shift+{level}", f"level:{level}", t(f"level.{level}")) for level in LEVELS),
        ("z", "undo", t("review.undo")),
        ("k", "move:-1", t("review.previous")),
        ("j", "move:1", t("review.next")),
        ("p", "step:-1", t("review.previous_demand")),
        ("n", "step:1", t("review.next_demand")),
        ("x", "mark", t("review.mark")),
        ("m", "note", t("review.note_key")),
        ("h", "keys", t("review.keys")),
    ]
