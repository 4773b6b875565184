"""A folder holds what was written or says that it does not, whatever happens to its files or to who writes them."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matching.ranking.stored_files import Content, Stored, opened, save, updating, values_of


def content(number: int) -> dict[str, Content]:
    return {
        "numbers": np.full((3, number), number, np.float32),
        "nothing": np.zeros((0, 4), np.int64),
        "frame": pl.DataFrame({"record_id": ["甲", "乙"], "key": [b"\0" * number, b"\xff"]}),
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    assert opened(folder) == "none"
    assert values_of(folder) == "none"
    save(folder, {"since": 1}, content(5))
    found = opened(folder)
    assert isinstance(found, Stored)
    assert values_of(folder) == found.values == {"since": 1}
    assert np.array_equal(found.array("numbers"), content(5)["numbers"])
    assert found.array("nothing").shape == (0, 4)
    assert found.frame("frame").equals(pl.DataFrame(content(5)["frame"]))


def test_what_is_mapped_is_not_written_to_and_outlives_its_file(tmp_path: Path) -> None:
    save(tmp_path, {}, content(5))
    found = opened(tmp_path)
    assert isinstance(found, Stored)
    save(tmp_path, {}, {"numbers": np.zeros(2)}, {"nothing": found.entries["nothing"]})
    found.array("numbers")[0] = 9
    assert found.array("numbers").sum() == 9 * 5 + 50
    now = opened(tmp_path)
    assert isinstance(now, Stored)
    assert set(now.content) == {"numbers", "nothing"}
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert not list(tmp_path.glob("*.arrow"))


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    save(folder, {}, content(3))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_flipped_bit_a_cut_and_a_missing_file_are_noticed(tmp_path: Path, rng: random.Random) -> None:
    save(tmp_path, {"since": 10}, content(7))
    for path in [path for path in tmp_path.iterdir() if path.suffix != ".lock"]:
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, *rng.choices(range(len(whole)), k=40)}:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :])
            assert opened(tmp_path) == "damaged", (path.name, place)
        for other in (whole[:-1], b"", whole + b"\0"):
            path.write_bytes(other)
            assert opened(tmp_path) == "damaged", path.name
        if path.name != "manifest.json":
            path.unlink()
            assert opened(tmp_path) == "damaged", path.name
        path.write_bytes(whole)
        assert isinstance(opened(tmp_path), Stored)


def test_another_format_is_outdated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.ranking.stored_files._FORMAT", 0)
    save(tmp_path, {}, content(3))
    monkeypatch.undo()
    assert opened(tmp_path) == "outdated"


_WRITER = """
import sys
from pathlib import Path
import numpy as np
from matching.ranking.stored_files import opened, save, updating
folder, number = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
while True:
    with updating(folder) as alone:
        assert alone
        found = opened(folder)
        assert not isinstance(found, str), found
        before = int(found.values["number"])
        save(folder, {"number": before + 1}, {f"part{each}": np.full(20_000, before + 1) for each in range(4)})
"""


def writer(folder: Path, number: int) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), str(number)], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def test_writers_that_are_killed_and_write_at_once_leave_a_whole(tmp_path: Path, rng: random.Random) -> None:
    save(tmp_path, {"number": 0}, {f"part{each}": np.zeros(20_000) for each in range(4)})
    before = 0
    for _ in range(4):
        writers = [writer(tmp_path, number) for number in range(2)]
        until = time.monotonic() + 0.2 + rng.random() * 0.2
        while time.monotonic() < until:
            before = number_in(tmp_path, before)
        assert all(each.poll() is None for each in writers)
        for each in writers:
            os.kill(each.pid, signal.SIGKILL)
            each.communicate()
        before = number_in(tmp_path, before)
    assert before > 4
    save(tmp_path, {"number": 0}, {})
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", "updating.lock", "replacing.lock"}


def number_in(folder: Path, least: int) -> int:
    """The number that a whole folder says, which never falls."""
    found = opened(folder)
    assert isinstance(found, Stored), found
    number = found.values["number"]
    assert isinstance(number, int)
    assert number >= least
    assert {int(value) for name in found.content for value in np.unique(found.array(name))} == {number}
    return number


def test_a_second_writer_waits_and_then_goes_on_alone(tmp_path: Path) -> None:
    with updating(tmp_path) as first:
        assert first
        with updating(tmp_path, patience=0.05) as second:
            assert not second
    with updating(tmp_path, patience=0.05) as third:
        assert third


def test_where_nothing_can_be_written_nobody_may_update(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with updating(tmp_path / "file" / "index") as alone:
        assert not alone
