"""Names of enterprises, blotted out of texts however they are written there."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from matching.intake.organisations import organisation_key

_BLOT: Final = "***"
# The wide form of a character stands so much higher in Unicode.
_WIDE: Final = 0xFEE0


def blotted(
    rows: pl.DataFrame, secret: pl.Series, columns: Sequence[str], confirmed: Mapping[str, str]
) -> pl.DataFrame:
    """The columns of texts without the name of each row's enterprise, where the row is `secret`.

    Found are all names that are confirmed to be one with it, wide or narrow, in any case, with spaces in them; short
    forms that nobody confirmed are not.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for pair in confirmed.items():
        for name in pair:
            known[organisation_key(name, confirmed)].add(name)
    patterns: dict[str, re.Pattern[str] | None] = {}
    texts = rows.select("enterprise", *columns).to_dicts()
    for row, hidden in zip(texts, secret, strict=True):
        enterprise = str(row["enterprise"])
        if not hidden:
            continue
        if enterprise not in patterns:
            patterns[enterprise] = _pattern({enterprise, *known[organisation_key(enterprise, confirmed)]})
        pattern = patterns[enterprise]
        if pattern is not None:
            row.update({name: pattern.sub(_BLOT, row[name]) for name in columns})
    return rows.with_columns(pl.Series(name, [row[name] for row in texts], dtype=pl.String) for name in columns)


def _pattern(names: set[str]) -> re.Pattern[str] | None:
    """A pattern for any of the names, the longest first; None without one."""
    written = [_written(name) for name in sorted(names, key=lambda name: (-len(name), name)) if name.strip()]
    return re.compile("|".join(written), re.IGNORECASE) if written else None


def _written(name: str) -> str:
    signs = [sign for sign in unicodedata.normalize("NFKC", name) if not sign.isspace()]
    wide = {sign: chr(ord(sign) + _WIDE) for sign in map(chr, range(0x21, 0x7F))}
    return r"\s*".join(f"[{re.escape(sign + wide[sign])}]" if sign in wide else re.escape(sign) for sign in signs)
