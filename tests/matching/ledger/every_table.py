"""A ledger with a row in every table."""

from __future__ import annotations

from datetime import date

import polars as pl
from records import content_of, listed
from sqlalchemy import Engine, insert

from matching.ledger import uploads
from matching.ledger.corrections import correct
from matching.ledger.database import writing
from matching.ledger.decisions import decide
from matching.ledger.judgements import add_model, set_level
from matching.ledger.presence import settle_near
from matching.ledger.runs import add_run
from matching.ledger.tables import metadata
from matching.ledger.uploads import Beside
from matching.schema import CANDIDATES, DUPLICATES, FIELDS, ID, KINDS

CANDIDATE = {
    **dict.fromkeys(CANDIDATES, ""),
    **{name: 0.0 for name, dtype in CANDIDATES.items() if dtype == pl.Float64()},
    **{name: [] for name, dtype in CANDIDATES.items() if isinstance(dtype, pl.List)},
    "demand_id": "D1",
    "achievement_id": "A1",
    "rank": 1,
    "level": 4,
}


def beside(record_id: str, content: bytes) -> Beside:
    """All that may come with a file."""
    scored = {"record_id": [record_id], "quality": [40], "vague": [True], "lacks": [["figures"]]}
    return Beside(
        institute="甲所",
        content=content,
        columns={"名目": "title"},
        names={"甲": "甲所"},
        quality=pl.DataFrame(scored),
        rules="1" * 16,
        near=pl.DataFrame([(record_id, "Z9", 0.9, 0.9, None, True, False)], schema=DUPLICATES, orient="row"),
    )


def of_many_hands() -> dict[str, dict[str, object]]:
    """A row of each table of accounts, assignments and deals, with the least that it may say."""
    common: dict[str, object] = {"agent": "甲", "at": "2026-01-10T02:00:00.000+00:00"}
    at = {"at": common["at"]}
    said = {"deal_id": 1, "why": "", "nonce": "1", **common}
    return {
        "account": {
            **{"name": "甲", "role": "agent", "organisation": "", "email": "", "password_hash": "", "disabled": False},
            **common,
        },
        "assignment": {"demand_id": "D1", "holder": "甲", **common},
        "deal_terms": {
            **{"contract_kind": "licence", "total_fen": 2_000_000_000_000, "technical_fen": 0},
            **{"signed_on": date(2026, 1, 10), "buyer": "甲厂", "seller": "乙所", "transfer_institution": ""},
            **{"responsible": "甲", **said},
        },
        "deal_payment": {"amount_fen": 5_000_000_000, "paid_on": date(2026, 1, 10), **said},
        "deal_document": {"name": "合同", "link": "https://a.example/1", **said},
        "deal_statement": {"name": "invention_patent", "value": "yes", **said},
        "login_attempt": {"name": "甲", "succeeded": True, **at},
        "login_session": {"token_hash": "0" * 64, "name": "甲", "expires_at": "", **at},
        "login_session_end": {"session_id": 1, **at},
    }


def fill(ledger: Engine) -> None:
    """A row in every table."""
    for kind in KINDS:
        read = listed(kind, {"title": "防冰涂层"}, file=f"{kind}.csv")
        frame = read.frame
        row = (frame[0, 0], "province_4567", "N3", 0.5, "text", ["防冰"])
        said = beside(frame[0, 0], content_of(frame))
        uploads.add(ledger, read, pl.DataFrame([row], schema=FIELDS, orient="row"), "甲", beside=said)
    found = pl.DataFrame([CANDIDATE], schema=CANDIDATES)
    run = add_run(ledger, found, "a" * 64, top=1, demands=1, achievements=1, agent="甲")
    decide(
        ledger,
        demand_id="D1",
        achievement_id="A1",
        run_id=run.run_id,
        verdict="accept",
        agent="甲",
        nonce="1",
        seen=None,
    )
    correct(ledger, "demands", "D1", "province_4567", ["S3"], "甲", "1")
    set_level(ledger, "D1", "A1", 3, "甲", "1")
    add_model(ledger, {"source": "甲"}, pairs=1, before=0.5, after=0.6, forced=False, agent="甲")
    uploads.add(ledger, listed(read.kind, {ID[read.kind]: "Z9"}), pl.DataFrame(schema=FIELDS), "甲")
    settle_near(ledger, read.kind, read.frame[0, 0], "Z9", same=False, agent="甲")
    uploads.add(ledger, read, pl.DataFrame(schema=FIELDS), "甲")
    uploads.take_back(ledger, 4, "甲")
    with writing(ledger) as connection:
        for name, row in of_many_hands().items():
            connection.execute(insert(metadata.tables[name]).values(row))
