"""docs/performance.md and its plots, from the kept figures and the template beside this file."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any, Final

from bench import tables
from bench.matrices import MATRICES
from bench.plots import plot_peers, plot_stages

_MATRIX_WORDS: Final = {"words": "Words only", "full": "The matrix that the ranking uses"}
_PEER_HEAD: Final = (
    *("method", "threads", "CPU ms per query", "wall ms", "CPU, times ours", "wall, times ours", "building, CPU s"),
    *("most memory, building, GB", "searching, GB", "queries a round", "same scores (greatest difference)"),
)
_NOT_YET: Final = "Not measured yet."


def write(figures: dict[str, Any], target: Path) -> None:
    """Write the document and the plots that there are figures for, in `images` beside it."""
    peers = figures.get("peers", {})
    rows = [row for sizes in peers.values() for row in chain.from_iterable(sizes.values())]
    streamed = [each for sizes in figures.get("streamed", {}).values() for each in sizes.values()]
    stages = figures.get("stages", {})
    bandwidth = figures.get("bandwidth", {"failed": _NOT_YET})
    images = target.parent / "images"
    pictures = {matrix: f"performance-{matrix}.png" for matrix in MATRICES}
    drawn = {matrix: plot_peers(rows, matrix, images / name) for matrix, name in pictures.items()}
    stages_drawn = plot_stages(stages, images / "performance-stages.png")
    values = {
        "machine": tables.lines(tables.machine_rows(figures["machine"]) if "machine" in figures else []),
        "bandwidth": tables.lines(tables.bandwidth_rows(bandwidth)),
        "likeness": tables.lines(tables.likeness_rows(figures.get("likeness", {"failed": _NOT_YET}))),
        "peers": "\n".join(
            _matrix(matrix, peers.get(matrix, {}), pictures[matrix] if drawn[matrix] else "") for matrix in MATRICES
        ),
        "shares": tables.lines(tables.share_rows(rows, streamed, bandwidth)),
        "stages": _stages(stages, "performance-stages.png" if stages_drawn else ""),
        "jobs": tables.lines(tables.job_rows(figures.get("jobs", {}))),
    }
    template = Path(__file__).with_name("performance.md.template").read_text(encoding="utf-8")
    target.write_text(template.format(**values), encoding="utf-8")


def _matrix(matrix: str, by_size: dict[str, list[tables.Row]], picture: str) -> str:
    """A heading, a table for each size, the plot."""
    parts = [f"### {_MATRIX_WORDS[matrix]}\n"]
    for size in sorted(by_size, key=int):
        parts.append(f"{int(size):,} achievements:\n\n{_table(_PEER_HEAD, tables.peer_rows(by_size[size]))}\n")
    if growth := tables.growth(by_size):
        parts.append(f"This project's CPU per query grows by the power {growth} of the number of achievements.\n")
    if not by_size:
        parts.append(f"{_NOT_YET}\n")
    if picture:
        parts.append(f"![CPU per query by number of achievements](images/{picture})\n")
    return "\n".join(parts)


def _stages(found: dict[str, list[tables.Row]], picture: str) -> str:
    if not found:
        return _NOT_YET
    rows = [row for rows in found.values() for row in rows]
    demands, rounds = rows[0]["demands"], min((row["rounds"] for row in rows if "rounds" in row), default=0)
    head = ["stage", *(f"{int(size):,}" for size in sorted(found, key=int)), "exponent, CPU", "exponent, memory"]
    table = f"{demands:,} demands, {rounds} rounds.\n\n{_table(head, tables.stage_rows(found))}"
    return f"{table}\n\n![CPU seconds of each stage by number of achievements](images/{picture})" if picture else table


def _table(head: tuple[str, ...] | list[str], rows: list[list[str]]) -> str:
    return f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n{tables.lines(rows)}"
