"""Plots of the kept figures: docs/images/performance-*.png."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt

from bench.peers import METHODS
from bench.tables import STAGES

_OURS: Final = "#1f4e79"
_GREY: Final = "#a9b4bd"
_MARKS: Final = "osD^vPX"

Row = dict[str, Any]


def plot_peers(peers: list[Row], matrix: str, target: Path) -> bool:
    """CPU per query by size, a line for each method at its best number of threads; False where nothing is known."""
    lines: dict[str, dict[int, float]] = {}
    for row in peers:
        if row["matrix"] == matrix and "cpu" in row:
            points = lines.setdefault(row["method"], {})
            points[row["size"]] = min(row["cpu"] * 1000, points.get(row["size"], float("inf")))
    if not lines:
        return False
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for mark, (name, points) in zip(_MARKS, lines.items(), strict=False):
        sizes = sorted(points)
        style = {"color": _OURS, "linewidth": 2.0} if name == "ours" else {"linewidth": 1.1}
        axes.plot(
            sizes, [points[size] for size in sizes], marker=mark, markersize=5, label=METHODS[name].words, **style
        )
    axes.set(xscale="log", yscale="log", xlabel="achievements", ylabel="CPU ms per query, best 50")
    axes.grid(visible=True, which="major", color=_GREY, linewidth=0.4)
    axes.legend(frameon=False, fontsize=8)
    _save(figure, target)
    return True


def plot_stages(stages: dict[str, list[Row]], target: Path) -> bool:
    """CPU seconds of each stage by size; False where nothing is known."""
    sizes = sorted(stages, key=int)
    lines = {
        name: [
            (int(size), row["cpu"]) for size in sizes for row in stages[size] if row["stage"] == name and "cpu" in row
        ]
        for name in STAGES
    }
    if not any(lines.values()):
        return False
    figure, axes = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
    for place, (name, points) in enumerate(lines.items()):
        if points:
            mark = _MARKS[place % len(_MARKS)]
            axes.plot(
                *zip(*points, strict=True), marker=mark, markersize=4, linewidth=1.1, label=STAGES[name].split(":")[0]
            )
    axes.set(xscale="log", yscale="log", xlabel="achievements", ylabel="CPU seconds")
    axes.grid(visible=True, which="major", color=_GREY, linewidth=0.4)
    # Fourteen lines leave no room for their names among them.
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=7)
    _save(figure, target)
    return True


def _save(figure: plt.Figure, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=140, metadata={"Software": None})
    plt.close(figure)
