"""The matrices and tokens that top-k is measured on, made once and kept in files.

*words*: TF-IDF over words alone, as scikit-learn makes it of the tokens that text engines get; rows of length 1.
*full*: the rows that the ranking uses, from `vectorize`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from bench import catalogue
from matching.fields.assignment import assign_fields
from matching.ranking.analysis import weighted_terms
from matching.ranking.vectors import Vectors, vectorize, weighted_parts
from matching.ranking.weights import load_weights
from matching.schema import ID, KINDS, Kind

MATRICES: Final = ("words", "full")
_PARTS: Final = ("data", "indices", "indptr", "shape")


def make_words(folder: Path, demands: int, achievements: int) -> None:
    """Write tokens and the words matrix of both kinds."""
    lines = {"demands": _tokens("demands", demands), "achievements": _tokens("achievements", achievements)}
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (folder / f"{kind}.txt").write_text("\n".join(lines[kind]), encoding="utf-8")
    counter = CountVectorizer(analyzer=str.split, dtype=np.float32)
    counts = counter.fit_transform(line for kind in KINDS for line in lines[kind])
    rows = TfidfTransformer(sublinear_tf=True).fit(counts).transform(counts, copy=False)
    keep(folder / "words", rows[:demands], rows[demands:])


def _tokens(kind: Kind, number: int) -> list[str]:
    """Words of each record, with spaces between them, as often as their parts' weights say."""
    frame = catalogue.demands(number) if kind == "demands" else catalogue.achievements(number)
    parts = weighted_parts(frame, load_weights().parts[kind])
    return [" ".join(weighted_terms(record, "words")) for record in parts]


def make_full(folder: Path, demands: int, achievements: int, fields_of: int) -> None:
    """Write the matrix of the ranking; fields are assigned to the first `fields_of` records and come again after."""
    lists = catalogue.demands(demands), catalogue.achievements(achievements)
    fields = (_fields(frame, kind, fields_of) for frame, kind in zip(lists, KINDS, strict=True))
    keep_vectors(folder, vectorize(*lists, *fields, load_weights()))


def _fields(records: pl.DataFrame, kind: Kind, number: int) -> pl.DataFrame:
    known = assign_fields(records.head(number), ID[kind])
    ids = records.select(again=ID[kind], record_id=pl.col(ID[kind]).gather(pl.int_range(pl.len()) % number))
    return ids.join(known, on="record_id").with_columns(record_id="again").select(known.columns)


def keep_vectors(folder: Path, vectors: Vectors) -> None:
    """Write the rows of vectors that were made elsewhere as the full matrix."""
    keep(folder / "full", vectors.demands, vectors.achievements)


def keep(folder: Path, demands: sp.csr_matrix, achievements: sp.csr_matrix) -> None:
    """Write both sides of a matrix as arrays, float32 and int32."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in zip(KINDS, (demands, achievements), strict=True):
        rows.sort_indices()
        np.save(folder / f"{kind}-data.npy", rows.data.astype(np.float32, copy=False))
        np.save(folder / f"{kind}-indices.npy", rows.indices.astype(np.int32, copy=False))
        np.save(folder / f"{kind}-indptr.npy", rows.indptr.astype(np.int32, copy=False))
        np.save(folder / f"{kind}-shape.npy", np.array(rows.shape))


def kept(folder: Path, matrix: str) -> bool:
    """Whether a matrix was written to the end."""
    return (folder / matrix / f"{KINDS[-1]}-shape.npy").exists()


def rows_of(folder: Path, matrix: str, kind: Kind) -> sp.csr_matrix:
    """One side of a matrix that was kept."""
    data, indices, indptr, shape = (np.load(folder / matrix / f"{kind}-{part}.npy") for part in _PARTS)
    return sp.csr_matrix((data, indices, indptr), tuple(shape))


def tokens_of(folder: Path, kind: Kind) -> list[list[str]]:
    """Words of each record that were kept; a word that comes again is the same object."""
    known: dict[str, str] = {}
    with (folder / f"{kind}.txt").open(encoding="utf-8") as lines:
        return [[known.setdefault(word, word) for word in line.split()] for line in lines]
