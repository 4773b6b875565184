"""Everything that happened to a deal, as one list."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Engine, select

from matching.ledger.database import reading
from matching.ledger.deal_documents import document_entries
from matching.ledger.deal_payments import payment_entries
from matching.ledger.deal_rules import TERMS
from matching.ledger.deal_scope import shown
from matching.ledger.deal_terms import terms_entries
from matching.ledger.deals import deal_events
from matching.ledger.presence import OUT_OF_USE
from matching.ledger.rights import permit
from matching.ledger.tables import RECORD_TABLE, deal, record_mark, upload, upload_reversal
from matching.schema import ID, KINDS

_CHANGE: Final = pl.Struct({"term": pl.String(), "before": pl.String(), "after": pl.String()})
TIMELINE: Final[dict[str, pl.DataType]] = {
    "at": pl.String(),
    "what": pl.String(),
    "entry_id": pl.Int64(),
    "state": pl.String(),
    "reason": pl.String(),
    "amount_fen": pl.Int64(),
    "paid_on": pl.Date(),
    "name": pl.String(),
    "link": pl.String(),
    "changes": pl.List(_CHANGE),
    "why": pl.String(),
    "agent": pl.String(),
}
WHATS: Final = (
    "event",
    "terms",
    "payment",
    "payment_taken_back",
    "document",
    "document_taken",
    "record_gone",
    "record_kept",
    "record_missing",
    "record_present",
    "record_merged",
    "record_split",
    "record_withdrawn",
)


def timeline(engine: Engine, deal_id: int) -> pl.DataFrame:
    """Everything that happened to a deal (`TIMELINE`), newest first; `what` is one of `WHATS`, the rest null or "".

    `event` has state and reason; `terms` the values that changed, as texts (amounts in fen, days in ISO form);
    payments amount and day, documents name and link; `record_…` is what was said of the deal's demand or achievement:
    `name` is its id, `link` the record that it was merged into, or the file that said that it is withdrawn.
    """
    permit(engine, "read_deals")
    events = deal_events(engine, deal_id)
    if events.is_empty():
        return pl.DataFrame(schema=TIMELINE)
    with reading(engine) as connection:
        records = _of_records(connection, deal_id)
        if records:
            of_deal = pl.DataFrame(records, infer_schema_length=None).with_columns(deal_id=pl.lit(deal_id))
            records = shown(engine, connection, of_deal).to_dicts()
    rows = [
        *({"what": "event", "entry_id": row["event_id"], "why": row["note"], **row} for row in events.to_dicts()),
        *_of_terms(terms_entries(engine, deal_id)),
        *(_of_entry("payment", "payment_taken_back", row) for row in payment_entries(engine, deal_id).to_dicts()),
        *(_of_entry("document", "document_taken", row) for row in document_entries(engine, deal_id).to_dicts()),
        *records,
    ]
    filled = [{name: row.get(name) for name in TIMELINE} for row in rows]
    listed = pl.DataFrame(filled, schema=TIMELINE, orient="row").with_columns(
        pl.col("state", "reason", "name", "link", "why", "agent").fill_null(""), pl.col("changes").fill_null([])
    )
    # Of one transaction the event comes after what made it possible.
    order = pl.col("what").replace_strict(WHATS, range(len(WHATS)), return_dtype=pl.Int64)
    return listed.sort(pl.col("at"), order.neg(), "entry_id", maintain_order=True).reverse()


def _of_terms(entries: pl.DataFrame) -> list[dict[str, Any]]:
    before: dict[str, Any] = {}
    rows = []
    for entry in entries.to_dicts():
        changes = [
            {"term": name, "before": _text(before.get(name)), "after": _text(entry[name])}
            for name in TERMS
            if _text(before.get(name)) != _text(entry[name])
        ]
        rows.append({**entry, "what": "terms", "changes": changes})
        before = entry
    return rows


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _of_entry(put: str, taken: str, row: dict[str, Any]) -> dict[str, Any]:
    entry_id = row.get("payment_id", row.get("document_id"))
    return {**row, "what": put if row["corrects"] is None else taken, "entry_id": entry_id}


def _of_records(connection: Connection, deal_id: int) -> list[dict[str, Any]]:
    pair = connection.execute(select(deal).where(deal.c.deal_id == deal_id)).one()._mapping
    taken_back = select(upload_reversal.c.upload_id)
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        record_id = pair[ID[kind]]
        marks = select(record_mark).where(
            record_mark.c.kind == kind,
            record_mark.c.record_id == record_id,
            record_mark.c.upload_id.is_(None) | record_mark.c.upload_id.not_in(taken_back),
        )
        for mark in connection.execute(marks).mappings():
            what = f"record_{mark['mark']}"
            if what in WHATS:
                said = {"name": record_id, "link": mark["other"], "entry_id": mark["mark_id"]}
                rows.append({**said, "what": what, "at": mark["at"], "why": mark["why"], "agent": mark["agent"]})
        table = RECORD_TABLE[kind]
        versions = (
            select(table.c.version, upload.c.file_name, upload.c.at, upload.c.agent)
            .join(upload, upload.c.upload_id == table.c.upload_id)
            .where(
                table.c[ID[kind]] == record_id,
                table.c.status == OUT_OF_USE[kind],
                table.c.upload_id.not_in(taken_back),
            )
        )
        for version in connection.execute(versions):
            said = {"name": record_id, "link": version.file_name, "entry_id": version.version}
            rows.append({**said, "what": "record_withdrawn", "at": version.at, "agent": version.agent})
    return rows
