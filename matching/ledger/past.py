"""The ledger as it stood at a moment: the same for ever after, whatever is written or taken back later.

An entry counts when it was written by then. Of a moment that is `moments.settled` no entry is still to come.
Everything is read, whoever asks.
"""

from __future__ import annotations

from matching.ledger.past_deals import deals_at, payments_at, statements_at, terms_at
from matching.ledger.past_pairs import brought_at, decisions_at, listed_at
from matching.ledger.past_records import main_fields_at, records_at

__all__ = [
    "brought_at",
    "deals_at",
    "decisions_at",
    "listed_at",
    "main_fields_at",
    "payments_at",
    "records_at",
    "statements_at",
    "terms_at",
]
