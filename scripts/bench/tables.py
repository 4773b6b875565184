"""The kept figures as rows of the document's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from bench.peers import METHODS

Row = dict[str, Any]

NOTHING: Final = "-"
# Scores that differ by less are the same.
SAME: Final = 1e-5
STAGES: Final = {
    "read_csv": "reading both lists, CSV",
    "read_xlsx": "reading both lists, xlsx",
    "read_ledger": "reading both lists and their fields from the ledger (SQLite)",
    "fields": "fields, assigned anew",
    "count": "analysis: terms and concepts counted",
    "fit": "TF-IDF: weights, fields, latent directions fitted",
    "place": "rows placed",
    "index": "index of the achievements built",
    "retrieve": "top-k",
    "features": "features of all retrieved pairs",
    "levels": "level model of all retrieved pairs",
    "candidates": "candidates: top-k, features and level model again, parts, reasons",
    "write_csv": "writing the list, CSV",
    "write_xlsx": "writing the list, xlsx",
}


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Rows of a table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) or f"| {NOTHING} |"


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """The power of the size that values grow by, least squares over the logarithms; None below two sizes."""
    known = [(size, value) for size, value in zip(sizes, values, strict=True) if value > 0]
    if len(known) < 2:
        return None
    logs = np.log(np.array(known, dtype=np.float64))
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def machine_rows(found: Row) -> list[list[str]]:
    """What the machine is."""
    return [
        ["processor", f"{found['processor']}, {found['cores']} cores"],
        ["caches", f"L1 {found['cache_1']}, L2 {found['cache_2']}, L3 {found['cache_3']}"],
        ["memory", f"{found['memory'] / 1000:.0f} GB"],
        ["system", f"{found['system']}, Python {found['python']}"],
        ["packages", ", ".join(f"{name} {version}" for name, version in found["packages"].items())],
        ["load when it began", f"{found['load']:.2f}"],
    ]


def bandwidth_rows(found: Row) -> list[list[str]]:
    """GB/s by kind and threads, or why there are none."""
    if "failed" in found:
        return [[found["failed"], NOTHING, NOTHING]]
    return [
        [words, *(f"{found[name][threads]:.1f}" for threads in ("1", "2"))]
        for name, words in (("triad", "triad, a = b + s c"), ("read", "reading, sum of a"))
    ]


def likeness_rows(found: list[Row] | Row) -> list[list[str]]:
    """Real beside made, a row for each figure."""
    if isinstance(found, dict):
        return [[found["failed"], NOTHING, NOTHING]]
    rows = [["records", *(f"{each['records']:,}" for each in found)]]
    rows.append(["characters of title and text, mean", *(f"{each['characters']:.0f}" for each in found)])
    for place, words in enumerate(("shortest tenth up to", "half up to", "nine tenths up to")):
        rows.append([f"characters, {words}", *(f"{each['tenths'][place]:.0f}" for each in found)])
    for view in found[0]["distinct"]:
        rows.append([f"distinct terms per record, {view}", *(f"{each['distinct'][view]:.0f}" for each in found)])
    for view in found[0]["growth"]:
        rows.append([f"growth exponent of the vocabulary, {view}", *(f"{each['growth'][view]:.2f}" for each in found)])
    for view in found[0]["once"]:
        rows.append([f"share of terms that one record has, {view}", *(f"{each['once'][view]:.2f}" for each in found)])
    return rows


def peer_rows(found: list[Row]) -> list[list[str]]:
    """A row for each method and number of threads."""
    return [_peer(row) for row in found]


def _peer(row: Row) -> list[str]:
    name = METHODS[row["method"]].words
    if "failed" in row:
        return [name, str(row["threads"]), row["failed"], *[NOTHING] * 8]
    ratio = "1" if row["method"] == "ours" else f"{row['ratio']:.1f}"
    wall_ratio = "1" if row["method"] == "ours" else f"{row['wall_ratio']:.1f}"
    return [
        name,
        str(row["threads"]),
        milliseconds(row["cpu"]),
        milliseconds(row["wall"]),
        ratio,
        wall_ratio,
        f"{row['build_cpu']:.2f}",
        gigabytes(row["build_memory"]),
        gigabytes(row["memory"]),
        f"{row['queries']:,}",
        _same(row),
    ]


def _same(row: Row) -> str:
    if row["method"] == "ours":
        return NOTHING
    if row.get("difference") is None:
        return "BM25, its own"
    return f"{'yes' if row['difference'] < SAME else 'no'} ({row['difference']:.0e})"


def growth(by_size: dict[str, list[Row]]) -> str:
    """By which power this project's CPU per query with one thread grows, over all sizes; empty for a single size."""
    known = {
        int(size): row["cpu"]
        for size, rows in by_size.items()
        for row in rows
        if row["method"] == "ours" and row["threads"] == 1 and "cpu" in row
    }
    found = exponent(list(known), list(known.values()))
    return "" if found is None else f"{found:.2f}"


def share_rows(peers: list[Row], streamed: list[Row], bandwidth: Row) -> list[list[str]]:
    """How much of the triad's bandwidth the search uses, by matrix, size and threads."""
    rows = []
    for told in streamed:
        place = (told["matrix"], told["size"])
        for row in peers:
            if row["method"] != "ours" or (row["matrix"], row["size"]) != place or "cpu" not in row:
                continue
            names = [told["matrix"], f"{told['size']:,}", str(row["threads"])]
            if "failed" in told or "failed" in bandwidth:
                rows.append([*names, told.get("failed", bandwidth.get("failed")), NOTHING, NOTHING])
                continue
            speed = told["bytes"] / row["wall"] / 1e9
            share = speed / bandwidth["triad"][str(row["threads"])]
            rows.append([*names, f"{told['bytes'] / 1e6:.2f}", f"{speed:.2f}", f"{share:.0%}"])
    return rows


def stage_rows(found: dict[str, list[Row]]) -> list[list[str]]:
    """A row for each stage: CPU, wall and memory of each size, and the exponents of CPU and memory."""
    sizes = sorted(found, key=int)
    by_size = [{row["stage"]: row for row in found[size]} for size in sizes]
    rows = []
    for stage, words in STAGES.items():
        each = [one.get(stage, {}) for one in by_size]
        if any(each):
            numbers = [int(size) for size in sizes]
            growth = [exponent(numbers, [one.get(name, 0.0) for one in each]) for name in ("cpu", "memory")]
            rows.append([words, *map(_stage, each), *(NOTHING if one is None else f"{one:.2f}" for one in growth)])
    failed = [
        f"{int(size):,}: {one['rest']['failed']}" for size, one in zip(sizes, by_size, strict=True) if "rest" in one
    ]
    return [*rows, *([["not reached", "; ".join(failed), *[NOTHING] * (len(sizes) + 1)]] if failed else [])]


def _stage(row: Row) -> str:
    if "cpu" not in row:
        return str(row.get("failed", NOTHING))
    return f"{row['cpu']:.1f} / {row['wall']:.1f} / {gigabytes(row['memory'])}"


def job_rows(found: dict[str, Row]) -> list[list[str]]:
    """A row for each job."""
    rows = []
    for row in found.values():
        figures = (
            [row["failed"], *[NOTHING] * 4]
            if "failed" in row
            else [
                f"{row['cpu']:.0f}",
                f"{row['wall']:.0f}",
                f"{row['cpu'] / row['wall']:.2f}",
                gigabytes(row["memory"]),
                str(row["rounds"]),
            ]
        )
        rows.append([f"{row['demands']:,} x {row['size']:,}", *figures])
    return rows


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds, three digits."""
    return f"{seconds * 1000:.3g}"


def gigabytes(megabytes: float) -> str:
    """MB as GB."""
    return f"{megabytes / 1000:.2f}"
