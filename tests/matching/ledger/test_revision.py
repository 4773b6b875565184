"""The revision changes with every write, and with nothing else."""

from __future__ import annotations

from dataclasses import fields, replace

import polars as pl
import pytest
from records import records
from sqlalchemy import Engine

from matching.errors import DuijieError
from matching.intake.columns import Heading
from matching.intake.reading import Reading
from matching.ledger import (
    assignments,
    catalogue,
    corrections,
    deals,
    decisions,
    judgements,
    organisation_names,
    presence,
    review_queue,
    runs,
    uploads,
)
from matching.ledger.database import open_ledger
from matching.ledger.revision import Revision, revision
from matching.schema import CANDIDATES, FIELDS, KINDS, Kind

TAXONOMY = "province_4567"
# The revision of a ledger with nothing in it.
NOTHING = Revision(*[0] * len(fields(Revision)))


def load(engine: Engine, kind: Kind, *more: dict[str, object]) -> None:
    frame = records(kind, {"title": "防冰涂层", "content_hash": "1" * 64}, *more)
    read = Reading(kind, "清单.csv", "0" * 64, frame, 1, (Heading(1, (), ()),), ())
    uploads.add(engine, read, pl.DataFrame(schema=FIELDS), "甲")


def match(engine: Engine, fingerprint: str) -> None:
    runs.add_run(engine, pl.DataFrame(schema=CANDIDATES), fingerprint, top=1, demands=1, achievements=1, agent="甲")


def decide(engine: Engine, verdict: str, nonce: str, seen: int | None) -> None:
    decisions.decide(
        engine,
        demand_id="D1",
        achievement_id="A1",
        run_id=1,
        verdict=verdict,
        agent="甲",
        nonce=nonce,
        seen=seen,
    )


def correct(engine: Engine, codes: list[str], nonce: str, taxonomy: str = TAXONOMY) -> None:
    corrections.correct(engine, "demands", "D1", taxonomy, codes, "甲", nonce)


@pytest.fixture
def used(ledger: Engine) -> Engine:
    """A ledger with one upload of each kind, a run, and an accepted pair."""
    for kind in KINDS:
        load(ledger, kind)
    match(ledger, "a")
    decide(ledger, "accept", "1", None)
    return ledger


def test_of_an_empty_ledger(ledger: Engine) -> None:
    assert revision(ledger) == NOTHING


def test_each_kind_of_write_changes_it(ledger: Engine) -> None:
    load(ledger, "demands")
    assert revision(ledger) == replace(NOTHING, upload=1)
    load(ledger, "achievements")
    assert revision(ledger) == replace(NOTHING, upload=2)
    match(ledger, "a")
    assert revision(ledger) == replace(NOTHING, upload=2, run=1)
    decide(ledger, "later", "1", None)
    assert revision(ledger) == replace(NOTHING, upload=2, run=1, decision=1)
    decide(ledger, "accept", "2", 1)
    assert revision(ledger) == replace(NOTHING, upload=2, run=1, decision=2, event=1)
    decisions.undo(ledger, 2, "甲", "3")
    assert revision(ledger) == replace(NOTHING, upload=2, run=1, decision=3, event=2)
    decide(ledger, "accept", "4", 1)
    assert revision(ledger) == replace(NOTHING, upload=2, run=1, decision=4, event=3)
    deals.move(ledger, 1, "contacted", "甲", seen=3)
    assert revision(ledger) == replace(NOTHING, upload=2, run=1, decision=4, event=4)
    correct(ledger, ["S3"], "5")
    assert revision(ledger) == replace(NOTHING, upload=2, field_change=1, run=1, decision=4, event=4)
    corrections.release(ledger, "demands", "D1", TAXONOMY, "甲", "6")
    assert revision(ledger) == replace(NOTHING, upload=2, field_change=2, run=1, decision=4, event=4)
    learned = {"record_id": ["D1"], "version": [1], "taxonomy": [TAXONOMY], "codes": [["S4"]]}
    learned |= {"confidences": [[0.5]], "terms": [[["防冰"]]]}
    corrections.add_learned(ledger, "demands", pl.DataFrame(learned), "甲")
    assert revision(ledger) == replace(NOTHING, upload=2, field_change=3, run=1, decision=4, event=4)
    judgements.set_level(ledger, "D1", "A1", 3, "甲", "7")
    assert revision(ledger) == replace(NOTHING, upload=2, field_change=3, run=1, decision=4, level=1, event=4)
    judgements.set_level(ledger, "D1", "A1", None, "甲", "8")
    assert revision(ledger) == replace(NOTHING, upload=2, field_change=3, run=1, decision=4, level=2, event=4)
    assignments.claim(ledger, ["D1"], "甲")
    assert revision(ledger) == replace(
        NOTHING, upload=2, field_change=3, run=1, decision=4, level=2, event=4, assignment=1
    )


def test_what_is_said_of_records_and_names_and_what_is_taken_back_changes_it(used: Engine) -> None:
    load(used, "demands", {"demand_id": "D2", "title": "秸秆粉碎", "content_hash": "2" * 64})
    before = revision(used)
    presence.settle_near(used, "demands", "D1", "D2", same=True, agent="甲")
    before = replace(before, event=2)
    assert revision(used) == replace(before, mark=1), "the deal of the one that was merged ended"
    presence.settle_near(used, "demands", "D1", "D2", same=False, agent="甲")
    assert revision(used) == replace(before, mark=3), "split, and known to be two"
    organisation_names.confirm(used, {"哈工大": "哈尔滨工业大学"}, "甲")
    assert revision(used) == replace(before, mark=4)
    organisation_names.confirm(used, {"哈工大": None}, "甲")
    assert revision(used) == replace(before, mark=5)
    load(used, "demands")
    uploads.take_back(used, 4, "甲")
    assert revision(used) == replace(before, upload=4, mark=6)
    uploads.take_back(used, 4, "甲")
    organisation_names.confirm(used, {"哈工大": None}, "甲")
    presence.settle_near(used, "demands", "D1", "D2", same=False, agent="甲")
    assert revision(used) == replace(before, upload=4, mark=6), "nothing was written"


def test_a_list_that_changes_nothing_is_an_upload_all_the_same(used: Engine) -> None:
    before = revision(used)
    load(used, "demands")
    assert revision(used) == replace(before, upload=before.upload + 1)


def test_reading_does_not_change_it(used: Engine) -> None:
    before = revision(used)
    for kind in KINDS:
        catalogue.current_records(used, kind)
        catalogue.current_fields(used, kind)
    uploads.uploads(used)
    review_queue.run_pairs(used, 1)
    assignments.holders(used)
    runs.candidates_of(used, 1, "D1")
    decisions.standing(used)
    decisions.recent(used, "甲", 5)
    deals.all_deals(used)
    deals.deal_events(used)
    corrections.corrected_records(used)
    corrections.is_corrected(used, "demands", "D1", TAXONOMY)
    corrections.newest_correction(used)
    judgements.judgements(used)
    judgements.set_levels(used, "D1")
    judgements.learned_model(used)
    assert revision(used) == before


def test_what_was_already_written_does_not_change_it(used: Engine) -> None:
    correct(used, ["S3"], "2")
    judgements.set_level(used, "D1", "A1", 3, "甲", "2")
    before = revision(used)
    match(used, "a")
    decide(used, "accept", "1", None)
    correct(used, ["S3"], "3")
    judgements.set_level(used, "D1", "A1", 3, "甲", "3")
    judgements.set_level(used, "D1", "A1", 1, "甲", "2")
    judgements.set_level(used, "D1", "A2", None, "甲", "4")
    assignments.assign(used, ["D1"], None, "甲")
    assert revision(used) == before


def test_what_is_refused_does_not_change_it(used: Engine) -> None:
    before = revision(used)
    for refused in (
        lambda: decide(used, "accept", "2", None),
        lambda: decide(used, "reject", "3", 1),
        lambda: decisions.undo(used, 404, "甲", "4"),
        lambda: deals.move(used, 1, "contacted", "甲", seen=404),
        lambda: deals.move(used, 1, "ended", "甲", seen=1),
        lambda: correct(used, ["S404"], "5"),
        lambda: correct(used, ["S3"], "6", "none"),
        lambda: judgements.set_level(used, "D1", "A1", 5, "甲", "7"),
    ):
        with pytest.raises(DuijieError):
            refused()
        assert revision(used) == before


def test_it_is_the_same_for_everyone(used: Engine) -> None:
    other = open_ledger(str(used.url))
    assert revision(other) == revision(used)
    deals.move(other, 1, "contacted", "乙", seen=1)
    assert revision(other) == revision(used) == replace(NOTHING, upload=2, run=1, decision=1, event=2)
    other.dispose()
