"""Measure the intake on a large catalogue: `python scripts/measure_intake.py [ROWS]`, 100,000 without a number.

A workbook of 20 columns is made from the words and sentences of the sample achievements, with 3 % of the rows entered
twice in other words, and loaded by the command into a new ledger. Printed are the seconds of each step, how many of the
planted look-alikes were proposed, and the most memory that was used.
"""

from __future__ import annotations

import random
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import rjieba
import xlsxwriter

from matching import pipeline
from matching.intake.files import read_sheets
from matching.intake.reading import read_file, read_tables
from matching.ledger.database import open_ledger
from matching.settings import Settings

SAMPLES = Path(__file__).resolve().parent.parent / "datasets" / "samples"
HEADINGS = (
    *(
        "登记号",
        "成果名称",
        "完成单位",
        "完成人",
        "推荐单位",
        "技术领域",
        "关键词",
        "成果简介",
        "应用范围",
        "主要技术指标",
    ),
    *(
        "成果类别",
        "所处阶段",
        "知识产权形式",
        "专利号",
        "课题来源",
        "完成日期",
        "转化方式",
        "转让价格(万元)",
        "联系人",
        "联系电话",
    ),
)
TWICE = 0.03
SEED = 20261122


def main() -> None:
    """Make the workbook, load it, print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.xlsx"
        planted = write(path, rows)
        megabytes = path.stat().st_size / 1e6
        print(f"{rows:,} rows x {len(HEADINGS)} columns, {megabytes:.0f} MB, {planted:,} entered twice")
        measure(path, Path(folder) / "ledger.sqlite")


def measure(path: Path, ledger: Path) -> None:
    """Load the workbook step by step as `duijie load` does."""
    settings = Settings()
    engine = open_ledger(f"sqlite:///{ledger}")
    began = last = time.perf_counter()

    def tell(step: str, done: int = 1, total: int = 1) -> None:
        nonlocal last
        if done == total:
            now = time.perf_counter()
            print(f"{now - last:7.1f} s  {step}")
            last = now

    content = path.read_bytes()
    sheets = read_sheets(path.name, content, settings)
    tell("parsed in the reading process")
    read = read_tables(path.name, content, sheets, "achievements", settings)
    tell("rows checked")
    prepared = pipeline.prepare(engine, read, "省成果库", content, tell)
    found = pipeline.load(engine, prepared, "measuring", tell)
    tell("originals and marks")
    pairs = prepared.near.select("first_id", "second_id").rows()
    proposed = sum(first[:-1] == second[:-1] for first, second in pairs)
    print(f"{time.perf_counter() - began:7.1f} s  in all; {len(found.new):,} new")
    print(f"{proposed:,} of the planted look-alikes proposed, {len(pairs) - proposed:,} others")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most in this process")


def write(path: Path, rows: int) -> int:
    """Write the workbook; returns how many records were entered twice."""
    chance = random.Random(SEED)  # noqa: S311
    samples = read_file(SAMPLES / "achievements.csv", "achievements").frame
    words = [word for title in samples["title"] for word in rjieba.cut(title) if len(word) > 1]
    texts = pl.concat([samples[name] for name in ("summary", "application", "figures")])
    sentences = [each for text in texts for each in re.split(r"(?<=[。；])", text) if each]
    planted = 0
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        row = 1
        while row <= rows:
            cells = record(chance, words, sentences, row)
            sheet.write_row(row, 0, cells)
            row += 1
            if chance.random() < TWICE and row <= rows:
                title = chance.choice((f"{cells[1]}的研究", f"一种{cells[1]}", f"{cells[1]}（中试）"))
                sheet.write_row(row, 0, [f"{cells[0][:-1]}B", title, *cells[2:]])
                planted += 1
                row += 1
    return planted


def record(chance: random.Random, words: list[str], sentences: list[str], number: int) -> list[str]:
    """One achievement as a row of texts; ids of records entered twice differ in their last letter."""
    day = f"20{chance.randrange(16, 26)}-{chance.randrange(1, 13):02d}-11"
    return [
        f"HLJ{number:06d}A",
        "".join(chance.choices(words, k=chance.randrange(3, 6))),
        f"示例研究院{chance.randrange(400)}",
        "张某、李某",
        "示例主管部门",
        chance.choice(("新材料", "电子信息", "生物", "农机装备", "")),
        "、".join(chance.choices(words, k=3)),
        "".join(chance.choices(sentences, k=4)),
        chance.choice(sentences),
        chance.choice(sentences),
        "新技术",
        chance.choice(("小试", "中试", "产业化")),
        "专利",
        f"ZL20{number:012d}",
        "省部计划",
        day,
        chance.choice(("转让", "许可", "作价入股")),
        str(chance.randrange(1, 500)),
        "王某",
        "0451-8000000",
    ]


if __name__ == "__main__":
    main()
