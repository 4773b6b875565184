"""The expressions of the rule files: against a plain oracle, one by one and over frames, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from matching.errors import DataFileError
from matching.reporting.policy.expression_columns import column_of, fen, yuan
from matching.reporting.policy.expressions import Type, Value, evaluate, parse

NUMBERS: Final = ("a", "b", "c")
TRUTHS: Final = ("p", "q")
TYPES: Final[dict[str, Type]] = {
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(TRUTHS, "truth"),
    "kind": "text",
    "other": "text",
    "kinds": "texts",
    "rate": "number",
}
PARAMETERS: Final[dict[str, Value]] = {"kinds": ("x", "y"), "rate": Decimal("0.125")}
LARGEST: Final = 2**63 - 1
Oracle = Callable[[dict[str, Value]], Fraction | bool | None]


@dataclass(frozen=True)
class Made:
    """An expression as it is written, and what it must give."""

    text: str
    oracle: Oracle


def fraction(value: Value) -> Fraction | None:
    return Fraction(value) if isinstance(value, Decimal) else None


def of_numbers(made: list[Made], text: str, work: Callable[..., Fraction | bool | None]) -> Made:
    """A part that is not known where one of its numbers is not."""

    def oracle(values: dict[str, Value]) -> Fraction | bool | None:
        found = [each.oracle(values) for each in made]
        return None if None in found else work(*found)

    return Made(text, oracle)


def divided(left: Fraction, right: Fraction) -> Fraction | None:
    return None if right == 0 else left / right


ARITHMETIC: Final = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}
COMPARISONS: Final = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def first_known(made: list[Made]) -> Made:
    def oracle(values: dict[str, Value]) -> Fraction | bool | None:
        found = [each.oracle(values) for each in made]
        return next((each for each in found if each is not None), None)

    return Made(f"first_known({', '.join(each.text for each in made)})", oracle)


def junction(word: str, made: list[Made]) -> Made:
    """`and` is the least of False < not known < True, `or` the most."""
    order = [False, None, True]

    def oracle(values: dict[str, Value]) -> bool | None:
        places = [order.index(each.oracle(values)) for each in made]  # type: ignore[arg-type]
        return order[min(places) if word == "and" else max(places)]

    return Made("(" + f" {word} ".join(each.text for each in made) + ")", oracle)


def negation(made: Made) -> Made:
    return of_numbers([made], f"(not {made.text})", lambda found: not found)


literals = st.decimals(min_value=0, max_value=1000, places=3).map(
    lambda number: Made(str(number), lambda _: Fraction(number))
)
named = st.sampled_from([*NUMBERS, "rate"]).map(lambda name: Made(name, lambda values: fraction(values[name])))
# Divisors of which every quotient is a finite decimal, and none.
divisors = st.sampled_from(["2", "5", "8", "10", "0"])
numbers: st.SearchStrategy[Made] = st.recursive(
    literals | named,
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from(sorted(ARITHMETIC)), part).map(
            lambda each: of_numbers(
                [each[0], each[2]], f"({each[0].text} {each[1]} {each[2].text})", ARITHMETIC[each[1]]
            )
        ),
        part.map(lambda each: of_numbers([each], f"(-{each.text})", lambda found: -found)),
        st.tuples(part, divisors).map(
            lambda each: of_numbers(
                [each[0]], f"({each[0].text} / {each[1]})", lambda found: divided(found, int(each[1]))
            )
        ),
        st.tuples(st.sampled_from([min, max]), st.lists(part, min_size=2, max_size=3)).map(
            lambda each: of_numbers(
                each[1],
                f"{each[0].__name__}({', '.join(one.text for one in each[1])})",
                lambda *found: each[0](found),
            )
        ),
        st.lists(part, min_size=2, max_size=3).map(first_known),
    ),
    max_leaves=6,
)
comparisons = st.tuples(numbers, st.sampled_from(sorted(COMPARISONS)), numbers).map(
    lambda each: of_numbers([each[0], each[2]], f"({each[0].text} {each[1]} {each[2].text})", COMPARISONS[each[1]])
)
memberships = st.tuples(st.sampled_from(["kind", "other"]), st.sampled_from(["in", "not in"])).map(
    lambda each: Made(
        f"({each[0]} {each[1]} kinds)",
        lambda values: None if values[each[0]] is None else (values[each[0]] in ("x", "y")) == (each[1] == "in"),
    )
)
same_texts = st.sampled_from(["==", "!="]).map(
    lambda sign: Made(
        f"(kind {sign} other)",
        lambda values: (
            None
            if values["kind"] is None or values["other"] is None
            else (values["kind"] == values["other"]) == (sign == "==")
        ),
    )
)
flags = st.sampled_from(TRUTHS).map(lambda name: Made(name, lambda values: values[name]))  # type: ignore[arg-type,return-value]
truths: st.SearchStrategy[Made] = st.recursive(
    comparisons | memberships | same_texts | flags,
    lambda part: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(part, min_size=2, max_size=3)).map(
            lambda each: junction(*each)
        ),
        part.map(negation),
    ),
    max_leaves=5,
)
amounts = st.none() | st.integers(-(10**11), 10**11)
rows = st.fixed_dictionaries(
    {
        **dict.fromkeys(NUMBERS, amounts),
        **dict.fromkeys(TRUTHS, st.none() | st.booleans()),
        "kind": st.sampled_from([None, "x", "y", "z"]),
        "other": st.sampled_from([None, "x", "z"]),
    }
)
SCHEMA: Final = {
    **dict.fromkeys(NUMBERS, pl.Int64()),
    **dict.fromkeys(TRUTHS, pl.Boolean()),
    "kind": pl.String(),
    "other": pl.String(),
}


def in_yuan(row: dict[str, object]) -> dict[str, Value]:
    cells = {name: yuan(cell) if name in NUMBERS and isinstance(cell, int) else cell for name, cell in row.items()}
    return {**cells, **PARAMETERS}  # type: ignore[dict-item]


@given(numbers | truths, rows)
def test_an_expression_gives_what_a_plain_reading_gives(made: Made, row: dict[str, object]) -> None:
    values = in_yuan(row)
    found = evaluate(parse(made.text, TYPES, file="f", rule="r"), values)
    wanted = made.oracle(values)
    assert (found is None) == (wanted is None)
    assert found is None or Fraction(found) == wanted  # type: ignore[arg-type]


@given(numbers | truths, st.lists(rows, min_size=1, max_size=8))
def test_a_frame_gives_the_same_as_row_by_row(made: Made, table: list[dict[str, object]]) -> None:
    expression = parse(made.text, TYPES, file="f", rule="r")
    wanted = [evaluate(expression, in_yuan(row)) for row in table]
    if expression.type == "number":
        wanted = [None if each is None else fen(each) for each in wanted]  # type: ignore[arg-type,misc]
        assume(all(each is None or abs(each) <= LARGEST for each in wanted))  # type: ignore[arg-type]
    found = column_of(expression, pl.DataFrame(table, SCHEMA), PARAMETERS)
    assert found.to_list() == wanted


@pytest.mark.parametrize("height", [0, 1, 2])
def test_what_is_the_same_for_all_rows_stands_in_each(height: int) -> None:
    frame = pl.DataFrame({"a": [None] * height}, {"a": pl.Int64()})
    expression = parse("0 != 0 and (0 != 0 and 0 != first_known(0, a))", {"a": "number"}, file="f", rule="r")
    assert column_of(expression, frame, {}).to_list() == [False] * height


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", 1), ("0.0049", 0), ("-0.005", -1), ("1.115", 112), ("1.125", 113), ("99999999999999.995", 10**16)],
)
def test_a_half_fen_is_rounded_away_from_zero(amount: str, rounded: int) -> None:
    assert fen(Decimal(amount)) == rounded
    frame = pl.DataFrame({"a": [0]}, {"a": pl.Int64()})
    column = column_of(
        parse("a + n", {"a": "number", "n": "number"}, file="f", rule="r"), frame, {"n": Decimal(amount)}
    )
    assert column.to_list() == [rounded]


def test_numbers_are_taken_as_they_are_written() -> None:
    assert evaluate(parse("0.1 + 0.2", {}, file="f", rule="r"), {}) == Decimal("0.3")
    assert str(evaluate(parse("1_000_000.10", {}, file="f", rule="r"), {})) == "1000000.10"


def test_what_128_bits_do_not_hold_is_worked_out_all_the_same() -> None:
    frame = pl.DataFrame({"a": [10**18, None]}, {"a": pl.Int64()})
    expression = parse("a * a * a / a / a > 1", {"a": "number"}, file="f", rule="r")
    assert column_of(expression, frame, {}).to_list() == [True, None]
    expression = parse("a * a * a > a", {"a": "number"}, file="f", rule="r")
    assert column_of(expression, frame, {}).to_list() == [True, None]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("paid *", "policy.not_read"),
        ("(" * 5000, "policy.not_read"),
        ("", "policy.not_read"),
        ("a = 1", "policy.not_read"),
        ("payed * 2", "policy.unknown_name"),
        ("__import__('os')", "policy.not_allowed"),
        ("a.real", "policy.not_allowed"),
        ("a ** 2", "policy.not_allowed"),
        ("a // 2", "policy.not_allowed"),
        ("a % 2", "policy.not_allowed"),
        ("+a", "policy.not_allowed"),
        ("a if p else b", "policy.not_allowed"),
        ("[a, b]", "policy.not_allowed"),
        ("lambda: a", "policy.not_allowed"),
        ("'x'", "policy.not_allowed"),
        ("True", "policy.not_allowed"),
        ("1e3", "policy.not_allowed"),
        ("0x10", "policy.not_allowed"),
        ("1j", "policy.not_allowed"),
        ("0 < a < 1", "policy.not_allowed"),
        ("a is b", "policy.not_allowed"),
        ("abs(a, b)", "policy.not_allowed"),
        ("min(a)", "policy.not_allowed"),
        ("min(a, b, key=a)", "policy.not_allowed"),
        ("min(*a, b)", "policy.not_allowed"),
        ("(a := 1)", "policy.not_allowed"),
        ("kind + other", "policy.does_not_fit"),
        ("p + 1", "policy.does_not_fit"),
        ("not a", "policy.does_not_fit"),
        ("a and p", "policy.does_not_fit"),
        ("a in kinds", "policy.does_not_fit"),
        ("kind in other", "policy.does_not_fit"),
        ("kind < other", "policy.does_not_fit"),
        ("min(a, p)", "policy.does_not_fit"),
        ("kinds == kinds", "policy.does_not_fit"),
    ],
)
def test_what_is_no_expression_is_refused_with_file_and_rule(text: str, key: str) -> None:
    with pytest.raises(DataFileError) as caught:
        parse(text, TYPES, file="deals.toml", rule="buyer_subsidy")
    (problem,) = caught.value.problems
    assert (problem.key, problem.file, problem.values["rule"]) == (key, "deals.toml", "buyer_subsidy")
    assert "deals.toml" in problem.text("en")
    assert "buyer_subsidy" in problem.text()
