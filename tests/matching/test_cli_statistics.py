"""Statistics and policy from the command line: what is written where, as of which moment."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from agreed import advance, open_deals
from sqlalchemy import Engine

from matching.cli import main
from matching.ledger import statements
from matching.ledger.deal_payments import add_payment
from matching.ledger.deals import all_deals
from matching.ledger.moments import settled
from matching.wording import say

Command = Callable[..., tuple[object, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command; gives its exit code, what it printed, what it complained of."""

    def run(*arguments: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return done.value.code, told.out, told.err

    return run


@pytest.fixture
def agreed(ledger: Engine) -> Engine:
    """Two deals, the first of which is registered."""
    open_deals(ledger)
    for state in ("signed", "registered"):
        seen = dict(all_deals(ledger).select("deal_id", "event_id").iter_rows())[1]
        advance(ledger, 1, state, "甲", seen=seen)
    return ledger


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_cut_is_printed(command: Command, agreed: Engine) -> None:
    code, out, err = command("stats", "--by", "contract_kind")
    assert (code, err) == (0, "")
    found = {row[0]: row[1:] for row in rows(out)}
    heading, transfer = found.pop(say("cut.contract_kind")), found["技术转让"]
    told = dict(zip(heading, transfer, strict=True))
    assert told[say("figure.signed")] == "1"
    assert told[say("figure.total_fen")] == "1000000.00"
    assert found[say("stats.whole")] == transfer


def test_days_outside_of_the_period_do_not_count(command: Command, agreed: Engine) -> None:
    _, out, _ = command("--language", "en", "stats", "--by", "contract_kind", "--from", "2026-03-02")
    total = rows(out)[-1]
    named = dict(zip(rows(out)[0], total, strict=True))
    # Signed on 1 March, registered on 1 April.
    assert (named["Signed"], named["Registered"], named["Contract total (yuan)"]) == ("0", "1", "0.00")


def test_a_moment_before_everything_knows_nothing(command: Command, agreed: Engine) -> None:
    _, out, _ = command("stats", "--by", "contract_kind", "--as-of", "2020-01-01")
    assert {cell for row in rows(out)[1:] for cell in row[1:]} == {"0", "0.00"}


def test_tables_go_to_a_folder_an_archive_or_one_file(command: Command, agreed: Engine, tmp_path: Path) -> None:
    folder, archive, one = tmp_path / "tables", tmp_path / "tables.zip", tmp_path / "registration.csv"
    now = ("--as-of", "2026-11-21 12:00")
    assert command("stats", *now, "--format", "csv", "--output", folder)[0] == 0
    assert command("stats", *now, "--output", archive)[0] == 0
    assert command("stats", *now, "--table", "registration", "--output", one)[0] == 0
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with ZipFile(archive) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == files
    assert [name for name, content in files.items() if content == one.read_bytes()]


@pytest.mark.parametrize("name", ["report.xlsx", "report.html", "tables.zip"])
def test_a_report_of_the_past_made_again_is_the_same(
    name: str, command: Command, agreed: Engine, tmp_path: Path
) -> None:
    moment = settled(agreed).isoformat()
    written = []
    for number in range(2):
        path = tmp_path / f"{number}-{name}"
        assert command("stats", "--as-of", moment, "--by", "month", "--output", path)[0] == 0
        written.append(path.read_bytes())
        add_payment(agreed, 1, 5_00, date(2026, 3, 2), "甲", nonce=f"{number}")
    assert written[0] == written[1]
    assert command("stats", "--by", "month", "--output", tmp_path / name)[0] == 0
    assert (tmp_path / name).read_bytes() != written[0]


def test_policy_says_what_a_rule_lacks_and_what_it_gives(command: Command, agreed: Engine, tmp_path: Path) -> None:
    add_payment(agreed, 1, 2_000_000_00, date(2026, 3, 2), "甲", nonce="p", why="追加")
    code, out, _ = command("--language", "en", "policy", "1")
    assert code == 0
    lines = out.splitlines()
    # The rule ended with 2025, and the deal was signed after it.
    assert "Subsidy to the buyer  Does not apply" in lines
    statements.state(agreed, 1, "seller_provincial", "yes", "甲", nonce="1")
    statements.state(agreed, 1, "net_income", "1000.50", "甲", nonce="2")
    out = command("policy", "1")[1]
    assert "700.35" in out
    assert "100.05" in out
    assert command("policy", "1", "--output", tmp_path / "deal.xlsx")[0] == 0
    assert command("policy", "9")[0] == 1
    assert command("policy", "1", "--output", tmp_path / "deal.txt")[0] == 2
