"""A kept catalogue as a folder: the space, what it was fitted on, and segments with a key for each of their records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.ranking.kept import Kept, Segment, with_segments
from matching.ranking.record_keys import KEYS, digest_of, keys_digest
from matching.ranking.space import Space
from matching.ranking.stored_files import Content, Damage, Entry, Stored, opened, save
from matching.ranking.stored_space import space_arrays, space_names, space_with
from matching.ranking.topk import Index

_MATRIX: Final = ("indptr", "indices", "data")
# Numbers of an index, which the manifest has.
_NUMBERS: Final = ("edges", "longest")
# Arrays of an index as they are; its rows are a matrix, and its order follows from all segments.
_ARRAYS: Final = tuple(each.name for each in fields(Index) if each.name not in ("rows", "order", *_NUMBERS))
_KINDS: Final = ("demands", "achievements")


@dataclass(frozen=True)
class Fit:
    """When (UTC, ISO) and on what a space was fitted: the key of all that placing depends on, and the records' keys."""

    at: str
    placing: str
    demands: pl.DataFrame
    achievements: pl.DataFrame

    @property
    def records(self) -> int:
        """How many demands and achievements it was fitted on."""
        return self.demands.height + self.achievements.height

    @cached_property
    def key(self) -> str:
        """The same for spaces that were fitted on the same."""
        return digest_of([self.placing, keys_digest(self.demands, self.achievements)])


@dataclass(frozen=True)
class KeptCatalogue:
    """A kept catalogue with the keys of its segments' records (`record_keys.KEYS`, in the order of the stored ids).

    `numbers` name the segments' files, `entries` are the files that exist, `since` says how many records differ from
    those that the space was fitted on.
    """

    kept: Kept
    keys: tuple[pl.DataFrame, ...]
    numbers: tuple[int, ...]
    fit: Fit
    since: int = 0
    entries: Mapping[str, Entry] = field(default_factory=dict)

    @cached_property
    def current(self) -> pl.DataFrame:
        """The keys of the achievements that are there, in the order of their ids."""
        there = pl.DataFrame({"record_id": self.kept.ids}, schema={"record_id": pl.String()})
        newest = pl.concat([pl.DataFrame(schema=KEYS), *self.keys]).unique("record_id", keep="last")
        return there.join(newest, on="record_id", how="left", maintain_order="left")


def open_kept(folder: Path) -> KeptCatalogue | Damage:
    """The catalogue that a folder holds, its arrays mapped; else why there is none (`stored_files.opened`)."""
    stored = opened(folder)
    if isinstance(stored, str):
        return stored
    try:
        return _catalogue_of(stored)
    except (KeyError, ValueError, TypeError):
        return "damaged"


def save_kept(folder: Path, catalogue: KeptCatalogue) -> KeptCatalogue:
    """Keep a catalogue in a folder: files that exist already stay; the catalogue with its files' entries.

    `OSError` where it cannot be written.
    """
    lasting = ("space-", "fitted-", *(f"segment-{number}-" for number in catalogue.numbers))
    same = {name: entry for name, entry in catalogue.entries.items() if name.startswith(lasting)}
    entries = save(folder, _values_of(catalogue), _fresh_of(catalogue), same)
    return replace(catalogue, entries=entries)


def _values_of(catalogue: KeptCatalogue) -> dict[str, object]:
    """What the manifest says of a catalogue."""
    return {
        "fitted_at": catalogue.fit.at,
        "fitted_on": catalogue.fit.records,
        "since": catalogue.since,
        "placing": catalogue.fit.placing,
        "segments": [
            [
                number,
                {name: getattr(segment.index, name) for name in _NUMBERS},
                segment.index.rows.shape[1],
                segment.titles.shape[1],
            ]
            for number, segment in zip(catalogue.numbers, catalogue.kept.segments, strict=True)
        ],
    }


def _fresh_of(catalogue: KeptCatalogue) -> dict[str, Content]:
    """What has no files yet. Ids that have gone are written each time."""
    fresh: dict[str, Content] = {"gone": _gone(catalogue)}
    if not catalogue.entries:
        fresh |= _space_content(catalogue.kept.space)
        fresh |= {f"fitted-{kind}": getattr(catalogue.fit, kind) for kind in _KINDS}
    for number, segment, keys in zip(catalogue.numbers, catalogue.kept.segments, catalogue.keys, strict=True):
        if f"segment-{number}-keys" in catalogue.entries:
            continue
        parts = {
            **{name: getattr(segment.index, name) for name in _ARRAYS},
            **{f"rows_{name}": getattr(segment.index.rows, name) for name in _MATRIX},
            **{f"titles_{name}": getattr(segment.titles, name) for name in _MATRIX},
            "keys": keys,
        }
        fresh |= {f"segment-{number}-{name}": part for name, part in parts.items()}
    return fresh


def _space_content(space: Space) -> dict[str, Content]:
    """The space's arrays and, as frames that are quicker to open, its names."""
    plain = {name: each for name, each in space_arrays(space).items() if not name.endswith(("_texts", "_begins"))}
    names = {name: pl.DataFrame({"name": each}) for name, each in space_names(space).items()}
    return {f"space-{name}": each for name, each in (plain | names).items()}


def _gone(catalogue: KeptCatalogue) -> pl.DataFrame:
    """Ids that stand in a segment and are not there any more."""
    known = pl.concat([pl.DataFrame(schema=KEYS), *catalogue.keys]).select("record_id").unique()
    return known.join(catalogue.current, on="record_id", how="anti").sort("record_id")


def _catalogue_of(stored: Stored) -> KeptCatalogue:
    values = cast(Mapping[str, Any], stored.values)
    parts = {name.removeprefix("space-"): each for name, each in stored.content.items() if name.startswith("space-")}
    space = space_with(
        {name: each for name, each in parts.items() if isinstance(each, np.ndarray)},
        {name: each["name"] for name, each in parts.items() if isinstance(each, pl.DataFrame)},
    )
    numbers = tuple(each[0] for each in values["segments"])
    segments = [_segment_of(stored, *each) for each in values["segments"]]
    kept = with_segments(space, segments, stored.frame("gone")["record_id"].to_list())
    fit = Fit(values["fitted_at"], values["placing"], *(stored.frame(f"fitted-{kind}") for kind in _KINDS))
    keys = tuple(stored.frame(f"segment-{number}-keys") for number in numbers)
    return KeptCatalogue(kept, keys, numbers, fit, values["since"], stored.entries)


def _segment_of(stored: Stored, number: int, numbers: dict[str, Any], width: int, title_width: int) -> Segment:
    def array(name: str) -> np.ndarray:
        return stored.array(f"segment-{number}-{name}")

    ids = tuple(stored.frame(f"segment-{number}-keys")["record_id"])
    parts: dict[str, Any] = {name: array(name) for name in _ARRAYS}
    index = Index(
        rows=_matrix([array(f"rows_{name}") for name in _MATRIX], (len(ids), width)),
        order=np.zeros(len(ids), np.int32),
        edges=tuple(numbers["edges"]),
        longest=numbers["longest"],
        **parts,
    )
    return Segment(ids, index, _matrix([array(f"titles_{name}") for name in _MATRIX], (len(ids), title_width)))


def _matrix(parts: list[np.ndarray], shape: tuple[int, int]) -> sp.csr_matrix:
    """A matrix over arrays as they are; it was canonical when it was written."""
    begins, columns, values = parts
    matrix = sp.csr_matrix((values, columns, begins), shape, copy=False)
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix
