"""The command line: parses, calls the pipeline, prints."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import NoReturn, cast

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine

from matching import pipeline
from matching.errors import CallError, DuijieError, LedgerError, Problem
from matching.intake.files import read_table
from matching.intake.judgements import read_judgements, read_pairs
from matching.intake.reading import Reading, read_file
from matching.ledger.database import open_ledger
from matching.ranking.levels import Examples
from matching.reporting.report import report_bytes
from matching.reporting.statistics import statistics
from matching.reporting.tables import candidate_table, csv_bytes, write_bytes, write_table
from matching.schema import KINDS, Kind
from matching.settings import Language, Settings
from matching.wording import DEFAULT_LANGUAGE, LANGUAGES, say

_FILE = click.Path(path_type=Path)
# Rows that a file's report lists one by one; further ones are counted.
_LEFT_OUT_SHOWN = 10


@click.group(help="cli.help", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="duijie", message="%(version)s", help="cli.version")
@click.option("--language", type=click.Choice(LANGUAGES), expose_value=False, help="cli.language")
def command_line() -> None:
    """The group of all commands; help texts are keys of the wording catalogues."""


@command_line.command(help="cli.match")
@click.argument("demands", type=_FILE, required=False)
@click.argument("achievements", type=_FILE, required=False)
@click.option("--top", type=click.IntRange(1, 1000), help="cli.top")
@click.option("--output", type=_FILE, help="cli.match_output")
@click.pass_obj
def match(
    settings: Settings, demands: Path | None, achievements: Path | None, top: int | None, output: Path | None
) -> None:
    """Rank two files into a file, or what the ledger holds into the ledger."""
    top = top or settings.top
    if demands is None:
        with _progress(settings) as progress:
            run = pipeline.match_ledger(_ledger(settings), top, settings.agent, progress)
        values = {"run": run.run_id, "demands": run.demands, "achievements": run.achievements}
        _print(settings, "cli.matched_ledger", candidates=run.candidates, **values)
        return
    if achievements is None or output is None:
        raise CallError(Problem("call.match_needs"))
    if output.suffix.lower() not in (".csv", ".xlsx"):
        raise CallError(Problem("call.unknown_output", values={"path": output}))
    lists = [_read(settings, demands, "demands"), _read(settings, achievements, "achievements")]
    with _progress(settings) as progress:
        ranking = pipeline.rank(lists[0].frame, lists[1].frame, top, progress=progress)
    write_table(candidate_table(ranking.candidates, settings.language), output, settings.language)
    _print(settings, "cli.matched", candidates=ranking.candidates.height, path=output)


@command_line.command(help="cli.evaluate")
@click.option("--demands", type=_FILE, required=True, help="cli.evaluate_demands")
@click.option("--achievements", type=_FILE, required=True, help="cli.evaluate_achievements")
@click.option("--judgements", type=_FILE, required=True, help="cli.evaluate_judgements")
@click.option("--folds", is_flag=True, help="cli.evaluate_folds")
@click.pass_obj
def evaluate(settings: Settings, demands: Path, achievements: Path, judgements: Path, folds: bool) -> None:
    """Measure the ranking on judged pairs, beside plain methods."""
    judged = read_judgements(judgements, settings)
    lists = [_read(settings, demands, "demands"), _read(settings, achievements, "achievements")]
    with _progress(settings) as progress:
        found = pipeline.evaluate(lists[0].frame, lists[1].frame, judged, folds=folds, progress=progress)
    first = next(iter(found.values()))
    _print(settings, "cli.evaluated", demands=first.demands, pairs=first.pairs)
    click.echo(f"{'nDCG@10':>7}  {'95 %':^13}  {'MAP':>6}  {'1/(1+MAE)':>9}  {'ECE':>6}")
    for name, each in found.items():
        low, high = each.interval
        task = "-" if each.task_score is None else f"{each.task_score:.4f}"
        error = "-" if each.calibration_error is None else f"{each.calibration_error:.4f}"
        figures = f"{each.ndcg_at_10:>7.4f}  {low:.4f}-{high:.4f}  {each.mean_average_precision:.4f}"
        click.echo(f"{figures}  {task:>9}  {error:>6}  {say(f'order.{name}', settings.language)}")


@command_line.command(help="cli.score")
@click.option("--demands", type=_FILE, required=True, help="cli.score_demands")
@click.option("--achievements", type=_FILE, required=True, help="cli.score_achievements")
@click.option("--pairs", type=_FILE, required=True, help="cli.score_pairs")
@click.option("--judgements", type=_FILE, help="cli.score_judgements")
@click.option("--output", type=_FILE, required=True, help="cli.score_output")
@click.pass_obj
def score(
    settings: Settings, demands: Path, achievements: Path, pairs: Path, judgements: Path | None, output: Path
) -> None:
    """Score given pairs of two files."""
    if output.suffix.lower() != ".csv":
        raise CallError(Problem("call.output_is_csv", values={"path": output}))
    wanted = read_pairs(pairs, settings)
    judged = read_judgements(judgements, settings) if judgements else None
    lists = [_read(settings, demands, "demands"), _read(settings, achievements, "achievements")]
    with _progress(settings) as progress:
        found = pipeline.score(lists[0].frame, lists[1].frame, wanted, judged, progress=progress)
    missing = pipeline.missing(lists[0].frame, lists[1].frame, wanted)
    if missing:
        click.echo(say("cli.score_missing", settings.language, file=pairs.name, count=missing), err=True)
    write_bytes(output, csv_bytes(found, mark=False))
    _print(settings, "cli.scored", pairs=found.height, path=output)


@command_line.command(help="cli.learn")
@click.option("--judged-pairs", type=click.Path(path_type=Path, file_okay=False, exists=True), help="cli.learn_pairs")
@click.option("--force", is_flag=True, help="cli.learn_force")
@click.pass_obj
def learn(settings: Settings, judged_pairs: Path | None, force: bool) -> None:
    """Fit the level model anew on what the ledger has judged."""
    also = _examples(settings, judged_pairs) if judged_pairs else None
    with _progress(settings) as progress:
        found = pipeline.learn_levels(_ledger(settings), settings.agent, also=also, force=force, progress=progress)
    before, after = found.before, found.after
    _print(settings, "cli.learn_judged", pairs=found.pairs, demands=after.demands)
    for key, quality in (("cli.learn_before", before), ("cli.learn_after", after)):
        click.echo(
            f"nDCG@10 {quality.ndcg_at_10:.4f}  1/(1+MAE) {quality.task_score:.4f}  {say(key, settings.language)}"
        )
    if not found.kept:
        raise LedgerError(Problem("learn.not_better"))
    _print(settings, "cli.learn_kept")


def _examples(settings: Settings, folder: Path) -> Examples:
    """Examples from a folder of judged pairs: demands.csv, achievements.csv, judgements.csv."""
    judged = read_judgements(folder / "judgements.csv", settings)
    lists = [_read(settings, folder / f"{kind}.csv", kind) for kind in KINDS]
    return pipeline.examples(lists[0].frame, lists[1].frame, judged)


@command_line.command(help="cli.load")
@click.argument("file", type=_FILE)
@click.option("--as", "kind", type=click.Choice(KINDS), required=True, help="cli.load_as")
@click.pass_obj
def load(settings: Settings, file: Path, kind: Kind) -> None:
    """Put a file into the ledger."""
    read = _read(settings, file, kind)
    with _progress(settings) as progress:
        found = pipeline.load(_ledger(settings), read, settings.agent, progress)
    _print(settings, "cli.loaded", file=read.file, rows=read.rows, left_out=len(read.left_out), **found.counts)


@command_line.command(help="cli.classify")
@click.argument("file", type=_FILE)
@click.option("--column", "columns", multiple=True, required=True, help="cli.classify_column")
@click.option("--taxonomy", required=True, help="cli.classify_taxonomy")
@click.option("--output", type=_FILE, required=True, help="cli.classify_output")
@click.pass_obj
def classify(settings: Settings, file: Path, columns: tuple[str, ...], taxonomy: str, output: Path) -> None:
    """Assign a field to every row of a table."""
    if output.suffix.lower() != ".csv":
        raise CallError(Problem("call.output_is_csv", values={"path": output}))
    table = read_table(file, settings)
    found = pipeline.classify(table, columns, taxonomy)
    write_bytes(output, csv_bytes(found))
    known = found.height - found["code"].null_count()
    _print(settings, "cli.classified", rows=found.height, known=known, path=output)


@command_line.command(help="cli.serve")
@click.option("--port", type=click.IntRange(1, 65535), help="cli.serve_port")
@click.pass_obj
def serve(settings: Settings, port: int | None) -> None:
    """Serve the screens on this machine."""
    port = port or settings.port
    _ledger(settings).dispose()
    with socket.socket() as probe:
        # A server that was just stopped leaves its port waiting; the server itself may take it then, and so may this.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CallError(Problem("call.port_taken", values={"port": port})) from error
    screens = find_spec("ui")
    if screens is None or screens.submodule_search_locations is None:
        raise CallError(Problem("call.no_screens"))
    script = Path(screens.submodule_search_locations[0]) / "app.py"
    _print(settings, "cli.serving", port=port)
    sys.stdout.flush()
    upload = str(settings.upload_megabytes)
    options = ["--server.address", "127.0.0.1", "--server.port", str(port), "--server.maxUploadSize", upload]
    arguments = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    os.execv(sys.executable, arguments)  # noqa: S606


@command_line.command(help="cli.stats")
@click.option("--output", type=_FILE, required=True, help="cli.stats_output")
@click.pass_obj
def stats(settings: Settings, output: Path) -> None:
    """Write the statistics of the ledger."""
    if output.suffix.lower() != ".xlsx":
        raise CallError(Problem("call.report_is_xlsx", values={"path": output}))
    figures = statistics(_ledger(settings), settings.timezone)
    write_bytes(output, report_bytes(figures, settings.timezone, settings.language))
    for step, count in figures.funnel.iter_rows():
        click.echo(f"{count:>10,}  {say(f'funnel.{step}', settings.language)}")
    _print(settings, "cli.reported", path=output)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 refused, 2 wrong call, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = _language(given)
    language = chosen or DEFAULT_LANGUAGE
    try:
        settings = _settings(chosen)
        language = settings.language
        _word_help(language)
        code = command_line.main(given, prog_name="duijie", standalone_mode=False, obj=settings)
        sys.exit(code if isinstance(code, int) else 0)
    except DuijieError as error:
        click.echo(error.text(language), err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(say("call.usage", language, message=error.format_message()), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("cli.interrupted", language), err=True)
        sys.exit(130)


def _language(arguments: list[str]) -> str | None:
    """The value of --language, before anything else is parsed: help and errors are worded by it."""
    for place, argument in enumerate(arguments):
        value = argument.removeprefix("--language=")
        if argument == "--language" and place + 1 < len(arguments):
            value = arguments[place + 1]
        if value in LANGUAGES and value != argument:
            return value
    return None


def _settings(language: str | None) -> Settings:
    try:
        return Settings(language=cast(Language, language)) if language else Settings()
    except TOMLDecodeError as error:
        raise CallError(Problem("call.wrong_settings_file", values={"reason": error})) from error
    except ValidationError as error:
        raise CallError(
            *(
                Problem(
                    "call.wrong_setting",
                    values={"name": ".".join(map(str, each["loc"])), "reason": each["msg"]},
                )
                for each in error.errors()
            )
        ) from error


# Everything that has a help text, with the key it was declared with.
_HELP_KEYS = {
    each: each.help
    for command in (command_line, *command_line.commands.values())
    for each in (command, *command.params)
    if isinstance(each, click.Command | click.Option) and each.help
}


def _word_help(language: str) -> None:
    for each, key in _HELP_KEYS.items():
        each.help = say(key, language)


def _ledger(settings: Settings) -> Engine:
    return open_ledger(settings.database_url)


def _print(settings: Settings, key: str, **values: object) -> None:
    click.echo(say(key, settings.language, **values))


def _read(settings: Settings, path: Path, kind: Kind) -> Reading:
    """Read a file and say what was not taken."""
    with _progress(settings) as progress:
        progress("read", 0, 1)
        read = read_file(path, kind, settings)
        progress("read", 1, 1)
    for problem in read.left_out[:_LEFT_OUT_SHOWN]:
        click.echo(problem.text(settings.language), err=True)
    if len(read.left_out) > _LEFT_OUT_SHOWN:
        more = len(read.left_out) - _LEFT_OUT_SHOWN
        click.echo(say("cli.more_left_out", settings.language, file=read.file, count=more), err=True)
    if read.unread:
        click.echo(say("cli.unread", settings.language, file=read.file, headings=read.unread), err=True)
    return read


@contextmanager
def _progress(settings: Settings) -> Iterator[pipeline.Progress]:
    """A bar per step on standard error; a line per finished step where that is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            words = say(f"step.{step}", settings.language)
            if step not in tasks:
                tasks[step] = bars.add_task(words, total=total)
            bars.update(tasks[step], completed=done, total=total)
            if done == total and not console.is_terminal:
                console.print(say("step.done", settings.language, step=words), highlight=False)

        yield tell
