"""What was pressed at the desk becomes entries of the ledger, each once, in the order of the presses."""

from __future__ import annotations

from typing import Final, cast

import streamlit as st

from matching.errors import DuijieError
from matching.ledger import decisions, judgements
from ui.access import agent, language, ledger
from ui.components.desk import Entry, entries, sent

# The demand in hand, and the candidate that the desk stands at: (demand, achievement), None after the last.
DEMAND: Final = "demand"
AT: Final = "review_at"
# Counts the moves that were made here and not at the desk, which then follows.
TURN: Final = "review_turn"
MESSAGE: Final = "review_message"
_DONE: Final = "review_done"
# Decision that each entry made.
_MADE: Final = "review_made"
# Entries that the browser may still send again.
_KEPT: Final = 200


def done() -> list[str]:
    """Nonces of the entries that the browser need not send again."""
    return cast(list[str], st.session_state.get(_DONE, []))


def take_log(run_id: int, demand_ids: list[str]) -> None:
    """Do what the browser sent and was not done yet; `demand_ids` are the demands listed, for steps among them."""
    told = sent()
    known = set(done())
    fresh = [entry for entry in entries() if entry["nonce"] not in known]
    if told.get("demand") == st.session_state.get(DEMAND):
        st.session_state[AT] = (told["demand"], told["at"])
    if fresh:
        st.session_state.pop(MESSAGE, None)
    for entry in fresh:
        try:
            _do(entry, run_id, demand_ids)
        except DuijieError as error:
            st.session_state[MESSAGE] = error.text(language())
            # What was shown as decided is not: the desk goes back to it.
            turn_to(str(entry["demand"]), entry.get("achievement"))
        st.session_state[_DONE] = [*done(), str(entry["nonce"])][-_KEPT:]


def turn_to(demand_id: str, achievement_id: str | None = None) -> None:
    """Go to a demand, and to one of its candidates or the first that waits."""
    st.session_state[DEMAND] = demand_id
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    st.session_state[AT] = None if achievement_id is None else (demand_id, achievement_id)


def _do(entry: Entry, run_id: int, demand_ids: list[str]) -> None:
    pair = str(entry["demand"]), str(entry.get("achievement"))
    match entry["kind"]:
        case "decide":
            made = decisions.decide(
                ledger(),
                demand_id=pair[0],
                achievement_id=pair[1],
                run_id=run_id,
                verdict=str(entry["verdict"]),
                agent=agent(),
                nonce=str(entry["nonce"]),
                seen=_seen(entry),
                reason=str(entry["reason"]),
                note=str(entry["note"]),
            )
            _made()[str(entry["nonce"])] = made.decision_id
        case "undo":
            undone = _made().get(str(entry["of"])) if entry["of"] else entry["decision"]
            if undone is not None:
                decisions.undo(ledger(), int(undone), agent(), f"undo:{undone}")
                _made()[str(entry["nonce"])] = None
                turn_to(*pair)
        case "level":
            judgements.set_level(ledger(), *pair, entry["level"], agent(), str(entry["nonce"]))
        case "step":
            place = demand_ids.index(pair[0]) + int(entry["by"]) if pair[0] in demand_ids else 0
            turn_to(demand_ids[max(0, min(place, len(demand_ids) - 1))])
        case "open":
            turn_to(*pair)


def _seen(entry: Entry) -> int | None:
    """The decision that the agent saw on the pair: that of the ledger, or what an entry before this one made of it."""
    if entry["after"] in _made():
        before = _made()[entry["after"]]
        if before is not None:
            return before
        standing = decisions.standing_of(ledger(), str(entry["demand"]), str(entry["achievement"]))
        return standing.decision_id if standing else None
    return cast(int | None, entry["seen"])


def _made() -> dict[str, int | None]:
    return cast(dict[str, int | None], st.session_state.setdefault(_MADE, {}))
