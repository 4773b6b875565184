"""Everything that can go wrong for a user, as one tree.

    DuijieError
    ├── CallError          the call itself is wrong: an option, a path, a value (exit code 2)
    ├── FileRefused        a file cannot be taken as it is; nothing was changed (exit code 1)
    ├── NothingToDo        the ledger lacks what the step works on (exit code 1)
    ├── LedgerError        the ledger cannot be opened or written (exit code 1)
    │   └── DecidedMeanwhile   somebody else decided the pair since it was shown
    └── DataFileError      a file of `datasets` is missing or breaks its own rules (exit code 1)

An error carries `Problem`s: a key of the wording catalogues and the values that go into it. The text is made
where it is shown, in the language of the one who reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from matching.wording import DEFAULT_LANGUAGE, say


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong or worth saying, and where.

    `key` names the message (what is wrong and what to do); `row` counts as the spreadsheet does, from 1; `sheet` is ""
    where a file has but one, `place` the column's, from 0: two columns may have one heading.
    """

    key: str
    file: str = ""
    row: int | None = None
    column: str = ""
    values: dict[str, object] = field(default_factory=dict)
    sheet: str = ""
    place: int | None = None

    def text(self, language: str = DEFAULT_LANGUAGE) -> str:
        """The message, led by as much of file, sheet, row and column as is known."""
        message = say(self.key, language, **self.values)
        if not self.file:
            return message
        place = "place.file"
        if self.row is not None:
            place = "place.cell" if self.column else "place.row"
        elif self.column:
            place = "place.column"
        file = say("place.sheet", language, file=self.file, sheet=self.sheet) if self.sheet else self.file
        where = say(place, language, file=file, row=self.row, column=self.column)
        return say("place.message", language, place=where, message=message)


class DuijieError(Exception):
    """Base of all errors that are told to a user."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems: Sequence[Problem] = problems

    def text(self, language: str = DEFAULT_LANGUAGE) -> str:
        """All problems, a line each."""
        return "\n".join(problem.text(language) for problem in self.problems)

    def __str__(self) -> str:
        return self.text()


class CallError(DuijieError):
    """The call is wrong: an unknown option value, a path that is not there."""

    exit_code = 2


class FileRefused(DuijieError):
    """A file cannot be taken as it is. Nothing was changed."""


class NothingToDo(DuijieError):
    """The ledger does not hold what the step works on."""


class LedgerError(DuijieError):
    """The ledger cannot be opened, read or written."""


class NotPermitted(LedgerError):
    """The viewer may not do this, or not in the name of another."""


class DecidedMeanwhile(LedgerError):
    """Somebody decided the pair after it had been shown; nothing was written."""


class DataFileError(DuijieError):
    """A data file that ships with the program, or was added to it, breaks its own rules."""
