"""A file that was read is looked at beside what the ledger holds, and loaded when that is confirmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl
from sqlalchemy import Engine

from matching.fields.assignment import assign_fields
from matching.intake import organisations, quality
from matching.intake.columns import Plan
from matching.intake.duplicates import near_duplicates
from matching.intake.identity import with_known_ids, with_known_values
from matching.intake.reading import Reading
from matching.intake.records import of_institute
from matching.ledger import catalogue, corrections, uploads
from matching.ledger.column_choices import column_choices
from matching.ledger.organisation_names import confirmed_names
from matching.ledger.rights import permit
from matching.ledger.uploads import Beside, Difference
from matching.pipeline import beside
from matching.progress import Progress, step
from matching.schema import DUPLICATES, ID, KINDS, ORGANISATION, RECORD, Kind

# Texts of a record that are compared with another's.
_COMPARED: Final[dict[Kind, tuple[str, ...]]] = {
    "demands": ("problem", "targets", "expected"),
    "achievements": ("summary", "application", "figures"),
}
CHANGES: Final = {
    "record_id": pl.String,
    "title": pl.String,
    "column": pl.String,
    "before": pl.String,
    "after": pl.String,
}


@dataclass(frozen=True)
class Prepared:
    """A file beside the ledger, to be confirmed.

    `read` has the ledger's ids where it knows a record under another (`renamed`, by the file's id); `difference` is
    what loading it changes, and `changes` each value that becomes another (`CHANGES`), as texts. `names` are proposals
    of what its organisations' names stand for (columns written, name, reason, likeness), `near` records that look alike
    (`schema.DUPLICATES`), in the file or with the ledger's, `fields` those of new and changed records
    (`schema.FIELDS`; None of a small file, whose fields are found when it is loaded), `quality` how good each record is
    (columns record_id, quality, vague, lacks).
    """

    read: Reading
    institute: str
    difference: Difference
    changes: pl.DataFrame
    renamed: Mapping[str, str]
    names: pl.DataFrame
    near: pl.DataFrame
    fields: pl.DataFrame | None
    quality: pl.DataFrame
    content: bytes = field(default=b"", repr=False)


def remembered_plan(engine: Engine, kind: Kind, institute: str) -> Plan:
    """What was said of the columns of an institute's earlier files."""
    return Plan(column_choices(engine, kind, institute))


def prepare(
    engine: Engine, read: Reading, institute: str = "", content: bytes = b"", progress: Progress | None = None
) -> Prepared:
    """Look at a file beside the ledger; nothing is written.

    Records without an organisation take the institute's name, whose file it is.
    """
    if institute:
        read = replace(
            read,
            frame=of_institute(read.frame, read.kind, institute),
            rejected=None if read.rejected is None else of_institute(read.rejected, read.kind, institute),
        )
    confirmed = confirmed_names(engine)
    organisation = ORGANISATION[read.kind]
    known = catalogue.written_records(engine, read.kind, list(RECORD[read.kind]))
    if progress:
        progress("compare", 0, 1)
    frame, renamed = with_known_ids(read.frame, known, read.kind, confirmed)
    frame = with_known_values(frame, known, read.kind, _stated(read, institute))
    rejected = None if read.rejected is None else with_known_ids(read.rejected, known, read.kind, confirmed)[0]
    read = replace(read, frame=frame, rejected=rejected)
    found = uploads.difference(engine, read, institute)
    fresh = frame.filter(pl.col(ID[read.kind]).is_in([*found.new, *found.changed]))
    learned = corrections.corrected_records(engine)
    many = fresh.height >= beside.WORTH_IT
    fields = beside.start(assign_fields, fresh, ID[read.kind], learned) if many else None
    resolved = organisations.resolve(
        frame[organisation].unique().sort(), known[organisation].unique().sort(), confirmed
    )
    if progress:
        progress("compare", 1, 1)
    near = _near(read, known, confirmed, progress)
    scored = quality.assess(frame, read.kind)
    assigned = None if fields is None else _told(progress, fields.result)
    return Prepared(
        read=read,
        institute=institute,
        difference=found,
        changes=_changes(known, frame.filter(pl.col(ID[read.kind]).is_in(found.changed)), read.kind),
        renamed=renamed,
        names=organisations.proposals(resolved),
        near=near,
        fields=assigned,
        quality=scored,
        content=content,
    )


def _stated(read: Reading, institute: str) -> set[str]:
    """The columns that a file says something of."""
    found = {each.column.name for heading in read.headings for each in heading.found}
    filled = {ORGANISATION[read.kind]} if institute and read.kind == "achievements" else set()
    extras = {"extras"} if read.frame["extras"].list.len().sum() else set()
    return {*found, *filled, *extras} or set(RECORD[read.kind])


def _near(read: Reading, there: pl.DataFrame, confirmed: Mapping[str, str], progress: Progress | None) -> pl.DataFrame:
    """Records of the file that look alike, or like one of the ledger's; not again those that the ledger knows so."""
    kind = read.kind
    records, known = _comparable(read.frame, kind, confirmed), _comparable(there, kind, confirmed)
    fresh = records.join(known, on=records.columns, how="anti")
    if fresh.is_empty():
        if progress:
            progress("duplicates", 1, 1)
        return pl.DataFrame(schema=DUPLICATES)
    others = pl.concat([known, records]).unique("record_id", keep="last", maintain_order=True)
    others = others.join(fresh, on="record_id", how="anti")
    return near_duplicates(fresh, others, kind, step(progress, "duplicates"))


def _comparable(records: pl.DataFrame, kind: Kind, confirmed: Mapping[str, str]) -> pl.DataFrame:
    """Records as they are compared: columns record_id, title, organisation, text."""
    organisation = ORGANISATION[kind]
    keys = {name: organisations.organisation_key(name, confirmed) for name in records[organisation].unique()}
    named = pl.col(organisation).replace_strict(keys, return_dtype=pl.String()) if keys else pl.col(organisation)
    return records.select(
        record_id=ID[kind],
        title="title",
        organisation=named,
        text=pl.concat_str(_COMPARED[kind], separator="\n").str.strip_chars(),
    )


def load(
    engine: Engine,
    file: Reading | Prepared,
    agent: str,
    progress: Progress | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> Difference:
    """Put a file into the ledger, with the fields and the quality of its records; see `uploads.add`.

    Raises `LedgerError` where the ledger has changed since the file was prepared, so that other than what was shown
    would be written. `columns` are those chosen by hand (by normalised heading), `names` what names of organisations
    were confirmed to stand for; both are remembered.
    """
    prepared = file if isinstance(file, Prepared) else prepare(engine, file, progress=progress)
    read = prepared.read
    with_it = Beside(
        institute=prepared.institute,
        content=prepared.content,
        columns=columns or {},
        names=names or {},
        quality=prepared.quality,
        rules=quality.rules_version(),
        near=prepared.near,
    )
    expected = prepared.difference if isinstance(file, Prepared) else None
    fields = prepared.fields
    if fields is None:
        fresh = read.frame.filter(pl.col(ID[read.kind]).is_in([*prepared.difference.new, *prepared.difference.changed]))
        learned = corrections.corrected_records(engine)
        fields = _told(progress, lambda: assign_fields(fresh, ID[read.kind], learned))
    return uploads.add(engine, read, fields, agent, step(progress, "write"), with_it, expected)


def _told(progress: Progress | None, assign: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Fields, with the progress of that step."""
    if progress:
        progress("fields", 0, 1)
    found = assign()
    if progress:
        progress("fields", 1, 1)
    return found


def _changes(known: pl.DataFrame, changed: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """What becomes another in records that the ledger knows: a row for each value (`CHANGES`), as texts."""
    identity = ID[kind]
    changed = changed.select(RECORD[kind].keys())
    before = known.join(changed, on=identity, how="semi")
    after = changed.select(identity, "title", *(_text(name, changed).alias(f"{name} ") for name in changed.columns))
    was = before.select(identity, *(_text(name, before).alias(f"{name}  ") for name in before.columns))
    both = after.join(was, on=identity, maintain_order="left")
    rows = [
        both.filter(pl.col(f"{name} ").ne_missing(pl.col(f"{name}  "))).select(
            record_id=identity,
            title="title",
            column=pl.lit(name),
            before=f"{name}  ",
            after=f"{name} ",
        )
        for name in RECORD[kind]
        if name != identity
    ]
    order = {name: place for place, name in enumerate(RECORD[kind])}
    return (
        pl.concat([pl.DataFrame(schema=CHANGES), *rows])
        .with_columns(place=pl.col("column").replace_strict(order, return_dtype=pl.Int64))
        .sort("record_id", "place")
        .drop("place")
    )


def _text(name: str, records: pl.DataFrame) -> pl.Expr:
    dtype = records.schema[name]
    if name == "extras":
        told = pl.element().struct.field("heading") + "：" + pl.element().struct.field("text")
        return pl.col(name).list.eval(told).list.join("；")
    if isinstance(dtype, pl.List):
        return pl.col(name).list.join("；")
    return pl.col(name).cast(pl.String()).fill_null("")


def assess_all(engine: Engine) -> int:
    """Score the quality of all records that were not scored by the rules in use; how many."""
    permit(engine, "match")
    return sum(_assess(engine, kind) for kind in KINDS)


def _assess(engine: Engine, kind: Kind) -> int:
    rules = quality.rules_version()
    known = catalogue.current_quality(engine, kind, rules)
    if known.height == catalogue.count_records(engine, kind):
        return 0
    records = catalogue.current_records(engine, kind)
    fresh = records.join(known, left_on=ID[kind], right_on="record_id", how="anti")
    scored = quality.assess(fresh, kind).join(fresh.select("version", record_id=ID[kind]), on="record_id")
    uploads.add_quality(engine, kind, scored, rules)
    return scored.height
