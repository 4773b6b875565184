"""Deals that go on with everything that a state needs: for tests that are about something else."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from records import listed
from sqlalchemy import Engine

from matching.ledger import deals, uploads
from matching.ledger.database import reading
from matching.ledger.deal_rules import Terms
from matching.ledger.deal_terms import standing_terms
from matching.ledger.decisions import decide
from matching.ledger.runs import add_run
from matching.schema import CANDIDATES, FIELDS, KINDS, Kind

SIGNED, REGISTERED, INDUSTRIALISED = date(2026, 3, 1), date(2026, 4, 1), date(2026, 6, 1)
TODAY = date(2026, 11, 22)
RECORDS: dict[Kind, tuple[dict[str, object], ...]] = {
    "demands": ({"title": "碳纤维板", "enterprise": "甲厂"}, {"title": "大豆蛋白", "enterprise": "乙厂"}),
    "achievements": ({"title": "碳纤维", "institute": "一所"}, {"title": "蛋白", "institute": "二所"}),
}


def open_deals(engine: Engine) -> None:
    """Deals 1 (D1, A1) and 2 (D2, A2)."""
    for kind in KINDS:
        uploads.add(engine, listed(kind, *RECORDS[kind], file=f"{kind}.csv"), pl.DataFrame(schema=FIELDS), "甲")
    add_run(engine, pl.DataFrame(schema=CANDIDATES), "a" * 64, top=1, demands=0, achievements=0, agent="甲")
    for number in ("1", "2"):
        decide(
            engine,
            demand_id=f"D{number}",
            achievement_id=f"A{number}",
            run_id=1,
            verdict="accept",
            agent="甲",
            nonce="1",
            seen=None,
        )


def full_terms(deal_id: int, **more: Any) -> Terms:
    """Terms that lack nothing; the registration number is the deal's own."""
    values: dict[str, Any] = {
        "contract_kind": "transfer",
        "total_fen": 1_000_000_00,
        "signed_on": SIGNED,
        "registered_on": REGISTERED,
        "industrialised_on": INDUSTRIALISED,
        "registration_number": f"2026-{deal_id}",
    }
    return Terms(**{**values, **more})


def advance(
    engine: Engine, deal_id: int, state: str, agent: str, *, seen: int, reason: str = "", note: str = ""
) -> None:
    """`deals.move`, with full terms."""
    with reading(engine) as connection:
        terms_seen = standing_terms(connection, deal_id).entry_id
    terms = None if state == deals.ENDED else full_terms(deal_id)
    deals.move(
        engine,
        deal_id,
        state,
        agent,
        seen=seen,
        reason=reason,
        note=note,
        terms=terms,
        terms_seen=terms_seen,
        nonce=f"{deal_id}:{seen}:{state}",
    )
