"""The catalogue is kept placed in its space: an update places what is new or says something else, and no more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from matching.errors import Problem
from matching.fields.lexicon import load_lexicon
from matching.pipeline.index_state import CATALOGUE, Behind
from matching.ranking.counting import count
from matching.ranking.kept import Segment, gathered, kept_of, with_placed, with_segments
from matching.ranking.kept_files import Fit, KeptCatalogue, open_kept, save_kept
from matching.ranking.record_keys import placing_key, record_keys
from matching.ranking.refitting import Changes, RefitRule, changes, load_refit_rule
from matching.ranking.space import Placed, fit, place
from matching.ranking.stored_files import Damage, updating
from matching.ranking.topk import build
from matching.ranking.weights import Weights
from matching.schema import ID

# Why a space was fitted anew, "" where it was not.
Reason = Literal["", "none", "damaged", "outdated", "rules", "changes", "asked"]


@dataclass(frozen=True)
class Updated:
    """A kept catalogue as it stands now, and the demands placed in its space, with their keys.

    `done` are the achievements that were placed or left out; `fitted` says why all were, and `unwritten` that the
    `folder` could not be written.
    """

    catalogue: KeptCatalogue
    demands: Placed
    demand_keys: pl.DataFrame
    done: Changes
    fitted: Reason
    unwritten: bool = False
    folder: Path | None = None

    @property
    def behind(self) -> Behind:
        """How far the space is behind."""
        return Behind(self.catalogue.fit.at, self.catalogue.fit.records, self.catalogue.since)

    def problems(self) -> list[Problem]:
        """What is worth saying to whoever asked for the update."""
        said = []
        if self.fitted in ("damaged", "outdated", "rules"):
            said.append(Problem(f"index.{self.fitted}"))
        if self.unwritten:
            said.append(Problem("index.not_written", values={"folder": self.folder}))
        return said


def updated(
    folder: Path | None,
    demands: pl.DataFrame,
    achievements: pl.DataFrame,
    demand_fields: pl.DataFrame,
    achievement_fields: pl.DataFrame,
    weights: Weights,
    *,
    refit: bool = False,
    rule: RefitRule | None = None,
) -> Updated:
    """The catalogue as it stands now, out of the one that the folder keeps, and kept there for the next time.

    Lists are clean frames, fields those of `schema.FIELDS` (terms are not needed). Without a folder, or where it cannot
    be written, all goes on in memory. What is damaged or was made by other rules is made anew.
    """
    sides = demands, achievements
    fields = demand_fields, achievement_fields
    keys = tuple(record_keys(*each, weights) for each in zip(sides, ID, fields, strict=True))
    rule = rule or load_refit_rule()
    if folder is None:
        return _fresh(sides, fields, keys, weights, "none")
    place_of = folder / CATALOGUE
    with updating(place_of) as alone:
        known = open_kept(place_of)
        reason = _reason(known, keys, weights, refit, rule)
        if reason or isinstance(known, str):
            found = _fresh(sides, fields, keys, weights, reason)
            return _kept(place_of, found, alone)
        found = _changed(known, sides, fields, keys, weights, rule)
        if len(found.done) == 0 and found.catalogue.since == known.since:
            return found
        return _kept(place_of, found, alone)


def _reason(
    known: KeptCatalogue | Damage, keys: tuple[pl.DataFrame, ...], weights: Weights, refit: bool, rule: RefitRule
) -> Reason:
    if not isinstance(known, KeptCatalogue):
        return known
    if known.fit.placing != placing_key(weights):
        return "rules"
    if refit:
        return "asked"
    return "changes" if rule.due(_since(known.fit, keys), known.fit.records) else ""


def _since(fitted: Fit, keys: tuple[pl.DataFrame, ...]) -> int:
    """How many records differ from those that the space was fitted on."""
    return sum(len(changes(*each)) for each in zip((fitted.demands, fitted.achievements), keys, strict=True))


def _fresh(
    sides: tuple[pl.DataFrame, ...],
    fields: tuple[pl.DataFrame, ...],
    keys: tuple[pl.DataFrame, ...],
    weights: Weights,
    reason: Reason,
) -> Updated:
    """Fit a space on both lists and place them in it."""
    lexicon = load_lexicon()
    counted = [count(side, kind, weights.parts[kind], lexicon) for side, kind in zip(sides, ID, strict=True)]
    space = fit(counted[0], counted[1], fields[0], fields[1], weights)
    asking, there = (place(space, *each) for each in zip(ID, counted, fields, strict=True))
    at = datetime.now(UTC).isoformat(timespec="seconds")
    catalogue = KeptCatalogue(kept_of(space, there), (keys[1],), (0,), Fit(at, placing_key(weights), keys[0], keys[1]))
    return Updated(catalogue, asking, keys[0], Changes(there.ids, (), ()), reason)


def _changed(
    known: KeptCatalogue,
    sides: tuple[pl.DataFrame, ...],
    fields: tuple[pl.DataFrame, ...],
    keys: tuple[pl.DataFrame, ...],
    weights: Weights,
    rule: RefitRule,
) -> Updated:
    """Place what is new or says something else beside what is there."""
    lexicon, space = load_lexicon(), known.kept.space
    done = changes(known.current, keys[1])
    wanted = {*done.added, *done.changed}
    fresh = sides[1].filter(pl.col("achievement_id").is_in(wanted))
    counted = count(fresh, "achievements", weights.parts["achievements"], lexicon)
    some = _of(fields[1], wanted)
    catalogue = known
    if len(done):
        kept = with_placed(known.kept, place(space, "achievements", counted, some), done.gone)
        segment_keys = keys[1].filter(pl.col("record_id").is_in(wanted))
        more = len(kept.segments) > len(known.kept.segments)
        catalogue = replace(
            known,
            kept=kept,
            keys=(*known.keys, segment_keys) if more else known.keys,
            numbers=(*known.numbers, known.numbers[-1] + 1) if more else known.numbers,
        )
    catalogue = replace(_together(catalogue, rule.segments), since=_since(known.fit, keys))
    asking = place(
        space, "demands", count(sides[0], "demands", weights.parts["demands"], lexicon), _of(fields[0], None)
    )
    return Updated(catalogue, asking, keys[0], done, "")


def _of(fields: pl.DataFrame, ids: Collection[str] | None) -> pl.DataFrame:
    return fields if ids is None else fields.filter(pl.col("record_id").is_in(ids))


def _together(catalogue: KeptCatalogue, most: int) -> KeptCatalogue:
    """The catalogue with its later segments put together as one, where there are more than `most` of them."""
    kept = catalogue.kept
    if len(kept.segments) <= 1 + most:
        return catalogue
    segments, _ = kept.located
    later = gathered(kept, np.flatnonzero(segments > 0))
    whole = kept.segments[0]
    gone = set(whole.ids) - set(kept.ids)
    merged = Segment(later.ids, build(later.rows), later.titles)
    ids = pl.DataFrame({"record_id": later.ids}, schema={"record_id": pl.String()})
    return replace(
        catalogue,
        kept=with_segments(kept.space, [whole, merged], gone),
        keys=(catalogue.keys[0], ids.join(catalogue.current, on="record_id", how="left", maintain_order="left")),
        numbers=(catalogue.numbers[0], catalogue.numbers[-1] + 1),
    )


def _kept(folder: Path, found: Updated, alone: bool) -> Updated:
    """What was found, written where this process alone may do so."""
    if not alone:
        return replace(found, unwritten=True, folder=folder)
    try:
        return replace(found, catalogue=save_kept(folder, found.catalogue))
    except OSError:
        return replace(found, unwritten=True, folder=folder)
