"""The wording catalogues are complete, agree with each other, and hold every word that the program says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from places import ROOT

from matching.data_files import data_path
from matching.fields.taxonomies import load_taxonomies
from matching.ranking.told import GROUPS
from matching.reporting.definitions import DEFINED
from matching.reporting.dimensions import dimensions
from matching.schema import (
    CANDIDATES,
    CHOICES,
    CONTRACT_KINDS,
    DEAL_ENDED,
    DEAL_STATES,
    END_REASONS,
    KINDS,
    RECORD,
    REJECT_REASONS,
    VERDICTS,
)
from matching.wording import DEFAULT_LANGUAGE, LANGUAGES, say

SOURCES = sorted(path for folder in ("matching", "ui") for path in (ROOT / folder).rglob("*.py"))
# Functions whose literal argument at this place is a key.
KEY_PLACE = {"say": 0, "t": 0, "Problem": 0, "button": 0, "_refused": 1, "tell": 1, "must_end": 2}
KEY = re.compile(r"[a-z]+\.[a-z_0-9]+")
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# Punctuation that joins or sets off words in either language, and marks that a pattern looks for in users' files.
PUNCTUATION = set("、；：·，。“”（）　→—…【】〔〕￥¥＝＋－＠×")
# Chinese words in code, each for a reason: they are read from users' files, not said to users.
WORDS_READ = {
    # Forms of days.
    "matching/intake/cells.py": {"年", "月", "日"},
}
# Texts that are made of places and punctuation alone.
WITHOUT_WORDS = {
    "place.file",
    "place.message",
    "why.level_share",
    "review.with_reason",
    "review.last",
    "list.separator",
    "figures.cell",
    "policy.value",
    "stats.grid",
}
Call = tuple[str, str, frozenset[str] | None]


@cache
def messages(language: str) -> dict[str, str]:
    with data_path("wording", f"{language}.po").open("rb") as source:
        return {str(each.id): str(each.string) for each in read_po(source, locale=language) if each.id}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def choices(node: ast.expr) -> Iterator[ast.expr]:
    """What a conditional expression may be."""
    if isinstance(node, ast.IfExp):
        yield from choices(node.body)
        yield from choices(node.orelse)
    else:
        yield node


def key_arguments(module: ast.Module) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Every call that says something, with the argument that is its key, or what a name for the key may stand for."""
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                named.setdefault(name, []).append(value)
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            place = KEY_PLACE.get(name_of(node))
            if place is not None and len(node.args) > place:
                argument = node.args[place]
                values = named.get(argument.id, [argument]) if isinstance(argument, ast.Name) else [argument]
                yield from ((node, choice) for value in values for choice in choices(value))
            for keyword in node.keywords:
                if keyword.arg == "help":
                    yield node, keyword.value


def pattern(node: ast.expr) -> str | None:
    """A regular expression for what an f-string key or a "prefix." + code can be; None for anything else."""
    match node:
        case ast.JoinedStr(values=values):
            pieces = [re.escape(str(each.value)) if isinstance(each, ast.Constant) else "[a-z_0-9]+" for each in values]
            found = "".join(pieces)
        case ast.BinOp(left=ast.Constant(value=str(prefix)), op=ast.Add()):
            found = f"{re.escape(prefix)}[a-z_0-9]+"
        case _:
            return None
    return found if re.match(r"[a-z]+\\\.", found) else None


def literal_keys(module: ast.Module) -> set[str]:
    return {
        str(argument.value)
        for _, argument in key_arguments(module)
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "." in argument.value
    }


def key_patterns(module: ast.Module) -> set[str]:
    return {found for _, argument in key_arguments(module) if (found := pattern(argument)) is not None}


def open_patterns(module: ast.Module) -> set[str]:
    """Patterns of f"{prefix}.{code}": the prefix is one of the words that the same module has as a literal."""
    prefixes = {re.escape(text) for text in strings(module) if re.fullmatch(r"[a-z]+", text)}
    return {
        rf"(?:{'|'.join(sorted(prefixes))})\.[a-z_0-9]+"
        for _, argument in key_arguments(module)
        if isinstance(argument, ast.JoinedStr)
        and isinstance(argument.values[0], ast.FormattedValue)
        and isinstance(argument.values[1], ast.Constant)
        and argument.values[1].value == "."
    }


def given_values(call: ast.Call) -> set[str] | None:
    """Names of the values that a call hands to the wording; None where they cannot be read off."""
    if name_of(call) == "Problem":
        values = next((each.value for each in call.keywords if each.arg == "values"), None)
        values = call.args[4] if len(call.args) > 4 else values
        if values is None:
            return set()
        if not isinstance(values, ast.Dict) or any(not isinstance(key, ast.Constant) for key in values.keys):
            return None
        return {str(key.value) for key in values.keys if isinstance(key, ast.Constant)}
    if name_of(call) not in ("say", "t", "_print", "_refused") or any(each.arg is None for each in call.keywords):
        return None
    return {str(each.arg) for each in call.keywords}


def docstrings(module: ast.Module) -> set[int]:
    """Ids of the nodes that are strings standing as statements."""
    return {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}


def strings(module: ast.Module) -> Iterator[str]:
    skipped = docstrings(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def foreign(text: str, allowed: set[str]) -> set[str]:
    """Characters of a text in code that belong into the catalogues."""
    return {character for character in text if not character.isascii()} - PUNCTUATION - allowed


def test_both_languages_have_the_same_keys() -> None:
    assert LANGUAGES == ("zh_CN", "en")
    assert messages("zh_CN").keys() == messages("en").keys()
    assert len(messages("en")) > 250


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_twice_and_none_is_empty(language: str) -> None:
    text = data_path("wording", f"{language}.po").read_text(encoding="utf-8")
    assert text.count("\nmsgid ") == len(messages(language)) + 1
    assert [key for key, said in messages(language).items() if not said.strip() and key != "list.separator"] == []


def test_both_languages_fill_the_same_places() -> None:
    chinese, english = messages("zh_CN"), messages("en")
    assert {key: places(chinese[key]) for key in chinese} == {key: places(english[key]) for key in chinese}


def test_keys_have_one_form() -> None:
    assert [key for key in messages("en") if not KEY.fullmatch(key)] == []


def test_chinese_texts_are_chinese_and_english_ones_are_not() -> None:
    without = {key for key, text in messages("zh_CN").items() if not HAN.search(text)}
    assert without <= WITHOUT_WORDS
    assert [key for key, text in messages("en").items() if HAN.search(text)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_key_in_code_is_in_the_catalogues(path: Path) -> None:
    assert literal_keys(tree(path)) - messages("en").keys() == set()
    for each in key_patterns(tree(path)):
        assert [key for key in messages("en") if re.fullmatch(each, key)], f"no key is like {each}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_place_of_a_message_is_filled(path: Path) -> None:
    for call, argument in key_arguments(tree(path)):
        key = argument.value if isinstance(argument, ast.Constant) else None
        given = given_values(call)
        if isinstance(key, str) and key in messages("en") and given is not None:
            assert places(messages("en")[key]) <= given, f"line {call.lineno}: {key}"


def test_every_key_of_the_catalogues_is_used() -> None:
    used = {text for path in SOURCES for text in strings(tree(path)) if KEY.fullmatch(text)}
    patterns = {found for path in SOURCES for found in key_patterns(tree(path)) | open_patterns(tree(path))}
    unused = {
        key for key in messages("en") if key not in used and not any(re.fullmatch(each, key) for each in patterns)
    }
    assert unused == set()


CODES = {
    "verdict": VERDICTS,
    "reason": REJECT_REASONS,
    "state": (*DEAL_STATES, DEAL_ENDED),
    "end": END_REASONS,
    "kind": KINDS,
    "visibility": CHOICES["demands"]["visibility"],
    "status": (*CHOICES["demands"]["status"], *CHOICES["achievements"]["status"]),
    "figure": DEFINED,
    "cut": tuple(name for name in dimensions() if name not in load_taxonomies()),
    "contract": CONTRACT_KINDS,
    "step": ("fields", "vectors", "rank", "write", "learn", "fold_unseen", "fold_unseen_by_id", "fold_seen"),
    "cell": ("not_money", "not_date", "not_choice", "not_flag"),
    "basis": ("stated", "text"),
    # What further judgements are learned with is for the program alone; no reader is given it.
    "column": tuple(name for name in CANDIDATES if name not in ("unlimited", "covariances")),
    "level": ("1", "2", "3", "4"),
    "feature": tuple(dict.fromkeys(GROUPS.values())),
    "order": ("bm25", "tf_idf", "retrieval", "model", "unseen", "unseen_by_id", "seen"),
}


@pytest.mark.parametrize("prefix", CODES)
def test_every_code_has_its_words(prefix: str) -> None:
    assert {f"{prefix}.{code}" for code in CODES[prefix]} <= messages("en").keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_of_a_record_has_its_words(kind: str) -> None:
    columns = {name for each in KINDS if each == kind for name in RECORD[each]}
    assert {f"column.{name}" for name in columns} <= messages("en").keys()


@pytest.mark.parametrize(
    "prefix", ["verdict", "reason", "state", "end", "figure", "cut", "contract", "level", "feature", "order"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_of_one_kind_have_different_words(prefix: str, language: str) -> None:
    words = [say(f"{prefix}.{code}", language) for code in CODES[prefix]]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_words_for_people_stand_in_code(path: Path) -> None:
    allowed = WORDS_READ.get(path.relative_to(ROOT).as_posix(), set())
    wrong = {text: found for text in strings(tree(path)) if (found := foreign(text, allowed))}
    assert wrong == {}


def test_the_rules_are_seen_to_be_broken() -> None:
    module = ast.parse(
        '"""说明"""\n'
        'say("no.such_key")\n'
        't(f"state.{code}", name=1)\n'
        't("verdict." + verdict)\n'
        'Problem("file.no_rows", values={"wrong": 1})\n'
        'option(help="cli.none")\n'
        'print("请重试")\n'
        'key = f"why.no_{x}" if x else "why.none"\n'
        "t(key)\n"
    )
    assert literal_keys(module) == {"no.such_key", "file.no_rows", "cli.none", "why.none"}
    assert key_patterns(module) == {r"state\.[a-z_0-9]+", r"verdict\.[a-z_0-9]+", r"why\.no_[a-z_0-9]+"}
    assert [given_values(call) for call, key in key_arguments(module) if isinstance(key, ast.Constant)][1] == {"wrong"}
    assert [text for text in strings(module) if foreign(text, set())] == ["请重试"]


def test_words_are_said_in_the_language_asked_for() -> None:
    assert say("verdict.accept") == say("verdict.accept", DEFAULT_LANGUAGE) == "已接受"
    assert say("verdict.accept", "en") == "Accepted"
    assert say("file.too_large", "en", megabytes=50).startswith("The file is larger than 50 MB.")


def test_several_words_are_listed_as_the_language_does() -> None:
    assert "甲、乙" in say("cli.unread", "zh_CN", file="a.csv", headings=("甲", "乙"))
    assert "甲, 乙" in say("cli.unread", "en", file="a.csv", headings=["甲", "乙"])
