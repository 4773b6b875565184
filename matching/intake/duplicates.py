"""Records that are perhaps one record listed twice; each pair is a proposal to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from rapidfuzz import fuzz, process

from matching.intake.title_blocks import (
    Bounds,
    Pairs,
    Places,
    Progress,
    Title,
    merged,
    near_titles,
    numbers,
    plain,
    read_title,
    rules,
    spread,
    within_blocks,
    words_of,
)
from matching.schema import Kind

DUPLICATES: Final[dict[str, pl.DataType]] = {
    "first_id": pl.String(),
    "second_id": pl.String(),
    "likeness": pl.Float64(),
    "title_likeness": pl.Float64(),
    "text_likeness": pl.Float64(),
    "same_organisation": pl.Boolean(),
    "exact": pl.Boolean(),
}
_EVIDENCE: Final[dict[str, pl.DataType]] = {
    "title_likeness": pl.Float64(),
    "other_number": pl.Boolean(),
    "other_words": pl.Boolean(),
    "broken_word": pl.Boolean(),
    "short_title": pl.Float64(),
    "same_organisation": pl.Boolean(),
    "text_likeness": pl.Float64(),
    "other_figures": pl.Boolean(),
    "exact": pl.Boolean(),
}
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
    found = [pl.DataFrame(schema=DUPLICATES)]
    for start in range(0, len(first), _CHUNK):
        one, other = first[start : start + _CHUNK], second[start : start + _CHUNK]
        evidence = _evidence(titles, every, one, other)
        crowded = pl.Series(crowd[one] | crowd[other], dtype=pl.Boolean)
        pairs = evidence.with_columns(first_id=every["record_id"][one], second_id=every["record_id"][other])
        likely = _decided(pairs).filter("likely", ~crowded | pl.col("exact") | _like_texts())
        found.append(likely.select(*DUPLICATES))
        if progress:
            progress(50 + 50 * min(start + _CHUNK, len(first)) // len(first), 100)
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
    return pl.concat([pairs, _decided(_evidence(titles, sides, places, places + pairs.height))], how="horizontal")


def _decided(evidence: pl.DataFrame) -> pl.DataFrame:
    decision, cutoff = rules()["decision"], rules()["bounds"]["title_cutoff"]
    parts = [pl.col(name).cast(pl.Float64).fill_null(0) * weight for name, weight in decision["weights"].items()]
    learned = 1 / (1 + (-(decision["intercept"] + pl.sum_horizontal(parts))).exp())
    likeness = pl.when("exact").then(1.0).otherwise(learned).alias("likeness")
    # Titles that are not alike need texts that are, whatever else speaks for the pair.
    alike = (pl.col("title_likeness") >= cutoff) | _like_texts()
    likely = pl.col("exact") | (alike & (pl.col("likeness") >= decision["threshold"]))
    return evidence.with_columns(likeness).with_columns(likely=likely)


def _like_texts() -> pl.Expr:
    least: float = rules()["bounds"]["like_texts"]
    return pl.col("text_likeness").fill_null(0) >= least


def _evidence(titles: Sequence[Title], said: pl.DataFrame, one: Places, other: Places) -> pl.DataFrame:
    """What speaks for and against each pair of places in `titles` and in the rows of `said`."""
    left, right = [titles[place] for place in one], [titles[place] for place in other]
    texts = {text: plain(text) for text in pl.concat([said["text"][one], said["text"][other]]).unique()}
    organisations = [[plain(name) for name in said["organisation"][side]] for side in (one, other)]
    bodies = [[texts[text] for text in said["text"][side]] for side in (one, other)]
    stated = {text: numbers(text) for text in texts}
    figures = [[stated[text] for text in said["text"][side]] for side in (one, other)]
    words = [_other_words(a, b) for a, b in zip(left, right, strict=True)]
    return pl.DataFrame(
        {
            "title_likeness": np.maximum(_shared(left, right, "core"), _shared(left, right, "whole")),
            "other_number": [_other_number(a, b) for a, b in zip(left, right, strict=True)],
            "other_words": [differ for differ, _ in words],
            "broken_word": [broken for _, broken in words],
            "short_title": [1 / max(1, min(len(a.core), len(b.core))) for a, b in zip(left, right, strict=True)],
            "same_organisation": [a == b != "" for a, b in zip(*organisations, strict=True)],
            "text_likeness": _text_likeness(*bodies),
            "other_figures": [_differ(a, b) for a, b in zip(*figures, strict=True)],
            "exact": [a.plain == b.plain and x == y for a, b, x, y in zip(left, right, *bodies, strict=True)],
        },
        schema=_EVIDENCE,
    ).with_columns(
        texts_known=pl.col("text_likeness").is_not_null(),
        # Figures of a text that is too short to count do not count either.
        other_figures=pl.col("other_figures") & pl.col("text_likeness").is_not_null(),
    )


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
    cores, plains = (_numbered([getattr(title, part) for title in titles]) for part in ("core", "plain"))
    by_title = sorted(range(len(titles)), key=lambda place: (titles[place].plain, place))
    headed = [place for place in by_title if len(orders[place]) >= limits["text_least"]]
    heads = _numbered([orders[place][: limits["text_head"]] for place in headed])
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


def _shared(left: Sequence[Title], right: Sequence[Title], part: str) -> npt.NDArray[np.float64]:
    """Share of the characters that both titles have, 0–1, whatever their order."""
    sides = [["".join(sorted(getattr(title, part))) for title in side] for side in (left, right)]
    return np.asarray(process.cpdist(*sides, scorer=fuzz.ratio, dtype=np.float64), dtype=np.float64) / 100


def _text_likeness(left: Sequence[str], right: Sequence[str]) -> list[float | None]:
    """The greater of the texts' ratio and the share of the shorter one's bigrams that the longer has, 0–1."""
    least = rules()["bounds"]["text_least"]
    ratios = process.cpdist(left, right, scorer=fuzz.ratio, dtype=np.float64) / 100
    bigrams = {text: {*map("".join, pairwise(text))} for text in {*left, *right}}
    found: list[float | None] = []
    for one, other, ratio in zip(left, right, ratios.tolist(), strict=True):
        if min(len(one), len(other)) < least:
            found.append(None)
        else:
            shorter = min(len(bigrams[one]), len(bigrams[other]))
            found.append(max(ratio, len(bigrams[one] & bigrams[other]) / shorter))
    return found


def _other_words(one: Title, other: Title) -> tuple[bool, bool]:
    """Whether each title has words that the other has not, and whether a slip of the pen may be all there is to it.

    An abbreviation in letters against words does not count. Where one has lone characters for the other's word, these
    may be a word with a wrong character in it.
    """
    words = [words_of(title.core) for title in (one, other)]
    left = _with_new_characters(words[0] - words[1], other.whole)
    right = _with_new_characters(words[1] - words[0], one.whole)
    differ = bool(left) and bool(right) and _in_letters(left) == _in_letters(right)
    lone = [max(map(len, side), default=0) == 1 for side in (left, right)]
    return differ, differ and lone[0] != lone[1]


def _other_number(one: Title, other: Title) -> bool:
    return _differ(one.series, other.series) or _differ(one.figures, other.figures)


def _with_new_characters(words: frozenset[str], title: str) -> set[str]:
    return {word for word in words if not set(word) <= set(title)}


def _in_letters(words: set[str]) -> bool:
    return all(word.isascii() and word.isalpha() for word in words)


def _differ(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether each has what the other has not; what only one says is no contradiction."""
    return bool(one - other) and bool(other - one)


def _numbered(texts: Sequence[str]) -> Places:
    """A number for each text, equal ones alike."""
    return pl.Series(texts, dtype=pl.String).rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
