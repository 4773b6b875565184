"""Moments at which everything that was under way has been written."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from matching.ledger.database import now, writing
from matching.ledger.rights import permit

# The ledger tells moments apart by milliseconds: so long after one, nobody writes an entry of it any more.
_NEXT_SECONDS: Final = 0.002


def settled(engine: Engine) -> datetime:
    """This moment in UTC, once everybody who was writing is done: no entry of it or of an earlier one comes later.

    Entries take their moment when their writer's turn has come, so it waits for its own turn. Raises `LedgerError`
    where others write for too long.
    """
    permit(engine, "read_figures")
    with writing(engine):
        moment = now()
        time.sleep(_NEXT_SECONDS)
    return datetime.fromisoformat(moment)
