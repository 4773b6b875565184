"""Commands that rank, score, measure and learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from matching import pipeline
from matching.cli.group import FILE, command_line
from matching.cli.terminal import ledger_of, must_end, progress_of, read_list, tell
from matching.errors import CallError, LedgerError, Problem
from matching.intake.files import read_table
from matching.intake.judgements import read_judgements, read_pairs
from matching.ranking.engines.named import named
from matching.reporting.tables import candidate_table, csv_bytes, write_bytes, write_table
from matching.schema import KINDS
from matching.settings import Settings
from matching.wording import say

if TYPE_CHECKING:
    # What ranks is loaded when it is asked for: help and wrong calls are answered without.
    from matching.ranking.levels import Examples


@command_line.command(help="cli.match")
@click.argument("demands", type=FILE, required=False)
@click.argument("achievements", type=FILE, required=False)
@click.option("--top", type=click.IntRange(1, 1000), help="cli.top")
@click.option("--engine", help="cli.engine")
@click.option("--output", type=FILE, help="cli.match_output")
@click.option("--refit", is_flag=True, help="cli.match_refit")
@click.pass_obj
def match(
    settings: Settings,
    demands: Path | None,
    achievements: Path | None,
    top: int | None,
    engine: str | None,
    output: Path | None,
    refit: bool,
) -> None:
    """Rank two files into a file, or what the ledger holds into the ledger."""
    top, engine = top or settings.top, engine or settings.engine
    named(engine)
    if demands is None:
        ledger, said = ledger_of(settings), list[Problem]()
        with progress_of(settings) as progress:
            run = pipeline.match_ledger(
                ledger,
                top,
                settings.agent,
                progress,
                index=settings.index,
                refit=refit,
                notice=said.append,
                ranked_by=engine,
            )
        for problem in said:
            click.echo(problem.text(settings.language), err=True)
        values = {"run": run.run_id, "demands": run.demands, "achievements": run.achievements}
        tell(settings, "cli.matched_ledger", candidates=run.candidates, **values)
        found = pipeline.behind(pipeline.index_folder(ledger.url, settings.index))
        if found is not None and found.since:
            tell(settings, "index.behind", **found.said(settings.timezone))
        return
    if achievements is None or output is None:
        raise CallError(Problem("call.match_needs"))
    if output.suffix.lower() not in (".csv", ".xlsx"):
        raise CallError(Problem("call.unknown_output", values={"path": output}))
    lists = [read_list(settings, demands, "demands"), read_list(settings, achievements, "achievements")]
    with progress_of(settings) as progress:
        ranking = pipeline.rank(lists[0].frame, lists[1].frame, top, progress=progress, engine=engine)
    write_table(candidate_table(ranking.candidates, settings.language), output, settings.language)
    tell(settings, "cli.matched", candidates=ranking.candidates.height, path=output)


@command_line.command(help="cli.evaluate")
@click.option("--demands", type=FILE, required=True, help="cli.evaluate_demands")
@click.option("--achievements", type=FILE, required=True, help="cli.evaluate_achievements")
@click.option("--judgements", type=FILE, required=True, help="cli.evaluate_judgements")
@click.option("--folds", is_flag=True, help="cli.evaluate_folds")
@click.pass_obj
def evaluate(settings: Settings, demands: Path, achievements: Path, judgements: Path, folds: bool) -> None:
    """Measure the ranking on judged pairs, beside plain methods."""
    judged = read_judgements(judgements, settings)
    lists = [read_list(settings, demands, "demands"), read_list(settings, achievements, "achievements")]
    with progress_of(settings) as progress:
        found = pipeline.evaluate(lists[0].frame, lists[1].frame, judged, folds=folds, progress=progress)
    first = next(iter(found.values()))
    tell(settings, "cli.evaluated", demands=first.demands, pairs=first.pairs)
    click.echo(f"{'nDCG@10':>7}  {'95 %':^13}  {'MAP':>6}  {'1/(1+MAE)':>9}  {'ECE':>6}")
    for name, each in found.items():
        low, high = each.interval
        task = "-" if each.task_score is None else f"{each.task_score:.4f}"
        error = "-" if each.calibration_error is None else f"{each.calibration_error:.4f}"
        figures = f"{each.ndcg_at_10:>7.4f}  {low:.4f}-{high:.4f}  {each.mean_average_precision:.4f}"
        click.echo(f"{figures}  {task:>9}  {error:>6}  {say(f'order.{name}', settings.language)}")


@command_line.command(help="cli.score")
@click.option("--demands", type=FILE, required=True, help="cli.score_demands")
@click.option("--achievements", type=FILE, required=True, help="cli.score_achievements")
@click.option("--pairs", type=FILE, required=True, help="cli.score_pairs")
@click.option("--judgements", type=FILE, help="cli.score_judgements")
@click.option("--output", type=FILE, required=True, help="cli.score_output")
@click.pass_obj
def score(
    settings: Settings, demands: Path, achievements: Path, pairs: Path, judgements: Path | None, output: Path
) -> None:
    """Score given pairs of two files."""
    must_end(output, ".csv", "call.output_is_csv")
    wanted = read_pairs(pairs, settings)
    judged = read_judgements(judgements, settings) if judgements else None
    lists = [read_list(settings, demands, "demands"), read_list(settings, achievements, "achievements")]
    with progress_of(settings) as progress:
        found = pipeline.score(lists[0].frame, lists[1].frame, wanted, judged, progress=progress)
    missing = pipeline.missing(lists[0].frame, lists[1].frame, wanted)
    if missing:
        click.echo(say("cli.score_missing", settings.language, file=pairs.name, count=missing), err=True)
    write_bytes(output, csv_bytes(found, mark=False))
    tell(settings, "cli.scored", pairs=found.height, path=output)


@command_line.command(help="cli.learn")
@click.option("--judged-pairs", type=click.Path(path_type=Path, file_okay=False, exists=True), help="cli.learn_pairs")
@click.option("--force", is_flag=True, help="cli.learn_force")
@click.pass_obj
def learn(settings: Settings, judged_pairs: Path | None, force: bool) -> None:
    """Fit the level model anew on what the ledger has judged."""
    also = _examples(settings, judged_pairs) if judged_pairs else None
    with progress_of(settings) as progress:
        found = pipeline.learn_levels(ledger_of(settings), settings.agent, also=also, force=force, progress=progress)
    before, after = found.before, found.after
    tell(settings, "cli.learn_judged", pairs=found.pairs, demands=after.demands)
    for key, quality in (("cli.learn_before", before), ("cli.learn_after", after)):
        click.echo(
            f"nDCG@10 {quality.ndcg_at_10:.4f}  1/(1+MAE) {quality.task_score:.4f}  {say(key, settings.language)}"
        )
    if not found.kept:
        raise LedgerError(Problem("learn.not_better"))
    tell(settings, "cli.learn_kept")


def _examples(settings: Settings, folder: Path) -> Examples:
    """Examples from a folder of judged pairs: demands.csv, achievements.csv, judgements.csv."""
    judged = read_judgements(folder / "judgements.csv", settings)
    lists = [read_list(settings, folder / f"{kind}.csv", kind) for kind in KINDS]
    return pipeline.examples(lists[0].frame, lists[1].frame, judged)


@command_line.command(help="cli.classify")
@click.argument("file", type=FILE)
@click.option("--column", "columns", multiple=True, required=True, help="cli.classify_column")
@click.option("--taxonomy", required=True, help="cli.classify_taxonomy")
@click.option("--output", type=FILE, required=True, help="cli.classify_output")
@click.pass_obj
def classify(settings: Settings, file: Path, columns: tuple[str, ...], taxonomy: str, output: Path) -> None:
    """Assign a field to every row of a table."""
    must_end(output, ".csv", "call.output_is_csv")
    table = read_table(file, settings)
    found = pipeline.classify(table, columns, taxonomy)
    write_bytes(output, csv_bytes(found))
    known = found.height - found["code"].null_count()
    tell(settings, "cli.classified", rows=found.height, known=known, path=output)
