"""A small report that has everything a report may have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from matching.reporting.sheets import Column, Plot, Report, Sheet

AS_OF = datetime(2026, 1, 5, 10, 0, tzinfo=UTC).astimezone(ZoneInfo("Asia/Shanghai"))
FIELD = Column("field", "领域", "text")


def by_field(plot: Plot | None = None) -> Sheet:
    """Three fields and their sum: a formula for a name, a hidden count, what is not known."""
    return Sheet(
        code="by_field",
        title="按领域",
        note="领域以置信度最高者计。",
        columns=(
            FIELD,
            Column("demands", "需求", "count"),
            Column("signed", "签约", "count"),
            Column("total_fen", "合同成交额（元）", "amount"),
            Column("rate", "签约率", "share"),
            Column("days", "平均天数", "days"),
            Column("first", "首次签约", "date"),
            Column("last", "最近变动", "moment"),
        ),
        rows=pl.DataFrame(
            {
                "field": ["=1+1", "生物<b>", "新材料", "合计"],
                "demands": [1200, 34, 7, 1241],
                "signed": [20, None, 6, 26],
                "signed:hidden": [False, True, False, False],
                "total_fen": [12_345_678_901, 5, None, 12_345_678_906],
                "rate": [0.1235, 0.0, None, 1 / 3],
                "days": [12.25, None, 3.0, 7.04],
                "first": [date(2025, 3, 4), None, None, None],
                "last": [datetime(2025, 3, 4, 8, 5, tzinfo=UTC), None, None, None],
            }
        ),
        plot=plot or Plot("bars", "field", ("demands", "signed")),
        total=True,
    )


def heat() -> Sheet:
    """Two fields by three quarters, one cell hidden."""
    rows = {"field": ["生物", "新材料"], "q1": [10, 0], "q2": [None, 40], "q3": [20, 7], "q2:hidden": [True, False]}
    columns = (FIELD, *(Column(f"q{number}", f"2025 年第 {number} 季度", "count") for number in (1, 2, 3)))
    return Sheet("heat", "领域与季度", "", columns, pl.DataFrame(rows), Plot("heat", "field", ("q1", "q2", "q3")))


def empty() -> Sheet:
    """A table without rows."""
    rows = pl.DataFrame(schema={"field": pl.String, "demands": pl.Int64})
    return Sheet(
        "empty", "空表", "", (FIELD, Column("demands", "需求", "count")), rows, Plot("bars", "field", ("demands",))
    )


def report(*sheets: Sheet, language: str = "zh_CN", title: str = "对接统计") -> Report:
    """A report of some sheets."""
    cover = (("统计范围", "2025-01-01 至 2025-12-31"), ("口径", "见 docs/statistics.md"))
    return Report(title, cover, sheets or (by_field(), heat(), empty()), AS_OF, language)
