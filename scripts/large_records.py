"""Demands and achievements of a large ledger: their uploads, first versions and fields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Table

from matching.fields.taxonomies import load_taxonomies
from matching.ledger import tables
from matching.schema import ID, KINDS, RECORD, Kind

RECORDS: Final[dict[Kind, int]] = {"demands": 10_000, "achievements": 50_000}
FIRST_MOMENT: Final = datetime(2021, 11, 1, 2, tzinfo=UTC)
AGENTS: Final = [f"经纪人{number}" for number in range(40)]
CITIES: Final = [
    "哈尔滨市",
    "黑龙江省齐齐哈尔市",
    "大庆",
    "牡丹江市爱民区",
    "佳木斯市",
    "绥化市",
    "北京市",
    "深圳市",
    "",
]
ENTERPRISES: Final = [f"示例装备制造第{number}有限公司" for number in range(2_000)]
INSTITUTES: Final = [*(f"示例研究院{number}" for number in range(200)), *(f"示例大学{number}" for number in range(100))]
MATURITIES: Final = ["小试", "中试", "试生产", "产业化", "TRL 6", ""]
IP_KINDS: Final = ["发明专利", "实用新型专利", "技术秘密", "软件著作权", "植物新品种", ""]
FUNDS: Final = ["国家自然科学基金", "省重点研发计划", "企业自筹", ""]
TEXT: Final = (
    "本成果面向装备制造与现代农业的实际需要，已完成样机试制和现场验证，主要指标达到国内同类产品的先进水平。" * 6
)

Chance = np.random.Generator


def uploads() -> list[tuple[Table, pl.DataFrame]]:
    """A file of each kind a month."""
    rows = []
    for number in range(120):
        kind = KINDS[number % 2]
        counts = dict.fromkeys(("rows", "new"), RECORDS[kind] // 60)
        nothing = dict.fromkeys(("changed", "unchanged", "left_out", "refused", "missing"), 0)
        at = FIRST_MOMENT + timedelta(days=30 * (number // 2))
        rows.append(
            {
                **{"upload_id": number + 1, "kind": kind, "file_name": f"{number}.xlsx", "sha256": f"{number:064x}"},
                **{**counts, **nothing, "institute": "", "agent": AGENTS[0]},
                "at": at.isoformat(timespec="milliseconds"),
            }
        )
    return [(tables.upload, pl.DataFrame(rows))]


def records(chance: Chance) -> list[tuple[Table, pl.DataFrame]]:
    """Every record in its one version, with its fields."""
    lots, fields = [], []
    for kind, number in RECORDS.items():
        ids = ids_of(kind, np.arange(number))
        known = _demands(chance, number) if kind == "demands" else _achievements(chance, number)
        columns = {name: known.get(name, _nothing(dtype, number)) for name, dtype in RECORD[kind].items()}
        numbers = np.arange(number)
        rows = pl.DataFrame({**columns, ID[kind]: ids, "title": pl.select(pl.format("示例项目{}", ids)).to_series()})
        rows = rows.with_columns(
            version=pl.lit(1),
            upload_id=pl.Series(numbers % 60 * 2 + 1 + KINDS.index(kind)),
            source_sheet=pl.lit(""),
            source_row=pl.Series(numbers + 2),
            content_hash=pl.Series([f"{each:064x}" for each in numbers]),
        )
        lots.append((tables.RECORD_TABLE[kind], rows))
        fields += [_fields(chance, kind, ids, taxonomy) for taxonomy in load_taxonomies()]
    return [*lots, (tables.record_field, pl.concat(fields))]


def _demands(chance: Chance, number: int) -> dict[str, pl.Series]:
    return {
        "enterprise": chosen(chance, ENTERPRISES, number),
        "city": chosen(chance, CITIES, number),
        "problem": pl.Series([TEXT] * number),
        "visibility": chosen(chance, ["public", "public", "anonymous", "private"], number),
        "status": chosen(chance, ["open", "open", "matched", "closed"], number),
    }


def _achievements(chance: Chance, number: int) -> dict[str, pl.Series]:
    return {
        "institute": chosen(chance, INSTITUTES, number),
        "summary": pl.Series([TEXT] * number),
        "maturity": chosen(chance, MATURITIES, number),
        "ip_kind": chosen(chance, IP_KINDS, number),
        "funding": chosen(chance, FUNDS, number),
        "conversion_deadline": some_days(chance, number)
        .to_frame("day")
        .select(pl.when(pl.Series(chance.random(number) < 0.3)).then("day"))
        .to_series(),
        "exempt": pl.Series(chance.random(number) < 0.05),
        "status": chosen(chance, ["available", "available", "negotiating", "withdrawn"], number),
    }


def _nothing(dtype: pl.DataType, number: int) -> pl.Series:
    value = "" if dtype == pl.String() else [] if isinstance(dtype, pl.List) else None
    return pl.Series([value] * number, dtype=dtype)


def _fields(chance: Chance, kind: Kind, ids: pl.Series, taxonomy: str) -> pl.DataFrame:
    """One field of each record, a second one of every other."""
    codes = [node.code for node in load_taxonomies()[taxonomy].fields]
    first = chance.integers(0, len(codes), len(ids))
    second = (first + 1 + chance.integers(0, len(codes) - 1, len(ids))) % len(codes)
    parts = []
    for places, rows in ((first, np.arange(len(ids))), (second, np.arange(0, len(ids), 2))):
        found = {"record_id": ids.gather(rows), "code": pl.Series(codes).gather(places[rows])}
        parts.append(pl.DataFrame({**found, "confidence": chance.random(len(rows)).round(3)}))
    texts = {"kind": kind, "taxonomy": taxonomy, "basis": "text", "terms": "[]"}
    return pl.concat(parts).with_columns(version=pl.lit(1), **{name: pl.lit(text) for name, text in texts.items()})


def moments_of(seconds: NDArray[np.int64]) -> pl.Series:
    """Moments so many seconds after the first, as the ledger writes them."""
    start = int(FIRST_MOMENT.timestamp() * 1000)
    moments = pl.Series(start + seconds * 1000 + seconds % 1000, dtype=pl.Int64).cast(pl.Datetime("ms"))
    return moments.dt.to_string("%Y-%m-%dT%H:%M:%S%.3f+00:00")


def some_days(chance: Chance, number: int) -> pl.Series:
    """Days of the five years."""
    first = (FIRST_MOMENT.date() - date(1970, 1, 1)).days
    return pl.Series(chance.integers(first, first + 5 * 365, number), dtype=pl.Int32).cast(pl.Date)


def chosen(chance: Chance, values: Sequence[Any], number: int) -> pl.Series:
    """So many of some values, each as likely."""
    return pl.Series(values).gather(chance.integers(0, len(values), number))


def ids_of(kind: Kind, numbers: NDArray[np.int64]) -> pl.Series:
    """The ids of records by their numbers."""
    letter = "XQ" if kind == "demands" else "CG"
    return pl.select(pl.format(f"HLJ-{letter}-{{}}", pl.Series(numbers).cast(pl.String).str.zfill(6))).to_series()
