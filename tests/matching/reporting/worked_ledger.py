"""The tables of `worked/` as a ledger, each entry at the moment that they give, and as expected figures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from records import records
from sqlalchemy import Engine, Table, insert

from matching.ledger.database import writing
from matching.ledger.tables import (
    RECORD_TABLE,
    candidate,
    deal,
    deal_event,
    deal_payment,
    deal_statement,
    deal_terms,
    decision,
    field_change,
    organisation_name,
    record_field,
    record_mark,
    run,
    upload,
    upload_repeat,
    upload_reversal,
)
from matching.schema import CORRECTED, DEAL_STATES, ID, KINDS, Kind

FOLDER: Final = Path(__file__).parent / "worked"
TIMEZONE: Final = "Asia/Shanghai"
TAXONOMIES: Final = ("province_4567", "contract_fields")
MOMENTS: Final[dict[str, datetime]] = {
    "first": datetime(2024, 6, 30, 15, 59, 59, 999000, UTC),
    "second": datetime(2026, 3, 1, 2, tzinfo=UTC),
    "third": datetime(2026, 12, 31, 15, 59, 59, 999000, UTC),
}
_AGENT: Final = "王"
Row = dict[str, str]


def table(name: str) -> list[Row]:
    """The rows of a table of `worked/`."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def fen(yuan: str) -> int | None:
    """A cell of yuan in fen, None for an empty one."""
    return int(Decimal(yuan) * 100) if yuan else None


def day(text: str) -> date | None:
    """A cell with a day, None for an empty one."""
    return date.fromisoformat(text) if text else None


def moment(text: str) -> str:
    """A cell with a moment as the ledger writes it; a day alone is 02:00 of it."""
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    at += timedelta(hours=2 if len(text) == len("2026-01-01") else 0)
    return at.isoformat(timespec="milliseconds")


def fill(engine: Engine) -> None:
    """Write all tables into an empty ledger; what came later in time stands later in it."""
    _uploads(engine)
    for kind in KINDS:
        _records(engine, kind)
    _said_of_records(engine)
    pairs = {row["pair"]: {"demand_id": row["demand"], "achievement_id": row["achievement"]} for row in table("pairs")}
    _runs(engine, pairs)
    _decisions(engine, pairs)
    _deals(engine, pairs)
    _contracts(engine)


def _write(engine: Engine, into: Table, rows: Iterable[Mapping[str, object]]) -> None:
    with writing(engine) as connection:
        for row in rows:
            connection.execute(insert(into).values(**row))


def _uploads(engine: Engine) -> None:
    counts = dict.fromkeys(("rows", "new", "changed", "unchanged", "left_out"), 0)
    rows = table("uploads")
    common = {**counts, "file_name": "清单.csv", "sha256": "0" * 64, "agent": _AGENT}
    loaded = [{**common, "upload_id": row["upload"], "kind": row["kind"], "at": moment(row["at"])} for row in rows]
    _write(engine, upload, loaded)
    back = [
        {"upload_id": row["upload"], "agent": _AGENT, "at": moment(row["taken_back"])}
        for row in rows
        if row["taken_back"]
    ]
    _write(engine, upload_reversal, back)
    kinds = {row["upload"]: row["kind"] for row in rows}
    repeats = [
        {
            "upload_id": row["upload"],
            "record_id": row["record"],
            "kind": kinds[row["upload"]],
            "version": row["version"],
        }
        for row in table("repeats")
    ]
    _write(engine, upload_repeat, repeats)


def _records(engine: Engine, kind: Kind) -> None:
    written, fields = [], []
    for row in table(kind):
        said: dict[str, object] = {
            name: text for name, text in row.items() if name not in ("upload", "record", "version", *TAXONOMIES)
        }
        if kind == "achievements":
            said |= {"conversion_deadline": day(row["conversion_deadline"]), "exempt": row["exempt"] == "yes"}
        said |= {ID[kind]: row["record"], "title": row["record"]}
        written.append(
            {**records(kind, said).row(0, named=True), "version": row["version"], "upload_id": row["upload"]}
        )
        fields += [
            {
                **{"kind": kind, "record_id": row["record"], "version": row["version"], "taxonomy": taxonomy},
                **{"code": row[taxonomy], "confidence": 0.5, "basis": "text", "terms": []},
            }
            for taxonomy in TAXONOMIES
            if row[taxonomy]
        ]
    _write(engine, RECORD_TABLE[kind], written)
    _write(engine, record_field, fields)


def _said_of_records(engine: Engine) -> None:
    marks = [
        {
            **{"kind": row["kind"], "record_id": row["record"], "mark": row["mark"], "other": row["other"] or None},
            **{"agent": _AGENT, "at": moment(row["at"])},
        }
        for row in table("marks")
    ]
    _write(engine, record_mark, marks)
    names = [{**row, "agent": _AGENT, "at": moment(row["at"])} for row in table("names")]
    _write(engine, organisation_name, names)
    changes = [
        {
            **{"kind": row["kind"], "record_id": row["record"], "version": row["version"], "basis": CORRECTED},
            **{"taxonomy": row["taxonomy"], "codes": [row["code"]], "confidences": [1.0], "terms": []},
            **{"agent": _AGENT, "at": moment(row["at"])},
        }
        for row in table("field_changes")
    ]
    _write(engine, field_change, changes)


def _runs(engine: Engine, pairs: Mapping[str, Row]) -> None:
    counts = dict.fromkeys(("top", "demands", "achievements", "candidates"), 1)
    runs = [
        {**counts, "run_id": row["run"], "fingerprint": row["run"], "agent": _AGENT, "at": moment(row["at"])}
        for row in table("runs")
    ]
    _write(engine, run, runs)
    parts = dict.fromkeys(
        ("character_part", "word_part", "field_part", "text_score", "field_score", "other_terms"), 0.0
    )
    scored = {**parts, "score": 0.5, "shared_terms": [], "shared_fields": []}
    listed = [
        {
            **{**scored, **pairs[row["pair"]], "run_id": row["run"], "rank": place},
            "level": int(row["level"]) if row["level"] else None,
        }
        for place, row in enumerate(table("candidates"), start=1)
    ]
    _write(engine, candidate, listed)


def _decisions(engine: Engine, pairs: Mapping[str, Row]) -> None:
    opened = [
        {"decision": row["deal"], "pair": row["deal"], "verdict": "accept", "takes_back": ""}
        | {"agent": row["agent"], "at": row["accepted"]}
        for row in table("deals")
    ]
    entries = [
        {
            **{**pairs[row["pair"]], "decision_id": row["decision"], "run_id": 1, "verdict": row["verdict"]},
            **{"reason": "", "note": "", "corrects": row["takes_back"] or None, "agent": row["agent"]},
            **{"nonce": row["decision"], "at": moment(row["at"])},
        }
        for row in [*opened, *table("decisions")]
    ]
    _write(engine, decision, entries)


def _deals(engine: Engine, pairs: Mapping[str, Row]) -> None:
    rows = table("deals")
    _write(
        engine, deal, ({**pairs[row["deal"]], "deal_id": row["deal"], "at": moment(row["accepted"])} for row in rows)
    )
    events = [{**row, "at": moment(row["at"])} for row in table("events")]
    for row in rows:
        for state, cell in zip(DEAL_STATES, ("accepted", *DEAL_STATES[1:]), strict=True):
            if row[cell]:
                event = {"deal": row["deal"], "state": state, "reason": "", "agent": row["agent"]}
                events.append({**event, "at": moment(row[cell])})
    events.sort(key=lambda event: event["at"])
    _write(engine, deal_event, ({**_of_deal(event), "note": ""} for event in events))


def _contracts(engine: Engine) -> None:
    days = ("signed_on", "registered_on", "industrialised_on")
    terms = [
        {
            **{"deal_id": row["deal"], "contract_kind": row["kind"]},
            **{"total_fen": fen(row["total"]), "technical_fen": fen(row["technical"])},
            **{name: day(row[name]) for name in days},
            **{
                "buyer": "",
                "seller": "",
                "transfer_institution": row["institution"],
                "responsible": row["responsible"],
            },
            **{"why": "", "agent": _AGENT, "nonce": str(place), "at": moment(row["at"])},
        }
        for place, row in enumerate(table("terms"))
    ]
    _write(engine, deal_terms, terms)
    payments = [
        {
            **{"payment_id": row["payment"], "deal_id": row["deal"], "amount_fen": fen(row["amount"])},
            **{"paid_on": day(row["paid_on"]), "corrects": row["takes_back"] or None, "why": "", "agent": _AGENT},
            **{"nonce": row["payment"], "at": moment(row["at"])},
        }
        for row in table("payments")
    ]
    _write(engine, deal_payment, payments)
    statements = [
        {**_of_deal(row), "why": "", "agent": _AGENT, "nonce": str(place), "at": moment(row["at"])}
        for place, row in enumerate(table("statements"))
    ]
    _write(engine, deal_statement, statements)


def _of_deal(row: Mapping[str, str]) -> Row:
    return {"deal_id" if name == "deal" else name: text for name, text in row.items()}
