"""Candidates for a demand that is typed: against what the ledger holds, in memory, as fast as somebody types."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from sqlalchemy import Engine

from matching.errors import CallError, NothingToDo, Problem
from matching.fields.lexicon import load_lexicon
from matching.fields.narrowing import forms_of
from matching.fields.typed import field_models
from matching.ledger import catalogue, corrections
from matching.ledger.rights import permit
from matching.pipeline.index_state import index_folder
from matching.pipeline.keeping import updated
from matching.pipeline.learning import current_model
from matching.progress import Progress
from matching.ranking.finding import Catalogue, candidates_for
from matching.ranking.kept import Kept
from matching.ranking.levels import LevelModel
from matching.ranking.weights import load_weights
from matching.schema import KINDS, RECORD, TAKING_PART


def loaded(engine: Engine, progress: Progress | None = None, index: Path | None = None) -> Catalogue:
    """What demands are found against: the achievements of the ledger that are to be had, as the index keeps them.

    It stands for the ledger at this moment; `index` is the folder for indexes that the user chose. Raises `NothingToDo`
    where there is no achievement to be had.
    """
    permit(engine, "find")
    records = {
        kind: catalogue.current_records(engine, kind, list(RECORD[kind])).filter(
            pl.col("status").is_in(TAKING_PART[kind])
        )
        for kind in KINDS
    }
    if records["achievements"].is_empty():
        raise NothingToDo(Problem("find.no_achievements"))
    fields = {kind: catalogue.current_fields(engine, kind, terms=False) for kind in KINDS}
    if progress:
        progress("vectors", 0, 1)
    found = updated(
        index_folder(engine.url, index),
        records["demands"],
        records["achievements"],
        fields["demands"],
        fields["achievements"],
        load_weights(),
    )
    if progress:
        progress("vectors", 1, 1)
    corrected = corrections.corrected_records(engine)
    return catalogue_of(found.catalogue.kept, records["achievements"], current_model(engine), corrected)


def catalogue_of(
    kept: Kept, achievements: pl.DataFrame, model: LevelModel, corrected: pl.DataFrame | None = None
) -> Catalogue:
    """The same of achievements that are kept; `corrected` are records of which agents said the fields."""
    made = Catalogue(
        kept=kept,
        records=achievements.sort("achievement_id").select("achievement_id", "title", "institute"),
        field_models=field_models(corrected),
        forms=forms_of(load_lexicon()),
        model=model,
        weights=load_weights(),
    )
    # What is compiled or made at the first use is not to be waited for.
    find(made, made.records["title"][0], 1)
    return made


def find(loaded: Catalogue, text: str, top: int = 10) -> pl.DataFrame:
    """The best `top` achievements for a demand as it is typed: its title, and after a line break its problem.

    A frame of `schema.CANDIDATES`, the strongest first, its demand_id "": a run has the same list for a demand of the
    ledger that says the same and of which nothing is judged. Raises `CallError` for a text that says nothing and for a
    `top` below 1.
    """
    title, problem = parted(text)
    if not title:
        raise CallError(Problem("find.no_text"))
    if top < 1:
        raise CallError(Problem("call.top", values={"top": top}))
    demand = pl.DataFrame({"demand_id": "", "enterprise": "", "title": title, "problem": problem})
    return candidates_for(loaded, demand, top, None)


def find_record(
    loaded: Catalogue, demand: pl.DataFrame, top: int = 10, fields: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The same for a demand with all its parts, one row of clean records; `fields` where they are known."""
    return candidates_for(loaded, demand, top, fields)


def parted(text: str) -> tuple[str, str]:
    """The title and the problem of a text: the first line that says something, and all after it."""
    title, _, problem = text.strip().partition("\n")
    return title.strip(), problem.strip()
