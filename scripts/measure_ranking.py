"""Measure the ranking and write docs/ranking.md with its plots: `make ranking-report` runs this.

The judged pairs stand beside the project (see scripts/judged_data.py), the judged samples in it; the document holds
figures alone. Everything is measured on folds: nothing is scored by what has learned from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import polars as pl
from judged_data import judged_pairs
from matplotlib import pyplot as plt
from sklearn.metrics import cohen_kappa_score
from train_levels import read_judged

from matching.data_files import data_path
from matching.pipeline import Examined, evaluate, examine, examples, fold_plans, score_folds
from matching.ranking.evaluation import Quality, bootstrap_interval, calibration, ndcg, quality, task_score
from matching.ranking.features import Features, products
from matching.ranking.folds import families_of_demands, unseen
from matching.ranking.levels import Examples, LevelModel, fit, level_of, together
from matching.ranking.scoring import judge
from matching.ranking.weights import Weights, load_weights

DOCUMENTS = Path(__file__).resolve().parents[1] / "docs"
DECISIONS = (0, 1, 2, 5, 10, 20)
DRAWS = 3
# Demands are in the curve when they have this many pairs beyond the decisions.
BEYOND = 5
ORDERS = {
    "bm25": "BM25, pairs of characters, title and content",
    "tf_idf": "scikit-learn TF-IDF, characters (1, 2), cosine",
    "retrieval": "retrieval: characters, words, lexicon, fields, title four times",
    "unseen": "level model, demands unseen, near texts in one fold",
    "unseen_by_id": "level model, demands unseen, folds by id (the public figures' way)",
    "seen": "level model, demands seen (stratified folds)",
}
# What is left out in a row of the ablation: features that the test holds for.
ABLATIONS: dict[str, Callable[[str], bool]] = {
    "nothing": lambda name: False,
    "characters, all similarities": lambda name: name.startswith("characters"),
    "words, all similarities": lambda name: name.startswith("words"),
    "titles apart (title with title, title with whole)": lambda name: "title_title" in name or "_title" in name,
    "coverage of informative terms": lambda name: "covered" in name or "shared" in name,
    "lexicon (concepts)": lambda name: name.startswith("concepts"),
    "fields, all taxonomies": lambda name: name.startswith("fields"),
    "fields, each taxonomy by itself": lambda name: name.startswith("fields_") and name not in _FIELDS_TOGETHER,
    "latent semantic analysis": lambda name: name.startswith("latent"),
    "feedback from the demand's own list": lambda name: name.startswith("feedback"),
    "rapidfuzz on titles": lambda name: name.startswith("title_partial"),
    "lengths": lambda name: name.startswith("length"),
    "rank and margin in the demand's own list": lambda name: name.startswith("place"),
    "deviations from the demand's own list": lambda name: name.endswith("_in_list"),
    "features for long texts": lambda name: name.endswith("_with_text") or name == "length_text",
}
_FIELDS_TOGETHER = ("fields_in_list", "fields_with_text")
TEXTS = {
    "demands": ("problem", "targets", "expected", "tried", "keywords"),
    "achievements": ("summary", "application", "figures", "keywords"),
}
HIDDEN = {
    "titles alone": ("demands", "achievements"),
    "demands whole, achievements' titles": ("achievements",),
    "demands' titles, achievements whole": ("demands",),
    "all texts": (),
}
PUBLIC_HIDDEN = {"titles alone": ("demands",), "demands whole": ()}


def without(records: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
    """Records with some of their texts hidden."""
    hidden = [
        pl.lit([], dtype=pl.List(pl.String())).alias(column)
        if records[column].dtype == pl.List(pl.String())
        else pl.lit("").alias(column)
        for column in columns
    ]
    return records.with_columns(hidden)


def scored(found: Examined, score: np.ndarray, reached: np.ndarray) -> pl.DataFrame:
    """Judged pairs with scores and levels, as `quality` wants them."""
    return pl.DataFrame(
        {
            "demand_id": found.pairs.demands,
            "achievement_id": found.pairs.achievements,
            "level": found.judged,
            "score": score,
            "given_level": level_of(reached),
            "reach_three": reached[:, 1],
        }
    )


def ablation(found: Examined, also: Examples, weights: Weights) -> list[tuple[str, int, Quality]]:
    """For each lot of features left out, how many remain and the quality on unseen demands."""
    folds = fold_plans(found, weights)["unseen"]
    rows = []
    for name, leaves_out in ABLATIONS.items():
        kept = [place for place, each in enumerate(found.features.names) if not leaves_out(each)]
        part = replace(found, features=_some(found.features, kept))
        others = Examples(_some(also.features, kept), also.levels)
        rows.append((name, len(kept), quality(scored(part, *score_folds(part, folds, weights, others)))))
    return rows


def _some(features: Features, kept: list[int]) -> Features:
    return Features(tuple(features.names[place] for place in kept), features.values[:, kept])


def curve(
    found: Examined, also: Examples, weights: Weights, order: str
) -> list[tuple[int, float, float, tuple[float, float]]]:
    """For each number of decisions per demand: nDCG@10 of the other pairs without and with them, interval of the rise.

    The level model has learned from other demands alone; only the decisions differ. They are taken at random, or from
    the top of the list as an agent would.
    """
    folds = fold_plans(found, weights)["unseen"]
    models = [_model(found, also, weights, folds != fold) for fold in np.unique(folds)]
    before = _by_model(found, models, folds, np.zeros_like(found.judged), weights)
    rows = []
    for count in DECISIONS:
        old, new = [], []
        for draw in range(DRAWS if order == "random" else 1):
            key = np.random.default_rng(draw).random(len(before)) if order == "random" else -before
            rank = _rank(found.pairs.demands, key)
            enough = np.bincount(found.pairs.demands)[found.pairs.demands] >= count + BEYOND
            decided = (rank < count) & enough
            after = _by_model(found, models, folds, np.where(decided, found.judged, 0), weights)
            rest = ~decided & enough
            old.append(_gains(found, before, rest))
            new.append(_gains(found, after, rest))
        first, second = np.concatenate(old), np.concatenate(new)
        rows.append((count, float(first.mean()), float(second.mean()), bootstrap_interval(second - first)))
    return rows


def _model(found: Examined, also: Examples, weights: Weights, chosen: np.ndarray) -> LevelModel:
    features = Features(found.features.names, found.features.values[chosen])
    return fit(together(Examples(features, found.judged[chosen]), also), weights.strength, "")


def _by_model(
    found: Examined, models: list[LevelModel], folds: np.ndarray, judged: np.ndarray, weights: Weights
) -> np.ndarray:
    """Scores of the pairs of each fold by its model and its decisions: near demands are in one fold."""
    score = np.zeros(len(folds))
    for fold, model in enumerate(models):
        mine = np.flatnonzero(folds == fold)
        features = Features(found.features.names, found.features.values[mine])
        here = judge(found.vectors, found.pairs.of(mine), features, judged[mine], model, weights.likeness)
        score[mine] = here.score
    return score


def _rank(demands: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Place of each pair among those of its demand, from 0, by rising key."""
    order = np.lexsort((key, demands))
    first = np.searchsorted(demands[order], demands[order])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - first
    return rank


def _gains(found: Examined, score: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """nDCG@10 of each demand over chosen pairs."""
    table = pl.DataFrame(
        {"demand": found.pairs.demands, "place": found.pairs.achievements, "level": found.judged, "score": score}
    ).filter(pl.Series(chosen))
    lists = table.sort("demand", pl.col("score").neg(), "place").partition_by("demand", maintain_order=True)
    return np.array([ndcg(each["level"].to_numpy(), 10) for each in lists if each["level"].max() > 1])


def hidden_texts(
    folder: Path, variants: dict[str, tuple[str, ...]], also: Examples, weights: Weights
) -> list[tuple[str, Quality, Quality]]:
    """Retrieval and level model on judged pairs of a folder, with texts hidden and shown.

    The model learns from whole texts: from `also` and from the folds of other demands.
    """
    demands, achievements, judged = read_judged(folder)
    whole = examine(demands, achievements, judged, judged, weights)
    folds = unseen(whole.vectors, whole.pairs, weights.likeness.near)
    models = [_model(whole, also, weights, folds != fold) for fold in np.unique(folds)]
    rows = []
    for name, hidden in variants.items():
        lists = [
            without(records, TEXTS[kind]) if kind in hidden else records
            for kind, records in (("demands", demands), ("achievements", achievements))
        ]
        here = examine(*lists, judged, judged, weights)
        similarity = products(here.vectors.demands, here.vectors.achievements, here.pairs)
        score, reached = np.zeros(len(folds)), np.zeros((len(folds), 3))
        for fold, model in enumerate(models):
            mine = folds == fold
            one = judge(here.vectors, here.pairs, here.features, np.zeros_like(here.judged), model, weights.likeness)
            score[mine], reached[mine] = one.score[mine], one.reached[mine]
        retrieval = quality(scored(here, similarity, reached))
        rows.append((name, retrieval, quality(scored(here, score, reached))))
    return rows


def agreement() -> tuple[int, float, float]:
    """How many samples a second judge judged, the share of equal levels, Cohen's kappa with quadratic weights."""
    both = pl.read_csv(data_path("samples", "judgements.csv")).drop_nulls("second_level")
    first, second = both["level"].to_numpy(), both["second_level"].to_numpy()
    return both.height, float((first == second).mean()), float(cohen_kappa_score(first, second, weights="quadratic"))


def always_two(found: Examined) -> float:
    """1 / (1 + MAE) of giving every pair level 2."""
    return task_score(found.judged, np.full(len(found.judged), 2))


def plot_reliability(tables: dict[str, pl.DataFrame]) -> None:
    """Predicted against seen probability of 强 or 较强, ten groups of equal size."""
    figure, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="#a9b4bd", linewidth=1)
    for name, table in tables.items():
        axes.plot(table["predicted"], table["seen"], marker="o", markersize=4, linewidth=1.2, label=name)
    axes.set(xlabel="predicted probability of level 3 or 4", ylabel="seen", xlim=(0, 0.8), ylim=(0, 0.8))
    axes.legend(frameon=False)
    _save(figure, "ranking-reliability.svg")


def plot_curves(curves: dict[str, list[tuple[int, float, float, tuple[float, float]]]]) -> None:
    """Rise of nDCG@10 of the other pairs by decisions per demand."""
    figure, axes = plt.subplots(figsize=(5, 3.6), layout="constrained")
    axes.axhline(0, color="#a9b4bd", linewidth=1)
    for name, rows in curves.items():
        counts = [count for count, *_ in rows]
        axes.plot(counts, [after - before for _, before, after, _ in rows], marker="o", markersize=4, label=name)
        axes.fill_between(counts, [low for *_, (low, _) in rows], [high for *_, (_, high) in rows], alpha=0.15)
    axes.set(xlabel="decisions per demand", ylabel="rise of nDCG@10 of the other pairs")
    axes.legend(frameon=False)
    _save(figure, "ranking-decisions.svg")


def _save(figure: plt.Figure, name: str) -> None:
    figure.savefig(DOCUMENTS / "images" / name, metadata={"Date": None})
    plt.close(figure)


def _quality_row(name: str, each: Quality) -> str:
    low, high = each.interval
    task = "-" if each.task_score is None else f"{each.task_score:.3f}"
    error = "-" if each.calibration_error is None else f"{each.calibration_error:.3f}"
    figures = f"{each.ndcg_at_10:.4f} | {low:.3f}–{high:.3f} | {each.mean_average_precision:.4f} | {task} | {error}"
    return f"| {name} | {figures} |"


def _hidden_row(name: str, retrieval: Quality, model: Quality) -> str:
    mistake = 1 / (model.task_score or 1.0) - 1
    return f"| {name} | {retrieval.ndcg_at_10:.4f} | {model.ndcg_at_10:.4f} | {mistake:.3f} |"


def main() -> None:
    """Measure and write."""
    mpl.rcParams["svg.hashsalt"] = "ranking"
    mpl.rcParams["svg.fonttype"] = "path"
    weights = load_weights()
    demands, achievements, judged = read_judged(judged_pairs())
    samples = examples(*read_judged(data_path("samples")))
    found = examine(demands, achievements, judged, judged, weights)
    public = Examples(found.features, found.judged)
    measured = evaluate(demands, achievements, judged, folds=True, weights=weights, also=samples)
    plans = fold_plans(found, weights)
    ablated = ablation(found, samples, weights)
    curves = {order: curve(found, samples, weights, order) for order in ("random", "top")}
    plot_reliability(
        {
            name: calibration(scored(found, *score_folds(found, plans[name], weights, samples)))
            for name in ("unseen", "seen")
        }
    )
    plot_curves({"decided at random": curves["random"], "decided from the top": curves["top"]})
    judges, equal, kappa = agreement()
    values = {
        "pairs": len(found.judged),
        "demands": len(np.unique(found.pairs.demands)),
        "texts": len(np.unique(families_of_demands(found.vectors, found.pairs, weights.likeness.near))),
        "features": len(found.features.names),
        "orders": "\n".join(_quality_row(words, measured[name]) for name, words in ORDERS.items()),
        "always_two": always_two(found),
        "ablation": "\n".join(
            f"| {name} | {count} | {each.ndcg_at_10:.4f} | {each.ndcg_at_10 - ablated[0][2].ndcg_at_10:+.4f} "
            f"| {each.task_score:.4f} | {each.calibration_error:.3f} |"
            for name, count, each in ablated
        ),
        "curves": "\n".join(
            f"| {count} | {first[1]:.4f} | {first[2] - first[1]:+.4f} ({first[3][0]:+.3f} to {first[3][1]:+.3f}) "
            f"| {second[1]:.4f} | {second[2] - second[1]:+.4f} ({second[3][0]:+.3f} to {second[3][1]:+.3f}) |"
            for count, first, second in ((row[0], row, other) for row, other in zip(*curves.values(), strict=True))
        ),
        "samples": len(samples.levels),
        "judges": judges,
        "equal": equal,
        "kappa": kappa,
        "hidden_samples": "\n".join(
            _hidden_row(*row) for row in hidden_texts(data_path("samples"), HIDDEN, public, weights)
        ),
        "hidden_public": "\n".join(
            _hidden_row(*row) for row in hidden_texts(judged_pairs(), PUBLIC_HIDDEN, samples, weights)
        ),
    }
    template = Path(__file__).with_name("ranking.md.template").read_text(encoding="utf-8")
    (DOCUMENTS / "ranking.md").write_text(template.format(**values), encoding="utf-8")
    print(DOCUMENTS / "ranking.md")


if __name__ == "__main__":
    main()
