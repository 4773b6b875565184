"""Closing what hangs on records that are withdrawn: their open deals end, visibly; contracts stay and are told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from matching.ledger.deal_log import CONTRACTS, ENDED, deals_of_records, write_event
from matching.schema import Kind

WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True)
class Closed:
    """Deals that ended because a record was withdrawn, and contracts that stay although one was."""

    ended: tuple[int, ...] = ()
    contracts: tuple[int, ...] = ()


def close_deals_of(connection: Connection, kind: Kind, whys: Mapping[str, str], agent: str) -> Closed:
    """End the open deals of records, in a transaction that is under way; `whys` says of each record why.

    The event's note names the record and the why. Deals from signed on are left as they are.
    """
    if not whys:
        return Closed()
    found = deals_of_records(connection, kind, whys)
    ending = [(deal_id, record_id) for deal_id, record_id, state in found if state not in CONTRACTS]
    for deal_id, record_id in ending:
        note = ": ".join(filter(None, (record_id, whys[record_id])))
        write_event(connection, deal_id, ENDED, agent, reason=WITHDRAWN, note=note)
    contracts = tuple(deal_id for deal_id, _, state in found if state in CONTRACTS)
    return Closed(tuple(deal_id for deal_id, _ in ending), contracts)
