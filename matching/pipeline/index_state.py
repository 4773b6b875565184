"""Where a ledger's index is kept, and how far its weights are behind: light to load, unlike what ranks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import platformdirs
from sqlalchemy import URL

from matching.ranking.refitting import load_refit_rule
from matching.ranking.stored_files import values_of

# The folder of the kept catalogue within that of the index.
CATALOGUE: Final = "catalogue"


@dataclass(frozen=True)
class Behind:
    """How far a kept space is behind: fitted at (UTC, ISO) on so many records, of which so many differ now."""

    at: str
    records: int
    since: int

    @property
    def share(self) -> float:
        """The share that differs, 0–1 and above."""
        return self.since / max(1, self.records)

    def said(self, timezone: str) -> dict[str, object]:
        """The values of the wording `index.behind`."""
        day = datetime.fromisoformat(self.at).astimezone(ZoneInfo(timezone)).date()
        values: dict[str, object] = {"records": self.records, "since": self.since, "share": self.share}
        return {"day": day, "limit": load_refit_rule().changed, **values}


def index_folder(url: URL, chosen: Path | None = None) -> Path | None:
    """The folder of a ledger's index: in the one chosen, else beside a file, else in the user's cache.

    None for a ledger that is held in memory.
    """
    file = url.database if url.get_backend_name() == "sqlite" else None
    if url.get_backend_name() == "sqlite" and file in (None, "", ":memory:"):
        return None
    whole = str(Path(str(file)).resolve()) if file else url.render_as_string(hide_password=True)
    if chosen is None and file:
        return Path(f"{file}.index")
    name = hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()
    return (chosen or platformdirs.user_cache_path("duijie") / "index") / name


def behind(folder: Path | None) -> Behind | None:
    """How far the kept space was behind when it was last updated; None where none is kept. No records are read."""
    values = values_of(folder / CATALOGUE) if folder else "none"
    if not isinstance(values, Mapping):
        return None
    found = cast(Mapping[str, Any], values)
    return Behind(found["fitted_at"], found["fitted_on"], found["since"])
