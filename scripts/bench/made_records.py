"""Made-up Chinese records in any number, for benchmarks: titles and texts as long and as varied as real ones.

General words are of two characters, those that the segmenter knows out of the characters of the lexicon; every record
is about two of some hundred subjects, which have words and lexicon terms of their own. How often each word is used, how
many new ones come with each text, and how long texts are follows the demands of `judged_pairs` (`likeness.py` puts
both side by side). A record follows from its number and the seed alone: a longer list begins with a shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

import numpy as np
import polars as pl
import rjieba
from numpy.typing import NDArray

from matching.fields.lexicon import load_lexicon

SEED: Final = 20261122
# Records of one draw of the random numbers.
_TOGETHER: Final = 5_000
# Characters of which general words are made.
_CHARACTERS: Final = 1_600
# The word of rank r is used as often as 1 / (r + flat) ** steep says.
_GENERAL: Final = (25, 1.7)
_SUBJECT: Final = (5, 1.8)
_OF_SINGLES: Final = (2, 1.0)
_SUBJECTS: Final = 160
_TERMS_OF_SUBJECT: Final = 60
_WORDS_OF_SUBJECT: Final = 100
# Share of a text's words that are of its subjects, and of those that are codes or numbers that hardly come again.
_ON_SUBJECT: Final = 0.35
_CODES: Final = 0.008
# Share of words that stood in the same record before, of those that a word always brings along, and of single
# characters between words.
_AGAIN: Final = 0.3
_BROUGHT: Final = 0.85
_SINGLE: Final = 0.25
# Words of a title, least and most; of a text the median and spread of a lognormal distribution, least and most.
_TITLE: Final = (4, 9)
_TEXT: Final = (110, 0.8, 12, 900)
# Words of a clause.
_CLAUSE: Final = 7
_COMMA, _STOP = chr(0xFF0C), chr(0x3002)


@dataclass(frozen=True)
class _Words:
    """Words by number, and by which chances they are drawn.

    Cumulative shares of the general words, of a subject's, whose numbers are its row of `subjects`, and of single
    characters, whose numbers are `singles`; `brings` is the word that each word brings along.
    """

    words: pl.Series
    general: NDArray[np.float64]
    subjects: NDArray[np.int64]
    of_subject: NDArray[np.float64]
    singles: NDArray[np.int64]
    of_singles: NDArray[np.float64]
    brings: NDArray[np.int64]


def records(number: int, *, first: int = 0, seed: int = SEED) -> pl.DataFrame:
    """`number` records from the one numbered `first` on: number (Int64), title, text."""
    lots = range(first // _TOGETHER, -(-(first + number) // _TOGETHER))
    parts = [_drawn(np.random.default_rng((seed, lot)), lot * _TOGETHER) for lot in lots]
    return pl.concat(parts).filter(pl.col("number").is_between(first, first + number - 1))


def _drawn(chance: np.random.Generator, first: int) -> pl.DataFrame:
    """A lot of records: all their words are drawn together, then cut into texts."""
    known = _words()
    median, spread, least, most = _TEXT
    titles = chance.integers(*_TITLE, _TOGETHER, endpoint=True)
    texts = np.clip(np.exp(chance.normal(np.log(median), spread, _TOGETHER)), least, most).astype(np.int64)
    # Two subjects each; the first one has twice as many words.
    subjects = chance.integers(0, _SUBJECTS, (_TOGETHER, 2))
    lengths = titles + texts
    record = np.repeat(np.arange(_TOGETHER), lengths)
    place = np.arange(len(record)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    in_title = place < titles[record]
    words = np.searchsorted(known.general, chance.random(len(record)))
    # A title is about the subject almost throughout.
    on_subject = chance.random(len(record)) < np.where(in_title, 0.8, _ON_SUBJECT)
    which = subjects[record, (chance.random(len(record)) < 1 / 3).astype(np.int64)]
    ranks = np.searchsorted(known.of_subject, chance.random(len(record)))
    words = np.where(on_subject, known.subjects[which, ranks], words)
    single = ~in_title & (chance.random(len(record)) < _SINGLE)
    words[single] = known.singles[np.searchsorted(known.of_singles, chance.random(np.count_nonzero(single)))]
    brought = np.flatnonzero((place > 0) & (chance.random(len(record)) < _BROUGHT))
    words[brought] = known.brings[words[brought - 1]]
    again = np.flatnonzero(chance.random(len(record)) < _AGAIN)
    words[again] = words[again - (chance.random(len(again)) * (place[again] + 1)).astype(np.int64)]
    tokens = known.words.gather(words).to_frame("word").with_columns(record=record, in_title=in_title, place=place)
    coded = np.flatnonzero(~in_title & (chance.random(len(record)) < _CODES))
    codes = pl.Series("word", _codes(chance, len(coded)))
    tokens = tokens.with_columns(tokens["word"].scatter(coded, codes))
    clause_ends = (pl.col("place") - titles[record]) % _CLAUSE == _CLAUSE - 1
    mark = pl.when(pl.col("in_title")).then(pl.lit("")).when(clause_ends).then(pl.lit(_COMMA)).otherwise(pl.lit(""))
    joined = (
        tokens.select("record", "in_title", word=pl.concat_str("word", mark))
        .group_by("record", maintain_order=True)
        .agg(
            title=pl.col("word").filter("in_title").str.join(),
            text=pl.col("word").filter(~pl.col("in_title")).str.join(),
        )
    )
    return joined.select(
        number=pl.col("record").cast(pl.Int64) + first,
        title="title",
        text=pl.col("text").str.strip_chars_end(_COMMA) + _STOP,
    )


def _codes(chance: np.random.Generator, number: int) -> list[str]:
    """Type designations such as KD-4821: most of them stand in one text alone."""
    letters = chance.integers(ord("A"), ord("Z") + 1, (number, 2)).tolist()
    digits = chance.integers(1, 10_000, number).tolist()
    return [f"{chr(first)}{chr(second)}-{digit}" for (first, second), digit in zip(letters, digits, strict=True)]


@cache
def _words() -> _Words:
    chance = np.random.default_rng(SEED)
    general = chance.permutation(np.array(_known_words(), dtype=object))
    terms = _terms_by_field()
    characters = _common_characters()
    words = pl.Series([*general, *(term for field in terms for term in field), *characters], dtype=pl.String)
    starts = len(general) + np.cumsum([0, *(len(field) for field in terms)])
    brings = np.searchsorted(_shares(len(general), *_GENERAL), chance.random(len(words)))
    singles = np.arange(starts[-1], starts[-1] + len(characters))
    subjects = np.empty((_SUBJECTS, _TERMS_OF_SUBJECT + _WORDS_OF_SUBJECT), np.int64)
    for row in range(_SUBJECTS):
        field = row % len(terms)
        own = chance.choice(np.arange(starts[field], starts[field + 1]), _TERMS_OF_SUBJECT, replace=False)
        others = chance.choice(len(general), _WORDS_OF_SUBJECT, replace=False)
        subjects[row] = chance.permutation(np.concatenate([own, others]))
    return _Words(
        words,
        _shares(len(general), *_GENERAL),
        subjects,
        _shares(subjects.shape[1], *_SUBJECT),
        singles,
        _shares(len(singles), *_OF_SINGLES),
        brings,
    )


def _shares(number: int, flat: float, steep: float) -> NDArray[np.float64]:
    """Cumulative shares of words by rank, after Zipf and Mandelbrot."""
    used = (np.arange(number) + flat) ** -steep
    return np.asarray(np.cumsum(used) / used.sum())


def _known_words() -> list[str]:
    """Words of two characters that the segmenter cuts whole, of the characters that the lexicon uses most."""
    common = _common_characters()
    text = " ".join(first + second for first, second in product(common, common))
    return [word for word in rjieba.cut(text, hmm=False) if len(word) == 2 and word.isalpha()]


def _common_characters() -> list[str]:
    used: dict[str, int] = {}
    for group in load_lexicon().groups:
        for character in group.term:
            if character.isalpha() and not character.isascii():
                used[character] = used.get(character, 0) + 1
    return sorted(used, key=lambda each: (-used[each], each))[:_CHARACTERS]


def _terms_by_field() -> list[list[str]]:
    """The lexicon's terms, field by field."""
    found: dict[str, list[str]] = {}
    for group in load_lexicon().groups:
        found.setdefault(group.field, []).append(group.term)
    return [found[field] for field in sorted(found) if len(found[field]) >= _TERMS_OF_SUBJECT]
