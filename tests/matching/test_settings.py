"""Settings: the environment over the file over the defaults, frozen, and a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
from pydantic import ValidationError

from matching.cli import main
from matching.settings import Settings


def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    path = tmp_path / "duijie.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("DUIJIE_SETTINGS", str(path))
    return path


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> str:
    """What a command says that ends with code 2 because of the settings."""
    with pytest.raises(SystemExit) as done:
        main([*arguments, "stats", "--output", str(tmp_path / "report.xlsx")])
    told = capsys.readouterr()
    assert done.value.code == 2
    assert told.out == ""
    assert not (tmp_path / "report.xlsx").exists()
    return told.err


def test_defaults_hold_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUIJIE_DATABASE_URL")
    settings = Settings()
    assert (settings.language, settings.timezone, settings.top, settings.port) == ("zh_CN", "Asia/Shanghai", 10, 8501)
    assert settings.database_url == f"sqlite:///{platformdirs.user_data_path('duijie') / 'ledger.sqlite'}"
    assert settings.agent


def test_the_file_goes_over_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, 'top = 5\nagent = "李经理"\nlanguage = "en"\n')
    settings = Settings()
    assert (settings.top, settings.agent, settings.language, settings.port) == (5, "李经理", "en", 8501)


def test_the_environment_goes_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, 'top = 5\nagent = "李经理"\n')
    monkeypatch.setenv("DUIJIE_TOP", "7")
    settings = Settings()
    assert (settings.top, settings.agent) == (7, "李经理")


def test_arguments_go_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_TOP", "7")
    assert Settings(top=9).top == 9


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.top = 3  # type: ignore[misc]
    assert settings.top == 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top", "abc"),
        ("top", "0"),
        ("top", "1001"),
        ("port", "70000"),
        ("language", "fr"),
        ("upload_megabytes", "0"),
        ("cell_characters", "99"),
        ("workbook_memory_megabytes", "many"),
        ("timezone", "Mars/Base"),
    ],
)
def test_a_wrong_variable_ends_the_command_and_is_named(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"DUIJIE_{name.upper()}", value)
    assert refused(capsys, tmp_path).startswith(f"设置 {name} 有误")


def test_a_wrong_value_of_the_file_is_named_in_the_language_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, monkeypatch, "port = 0\n")
    told = refused(capsys, tmp_path, "--language", "en")
    assert told.startswith("The setting port is wrong")
    assert "Correct duijie.toml" in told


def test_an_unknown_name_in_the_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, monkeypatch, "tops = 5\n")
    assert refused(capsys, tmp_path).startswith("设置 tops 有误")


def test_all_wrong_settings_are_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, monkeypatch, "port = 0\ntop = 0\n")
    told = refused(capsys, tmp_path).splitlines()
    assert sorted(line.split()[1] for line in told) == ["port", "top"]


def test_a_file_that_is_no_toml_ends_the_command_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, monkeypatch, "top = = 5\n")
    assert "duijie.toml" in refused(capsys, tmp_path)
