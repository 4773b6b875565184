"""What speaks for and against two records being one: titles, organisations, texts, and what was learned of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from rapidfuzz import fuzz, process

from matching.intake.title_blocks import Pairs, Places, Title, numbers, plain, rules, words_of

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
_OF_TITLES: Final = ("title_likeness", "other_number", "short_title", "same_organisation")
_OF_TEXTS: Final = ("text_likeness", "other_figures", "exact")


class Said:
    """Titles, organisations and texts of records, as they are compared; texts are read when first asked for."""

    def __init__(self, titles: Sequence[Title], said: pl.DataFrame) -> None:
        self.titles = titles
        self.organisations = numbered([plain(name) for name in said["organisation"]])
        self.nameless = said.select(pl.col("organisation") == "").to_series().to_numpy()
        # Characters in order: the share of those that two titles have is what is left when their order is not.
        self.letters = [["".join(sorted(getattr(title, part))) for title in titles] for part in ("core", "whole")]
        self.lengths = np.array([len(title.core) for title in titles], dtype=np.int64)
        self.plains = numbered([title.plain for title in titles])
        self.counted = [(title.series, title.figures) for title in titles]
        self.countless = np.array([not (title.series or title.figures) for title in titles], dtype=np.bool_)
        self._texts = said["text"].to_list()
        self._bodies: dict[int, str] = {}
        self._figures: dict[int, frozenset[str]] = {}

    def body(self, place: int) -> str:
        """A record's text as it is compared."""
        if place not in self._bodies:
            self._bodies[place] = plain(self._texts[place])
        return self._bodies[place]

    def figures(self, place: int) -> frozenset[str]:
        """The figures of a record's text."""
        if place not in self._figures:
            self._figures[place] = numbers(self._texts[place])
        return self._figures[place]


def decided(evidence: pl.DataFrame) -> pl.DataFrame:
    """Pairs with their `likeness` (0–1) and whether they are `likely` one record, by what speaks for and against."""
    decision, cutoff = rules()["decision"], rules()["bounds"]["title_cutoff"]
    likeness = pl.when("exact").then(1.0).otherwise(_learned(decision["weights"])).alias("likeness")
    # Titles that are not alike need texts that are, whatever else speaks for the pair.
    alike = (pl.col("title_likeness") >= cutoff) | like_texts()
    likely = pl.col("exact") | (alike & (pl.col("likeness") >= decision["threshold"]))
    return evidence.with_columns(likeness).with_columns(likely=likely)


def _learned(weights: Mapping[str, float], beside: float = 0.0) -> pl.Expr:
    """The logistic of values by their weights, and of what stands beside them."""
    parts = [pl.col(name).cast(pl.Float64).fill_null(0) * weight for name, weight in weights.items()]
    intercept: float = rules()["decision"]["intercept"]
    return 1 / (1 + (-(intercept + beside + pl.sum_horizontal(parts))).exp())


def hopeful(said: Said, one: Places, other: Places) -> Pairs:
    """The pairs that may be likely whatever their texts say: most are not, and texts take long to compare.

    What is not looked at yet is taken as it speaks most for a pair: first the words of the titles and their texts, then
    the texts alone.
    """
    for look in (_of_titles, _of_words):
        may_be = _at_best(look(said, one, other)) | (said.plains[one] == said.plains[other])
        one, other = one[may_be], other[may_be]
    return one, other


def _at_best(known: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which pairs are likely if the rest speaks for them: texts that are equal, or missing."""
    decision = rules()["decision"]
    weights = {name: weight for name, weight in decision["weights"].items() if name in known.columns}
    best = max(decision["weights"]["text_likeness"] + decision["weights"]["texts_known"], 0.0)
    found: npt.NDArray[np.bool_] = known.select(_learned(weights, best) >= decision["threshold"]).to_series().to_numpy()
    return found


def _of_words(said: Said, one: Places, other: Places) -> pl.DataFrame:
    """What the titles and organisations with all their words speak for and against pairs."""
    words = [_other_words(said.titles[a], said.titles[b]) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
    return _of_titles(said, one, other).with_columns(
        other_words=pl.Series([differ for differ, _ in words], dtype=pl.Boolean),
        broken_word=pl.Series([broken for _, broken in words], dtype=pl.Boolean),
    )


def _of_titles(said: Said, one: Places, other: Places) -> pl.DataFrame:
    """What the titles and organisations alone speak for and against pairs."""
    shortest = np.maximum(np.minimum(said.lengths[one], said.lengths[other]), 1)
    named = ~said.nameless[one] & (said.organisations[one] == said.organisations[other])
    return pl.DataFrame(
        {
            "title_likeness": np.maximum(*(_shared(letters, one, other) for letters in said.letters)),
            "other_number": _other_numbers(said, one, other),
            "short_title": 1 / shortest,
            "same_organisation": named,
        },
        schema={name: _EVIDENCE[name] for name in _OF_TITLES},
    )


def _other_numbers(said: Said, one: Places, other: Places) -> npt.NDArray[np.bool_]:
    """Whether both titles name a figure or a part of a series that the other does not."""
    found = np.zeros(len(one), dtype=np.bool_)
    for pair in np.flatnonzero(~said.countless[one] & ~said.countless[other]):
        left, right = said.counted[one[pair]], said.counted[other[pair]]
        found[pair] = left != right and (_differ(left[0], right[0]) or _differ(left[1], right[1]))
    return found


def like_texts() -> pl.Expr:
    """Whether the texts of a pair are alike."""
    least: float = rules()["bounds"]["like_texts"]
    return pl.col("text_likeness").fill_null(0) >= least


def evidence(said: Said, one: Places, other: Places) -> pl.DataFrame:
    """What speaks for and against each pair of places in `said`."""
    left, right = [said.titles[place] for place in one], [said.titles[place] for place in other]
    bodies = [[said.body(place) for place in side.tolist()] for side in (one, other)]
    figures = [[said.figures(place) for place in side.tolist()] for side in (one, other)]
    of_texts = pl.DataFrame(
        {
            "text_likeness": _text_likeness(*bodies),
            "other_figures": [_differ(a, b) for a, b in zip(*figures, strict=True)],
            "exact": [a.plain == b.plain and x == y for a, b, x, y in zip(left, right, *bodies, strict=True)],
        },
        schema={name: dtype for name, dtype in _EVIDENCE.items() if name in _OF_TEXTS},
    ).with_columns(
        texts_known=pl.col("text_likeness").is_not_null(),
        # Figures of a text that is too short to count do not count either.
        other_figures=pl.col("other_figures") & pl.col("text_likeness").is_not_null(),
    )
    return pl.concat([_of_words(said, one, other), of_texts], how="horizontal")


def _shared(letters: Sequence[str], one: Places, other: Places) -> npt.NDArray[np.float64]:
    """Share of the characters that both of two texts have, 0–1, whatever their order; `letters` are in order."""
    sides = [[letters[place] for place in side.tolist()] for side in (one, other)]
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


def _with_new_characters(words: frozenset[str], title: str) -> set[str]:
    characters = frozenset(title) if words else frozenset()
    return {word for word in words if not characters.issuperset(word)}


def _in_letters(words: set[str]) -> bool:
    return all(word.isascii() and word.isalpha() for word in words)


def _differ(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether each has what the other has not; what only one says is no contradiction."""
    return bool(one - other) and bool(other - one)


def numbered(texts: Sequence[str]) -> Places:
    """A number for each text, equal ones alike."""
    return pl.Series(texts, dtype=pl.String).rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
