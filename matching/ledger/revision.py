"""Which state the ledger is in: what was read at one revision is still true at the same revision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

from sqlalchemy import Engine, func, select

from matching.ledger.database import reading
from matching.ledger.tables import (
    assignment,
    deal_document,
    deal_event,
    deal_payment,
    deal_statement,
    deal_terms,
    decision,
    field_change,
    organisation_name,
    pair_level,
    record_mark,
    run,
    upload,
    upload_reversal,
)


@dataclass(frozen=True)
class Revision:
    """The newest upload, change of fields, run, decision, level set by hand, deal event, assignment; 0 for none.

    `papers` counts what was written of deals beside their states, `mark` what was said of records and names and which
    uploads were taken back.
    """

    upload: int
    field_change: int
    run: int
    decision: int
    level: int
    event: int
    papers: int
    assignment: int
    mark: int


def revision(engine: Engine) -> Revision:
    """The ledger's state at this moment."""
    newest = {
        "upload": upload.c.upload_id,
        "field_change": field_change.c.change_id,
        "run": run.c.run_id,
        "decision": decision.c.decision_id,
        "level": pair_level.c.entry_id,
        "event": deal_event.c.event_id,
        "assignment": assignment.c.entry_id,
    }
    marks, names, taken_back = (
        select(func.count(column)).scalar_subquery()
        for column in (record_mark.c.mark_id, organisation_name.c.entry_id, upload_reversal.c.upload_id)
    )
    papers = (
        select(func.count(column)).scalar_subquery()
        for column in (
            deal_terms.c.entry_id,
            deal_payment.c.payment_id,
            deal_document.c.document_id,
            deal_statement.c.entry_id,
        )
    )
    query = select(
        *(select(func.coalesce(func.max(column), 0)).scalar_subquery().label(name) for name, column in newest.items()),
        reduce(add, papers).label("papers"),
        (marks + names + taken_back).label("mark"),
    )
    with reading(engine) as connection:
        return Revision(**connection.execute(query).one()._mapping)
