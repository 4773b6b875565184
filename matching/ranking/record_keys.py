"""Keys that say whether a record, or what all records are placed by, is still the same."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import polars as pl

from matching.data_files import data_path
from matching.ranking.weights import Weights
from matching.schema import ID, Kind

# A frame of keys: records of one list in the order of their ids.
KEYS: Final[dict[str, pl.DataType]] = {"record_id": pl.String(), "key": pl.Binary()}
_BYTES: Final = 16
# What is said of a field that its place in a row depends on.
_OF_FIELDS: Final = ("taxonomy", "code", "confidence")
# Libraries that decide what a row is, to the last bit.
_LIBRARIES: Final = ("numpy", "scipy", "scikit-learn", "rjieba", "rapidfuzz")
_SOURCES: Final = Path(__file__).resolve().parent


def record_keys(records: pl.DataFrame, kind: Kind, fields: pl.DataFrame, weights: Weights) -> pl.DataFrame:
    """A key for each clean record (`KEYS`): of its texts that count, its title, and its fields (`schema.FIELDS`)."""
    parts = [part for part, weight in weights.parts[kind].items() if weight and part in records.columns]
    texts = records.select(ID[kind], *dict.fromkeys(["title", *parts])).sort(ID[kind])
    known = (
        fields.lazy()
        .filter(pl.col("confidence") > 0)
        .join(texts.lazy().select(record_id=ID[kind]), on="record_id", how="semi")
        .sort("record_id", *_OF_FIELDS)
        .group_by("record_id", maintain_order=True)
        .agg(_OF_FIELDS)
        .collect()
    )
    whole = texts.join(known, left_on=ID[kind], right_on="record_id", how="left", maintain_order="left")
    return pl.DataFrame({"record_id": texts[ID[kind]], "key": _digests(whole)}, schema=KEYS)


def _digests(rows: pl.DataFrame) -> pl.Series:
    """A digest of each row."""
    lines = rows.write_ndjson().encode().split(b"\n")[: rows.height]
    return pl.Series([hashlib.blake2b(line, digest_size=_BYTES).digest() for line in lines], dtype=pl.Binary())


def placing_key(weights: Weights) -> str:
    """A key of all that placing depends on beside the records: program, libraries, weights, lexicon and taxonomies."""
    values = asdict(weights)
    counted = ("parts", "characters", "words", "concepts", "text", "field", "taxonomies")
    return digest_of([program_key(), data_key(), {name: values[name] for name in counted}])


@cache
def program_key() -> str:
    """A key of the program's sources that rank, and of the libraries that they use."""
    files = [
        *_SOURCES.rglob("*.py"),
        _SOURCES.parent / "fields" / "terms.py",
        _SOURCES.parent / "fields" / "lexicon.py",
    ]
    return digest_of([_of_files(files), [version(name) for name in _LIBRARIES], unicodedata.unidata_version])


@cache
def data_key() -> str:
    """A key of the lexicon and of the taxonomies."""
    folders = data_path("lexicon"), data_path("fields", "taxonomies")
    return _of_files(path for folder in folders for path in folder.rglob("*") if path.is_file())


def digest_of(values: object) -> str:
    """A key of plain values."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=_BYTES).hexdigest()


def keys_digest(*frames: pl.DataFrame) -> str:
    """A key of frames of keys, whose rows are in order."""
    digest = hashlib.blake2b(digest_size=_BYTES)
    for frame in frames:
        digest.update(f"{frame.height}\n".encode())
        digest.update("\n".join(frame["record_id"]).encode())
        digest.update(b"".join(frame["key"]))
    return digest.hexdigest()


def _of_files(files: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=_BYTES)
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.parent.name}/{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
