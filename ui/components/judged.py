"""Judgements of other pairs that moved a score, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from matching.ledger import catalogue
from ui.access import ledger, t
from ui.components.why import Pair


def judged_in_words(
    row: Mapping[str, object], verdicts: Mapping[str, str], by_hand: Collection[str]
) -> dict[Pair, str]:
    """Of each pair whose judgement moved this candidate, what was judged and of what.

    `verdicts` are those of the demand's own pairs by achievement; a level that was set `by_hand` counts before them.
    """
    parts = cast(Sequence[Mapping[str, object]], row["learned"] or ())
    titles = catalogue.titles(ledger(), "achievements", [str(part["achievement_id"]) for part in parts])
    told: dict[Pair, str] = {}
    for part in parts:
        pair = str(part["demand_id"]), str(part["achievement_id"])
        own = pair[0] == row["demand_id"] and pair[1] not in by_hand
        verdict = verdicts.get(pair[1]) if own else None
        key = f"why.judged_{verdict}" if verdict in ("accept", "reject") else "why.judged_level"
        told[pair] = t(key, title=titles.get(pair[1], pair[1]), level=t(f"level.{part['level']}"))
    return told
