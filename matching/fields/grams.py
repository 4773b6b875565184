"""Characters, pairs and triples of neighbouring characters, counted over whole columns of texts at once.

The counts are those of scikit-learn's `CountVectorizer(analyzer="char", ngram_range=(1, 3))` with the same
vocabulary over texts without white space; texts become one array of code points, so that no n-gram is ever made
as a Python string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from matching.fields.terms import normalised_texts

LONGEST: Final = 3
# Set around every text, so that its beginning and its end are features too.
OPEN, CLOSE = "\x02", "\x03"
_BATCH: Final = 4000
_CODE_POINTS: Final = 0x110000


@dataclass(frozen=True)
class Vocabulary:
    """N-grams of one to three characters; the place of each is its column."""

    grams: tuple[str, ...]

    @cached_property
    def alphabet(self) -> np.ndarray:
        """For each code point its number among the characters in use, 0 for the others."""
        numbers = np.zeros(_CODE_POINTS, dtype=np.int32)
        used = sorted({ord(character) for gram in self.grams for character in gram})
        numbers[used] = np.arange(1, len(used) + 1)
        return numbers

    @cached_property
    def size(self) -> int:
        """How many characters are in use, and one for all others."""
        return int(self.alphabet.max()) + 1

    @cached_property
    def singles(self) -> np.ndarray:
        """Column of each character, -1 for none."""
        columns = np.full(self.size, -1, dtype=np.int32)
        for column, gram in enumerate(self.grams):
            if len(gram) == 1:
                columns[self.alphabet[ord(gram)]] = column
        return columns

    @cached_property
    def _beginnings(self) -> dict[str, int]:
        """Pairs that are in the vocabulary or begin a triple of it, numbered."""
        return {pair: number for number, pair in enumerate(sorted({g[:2] for g in self.grams if len(g) > 1}))}

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Number of each pair of characters (-1 for none), and column of each number (-1 for none)."""
        numbers = np.full(self.size * self.size, -1, dtype=np.int32)
        columns = np.full(len(self._beginnings), -1, dtype=np.int32)
        for pair, number in self._beginnings.items():
            numbers[self._place(pair)] = number
        for column, gram in enumerate(self.grams):
            if len(gram) == 2:
                columns[self._beginnings[gram]] = column
        return numbers, columns

    @cached_property
    def triples(self) -> tuple[np.ndarray, np.ndarray]:
        """Sorted keys of the triples (number of the first pair x size + third character), and their columns."""
        keyed = sorted(
            (self._beginnings[gram[:2]] * self.size + int(self.alphabet[ord(gram[2])]), column)
            for column, gram in enumerate(self.grams)
            if len(gram) == LONGEST
        )
        keys, columns = np.array(keyed, dtype=np.int64).reshape(-1, 2).T
        return keys, columns.astype(np.int32)

    def _place(self, pair: str) -> int:
        return int(self.alphabet[ord(pair[0])]) * self.size + int(self.alphabet[ord(pair[1])])


def prepared(texts: pl.Series) -> pl.Series:
    """Texts as they are counted: normalised, without white space, with marks at both ends; "" stays empty."""
    return marked(normalised_texts(texts))


def marked(normalised: pl.Series) -> pl.Series:
    """`prepared` for texts that are normalised already."""
    plain = normalised.str.replace_all(r"\s+", "")
    return pl.select(pl.when(plain != "").then(OPEN + plain + CLOSE).otherwise(pl.lit(""))).to_series()


def count_grams(parts: Sequence[tuple[float, pl.Series]], vocabulary: Vocabulary) -> sp.csr_matrix:
    """How often each n-gram stands in each record, times the weight of the part where it stands.

    `parts` are weights and columns of equal length of `prepared` texts. The result has a row per record and a
    column per n-gram, float32.
    """
    rows = len(parts[0][1]) if parts else 0
    if not rows or not vocabulary.grams:
        return sp.csr_matrix(np.zeros((rows, len(vocabulary.grams)), dtype=np.float32))
    batches = [
        _count_batch([(weight, texts[start : start + _BATCH]) for weight, texts in parts], vocabulary)
        for start in range(0, rows, _BATCH)
    ]
    return sp.csr_matrix(sp.vstack(batches, format="csr"))


def _count_batch(parts: Sequence[tuple[float, pl.Series]], vocabulary: Vocabulary) -> sp.csr_matrix:
    found = [(weight, *hit) for weight, texts in parts for hit in _hits(texts, vocabulary)]
    weights = np.concatenate([np.full(len(rows), weight, dtype=np.float32) for weight, rows, _ in found])
    rows = np.concatenate([rows for _, rows, _ in found])
    columns = np.concatenate([columns for _, _, columns in found])
    counted = sp.csr_matrix((weights, (rows, columns)), shape=(len(parts[0][1]), len(vocabulary.grams)))
    counted.sum_duplicates()
    return counted


def _hits(texts: pl.Series, vocabulary: Vocabulary) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of every n-gram of a part, as often as it stands."""
    # A line end after each text keeps n-grams from crossing over into the next.
    joined = "".join(f"{text}\n" for text in texts)
    letters = vocabulary.alphabet[np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32)]
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), texts.str.len_chars().to_numpy() + 1)
    single = vocabulary.singles[letters]
    yield rows[single >= 0], single[single >= 0]

    numbers, columns = vocabulary.pairs
    number = numbers[letters[:-1] * vocabulary.size + letters[1:]]
    places = np.flatnonzero(number >= 0)
    number = number[places]
    pair = columns[number]
    yield rows[places[pair >= 0]], pair[pair >= 0]

    keys, triple_columns = vocabulary.triples
    if not len(keys):
        return
    inside = places < len(letters) - 2
    places, number = places[inside], number[inside]
    key = number.astype(np.int64) * vocabulary.size + letters[places + 2]
    spot = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    known = keys[spot] == key
    yield rows[places[known]], triple_columns[spot[known]]
