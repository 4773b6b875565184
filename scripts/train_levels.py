"""Train the level model from the judged pairs and the judged samples: `make train` runs this.

Writes datasets/model/levels.json. Nothing of the judged pairs but the learned weights is kept.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
from judged_data import judged_pairs

from matching.data_files import data_path
from matching.intake.judgements import read_judgements
from matching.intake.reading import read_file
from matching.pipeline import examples
from matching.ranking.levels import fit, together, write_model
from matching.ranking.weights import load_weights
from matching.settings import Settings

_SOURCE = (
    "Learned from the judged pairs of the public task on technical demands and achievements of CCF BDCI 2019 "
    "(preliminary round, training part; Henan technology-transfer platform) and from the samples of this project, "
    "judged by hand (datasets/samples/judgements.csv)."
)


def read_judged(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Demands, achievements and judgements of a folder."""
    demands = read_file(folder / "demands.csv", "demands").frame
    achievements = read_file(folder / "achievements.csv", "achievements").frame
    return demands, achievements, read_judgements(folder / "judgements.csv", Settings())


def main() -> None:
    """Train and write."""
    learned = together(examples(*read_judged(judged_pairs())), examples(*read_judged(data_path("samples"))))
    target = data_path("model", "levels.json")
    write_model(fit(learned, load_weights().strength, _SOURCE), target)
    print(f"{target}: {target.stat().st_size:,} bytes from {len(learned.levels):,} judged pairs")


if __name__ == "__main__":
    main()
