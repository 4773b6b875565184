"""Records that are perhaps one record listed twice; each pair is a proposal to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from matching.intake.likeness import Said, decided, evidence, hopeful, like_texts, numbered
from matching.intake.title_blocks import (
    Bounds,
    Pairs,
    Progress,
    Title,
    merged,
    near_titles,
    plain,
    read_title,
    rules,
    spread,
    within_blocks,
)
from matching.schema import DUPLICATES, Kind

_SAID: Final = ("title", "organisation", "text")
# Pairs at a time, for their texts stand in lists meanwhile.
_CHUNK: Final = 20_000


def near_duplicates(
    records: pl.DataFrame, known: pl.DataFrame | None, kind: Kind, progress: Progress | None = None
) -> pl.DataFrame:
    """Pairs within `records`, and of `records` with `known`, that are likely the same; see `likely_same`.

    Both have the columns `record_id`, `title`, `organisation` (resolved) and `text` (all texts joined, "" without);
    an id in both is one record, the one in `records`. Gives `DUPLICATES`: `first_id` before `second_id`, `likeness`
    and its parts (0–1, `text_likeness` null where a text is missing), ordered by likeness falling, then by ids.

    Compared are records with the same title but for generic words, with titles that share a rare pair of characters
    and enough of the others, and with texts that begin alike. Bounded, by `datasets/duplicates/rules.toml`: of more
    records that share one of these than a block holds, each is compared with its next neighbours by text (or by
    title) alone, so that a thousand equal records are found as a chain and not as half a million pairs; and a title
    that so many bear counts only for records with like texts. `progress` is told the hundredths done and 100.

    Raises `polars.exceptions.ColumnNotFoundError` where a column is missing.
    """
    columns = ["record_id", *_SAID]
    fresh = records.select(columns).with_columns(fresh=True)
    rest = fresh.clear() if known is None else known.select(columns).with_columns(fresh=False)
    every = pl.concat([fresh, rest]).unique("record_id", keep="first", maintain_order=True).sort("record_id")
    titles = [read_title(text, kind) for text in every["title"]]
    crowd = _crowds(titles)
    first, second = _candidates(every, titles, crowd, progress)
    said = Said(titles, every)
    found = [pl.DataFrame(schema=DUPLICATES)]
    for start in range(0, len(first), _CHUNK):
        one, other = first[start : start + _CHUNK], second[start : start + _CHUNK]
        one, other = hopeful(said, one, other)
        speaking = evidence(said, one, other)
        crowded = pl.Series(crowd[one] | crowd[other], dtype=pl.Boolean)
        pairs = speaking.with_columns(first_id=every["record_id"][one], second_id=every["record_id"][other])
        likely = decided(pairs).filter("likely", ~crowded | pl.col("exact") | like_texts())
        found.append(likely.select(*DUPLICATES))
        if progress:
            progress(50 + 50 * min(start + _CHUNK, len(first)) // len(first), 100)
    if progress and not len(first):
        progress(100, 100)
    return pl.concat(found).sort("likeness", "first_id", "second_id", descending=[True, False, False])


def likely_same(pairs: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """The pairs with what speaks for and against them, their `likeness` (0–1) and whether they are `likely` one record.

    `pairs` has the columns `title`, `organisation`, `text`, `other_title`, `other_organisation`, `other_text`. Added
    are `title_likeness` (0–1), `text_likeness` (0–1, null where a text is missing), `same_organisation`, `exact` (equal
    titles and texts after normalisation: likeness 1) and the values that the rules file has weights for (0–1).
    Either record may be the first.
    """
    sides = pl.concat([pairs.select(_SAID), pairs.select(pl.col(f"other_{name}").alias(name) for name in _SAID)])
    titles = [read_title(text, kind) for text in sides["title"]]
    places = np.arange(pairs.height)
    speaking = evidence(Said(titles, sides), places, places + pairs.height)
    return pl.concat([pairs, decided(speaking)], how="horizontal")


def _candidates(
    every: pl.DataFrame,
    titles: Sequence[Title],
    crowd: npt.NDArray[np.bool_],
    progress: Progress | None,
) -> Pairs:
    """Places of the pairs of records that are looked into, at least one of each pair `fresh`."""
    limits = rules()["bounds"]
    bounds = Bounds(limits["rarest"], limits["block"], limits["window"])
    fresh = every["fresh"].to_numpy()
    texts = every["text"].to_list()
    # Of a long text the beginning is enough to stand beside its like, but in a crowd equal ones must meet.
    orders = [plain(text if crowd[place] else text[: 2 * limits["text_head"]]) for place, text in enumerate(texts)]
    # Records that differ in nothing stand side by side, then those of one organisation.
    said = list(zip(orders, [title.plain for title in titles], every["organisation"], strict=True))
    by_text = sorted(range(len(titles)), key=lambda place: (said[place], place))
    groups: dict[str, list[int]] = {core: [] for core in sorted({title.core for title in titles})}
    for place in by_text:
        groups[titles[place].core].append(place)
    wanted = np.array([fresh[group].any() for group in groups.values()], dtype=np.bool_)
    near = near_titles(list(groups), wanted, bounds, limits["title_cutoff"], progress)
    cores, plains = (numbered([getattr(title, part) for title in titles]) for part in ("core", "plain"))
    by_title = sorted(range(len(titles)), key=lambda place: (titles[place].plain, place))
    headed = [place for place in by_title if len(orders[place]) >= limits["text_least"]]
    heads = numbered([orders[place][: limits["text_head"]] for place in headed])
    first, second = merged(
        len(titles),
        within_blocks(cores[by_text], np.array(by_text, np.int64), bounds, fresh),
        within_blocks(plains[by_text], np.array(by_text, np.int64), bounds, fresh),
        within_blocks(heads, np.array(headed, np.int64), bounds, fresh),
        spread(near, list(groups.values()), orders.__getitem__, bounds),
    )
    useful = fresh[first] | fresh[second]
    return first[useful], second[useful]


def _crowds(titles: Sequence[Title]) -> npt.NDArray[np.bool_]:
    """Which titles more records bear, but for generic words, than a block holds."""
    counts = Counter(title.core for title in titles)
    return np.array([counts[title.core] > rules()["bounds"]["block"] for title in titles], dtype=np.bool_)
