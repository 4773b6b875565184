"""The server's settings: this machine alone, nothing sent out, no traceback shown."""

from __future__ import annotations

import sys
import tomllib

from places import ROOT


def test_the_server_is_set_up_with_care() -> None:
    config = tomllib.loads((ROOT / "ui" / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    assert config["client"]["toolbarMode"] == "viewer"
    assert config["server"]["enableXsrfProtection"] is True


def test_no_module_of_the_screens_hides_a_standard_one() -> None:
    """The folder of the script comes first on the path: a file named like a standard module would be taken for it."""
    names = {path.stem for path in (ROOT / "ui").glob("*.py")} - {"__init__"}
    assert not names & set(sys.stdlib_module_names)
