"""The policy files: that they hold what the documents say, that versions stay apart, and what is refused."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from shutil import copytree
from typing import Final, get_args

import pytest

from matching.data_files import data_path
from matching.errors import DataFileError
from matching.fields.taxonomies import first_taxonomy
from matching.reporting.policy import deadlines, plan
from matching.reporting.policy.entries import Bound, Status
from matching.reporting.policy.judging import STANDINGS
from matching.reporting.policy.rule_files import load_rules, rules_of
from matching.wording import LANGUAGES

# code: document, clause, first day, last day, status, estimate, parameters.
D0: Final = ("D0", date(2022, 1, 29), date(2025, 12, 31), "in_force")
D1: Final = ("D1", date(2017, 10, 26), None, "in_force")
D4: Final = ("D4", date(2022, 11, 25), date(2026, 12, 31), "in_force")
STATED: Final[dict[str, tuple[tuple[object, ...], str, bool, dict[str, object]]]] = {
    "buyer_subsidy": (D0, "part 3 item 7", True, {"least_paid": "1000000", "rate": "0.10", "most": "1000000"}),
    "high_value_patent": (D0, "part 3 item 8", False, {"rate": "0.10", "most": "100000"}),
    "innovation_voucher": (D1, "part 3 (7)", False, {"rate": "0.50", "most": "100000"}),
    "completers_reward": (D0, "part 3 item 6", False, {"rate": "0.70"}),
    "institute_reward": (D4, "part 3 (4)", False, {"completers_rate": "0.70", "contributors_rate": "0.10"}),
    "transfer_institutions": (
        D4,
        "part 3 (3)",
        False,
        {"places": "10", "rate": "0.03", "most": "1000000", "brokers_rate": "0.50"},
    ),
    "envoy": (D4, "part 3 (2)", True, {"rate": "0.10"}),
    "conversion_deadline": (D1, "part 2 (3)", False, {"grace_years": "1"}),
    "eligible_maturity": (D0, "part 2 (3) item 1, part 3 item 6", False, {}),
    "conversion_income": (("D3", date(2021, 2, 1), None, "draft"), "12", False, {}),
}


def test_the_rules_are_those_of_the_documents() -> None:
    rules = load_rules()
    assert rules.versions.keys() == STATED.keys()
    for code, ((document, first, last, status), clause, estimate, numbers) in STATED.items():
        (rule,) = rules.versions[code]
        entry = rule.entry
        assert (entry.document, entry.valid_from, entry.valid_to, entry.status) == (document, first, last, status), code
        assert (entry.clause_en, entry.estimate) == (clause, estimate), code
        found = {name: str(value) for name, value in rule.parameters.items() if isinstance(value, Decimal)}
        assert found == numbers, code


def test_the_documents_and_how_they_stand() -> None:
    documents = load_rules().documents
    assert {code: each.status for code, each in documents.items()} == {
        "D0": "in_force",
        "D1": "in_force",
        "D2": "expired",
        "D3": "draft",
        "D4": "in_force",
    }
    assert documents["D0"].title("zh_CN").endswith("黑发改高技〔2022〕49号")
    assert documents["D4"].title("en") == documents["D4"].title_en


def test_each_data_file_names_its_source() -> None:
    files = sorted(data_path("policy").rglob("*.toml"))
    assert len(files) > 5
    assert [
        file.name for file in files if not re.search(r"^source = \"\S", file.read_text("utf-8"), re.MULTILINE)
    ] == []


def test_every_code_of_the_tables_has_its_words() -> None:
    rules = load_rules()
    codes = {
        "standing": STANDINGS,
        "bound": get_args(Bound),
        "status": get_args(Status),
        "deadline": deadlines.GROUPS,
        "plan_group": (*{node.group for node in first_taxonomy().nodes if node.group}, plan.UNKNOWN),
        "estimate": ("estimate",),
    }
    assert set(rules.words) == {(family, code) for family, each in codes.items() for code in each}
    for language in LANGUAGES:
        for family, each in codes.items():
            words = [rules.word(family, code, language) for code in each]
            assert len(set(words)) == len(words), (family, language)


def test_values_and_facts_have_words() -> None:
    rules = load_rules()
    assert {
        "contract_kind",
        "total",
        "technical",
        "paid",
        "registered",
        "ip_kind",
        "seller_kind",
    } <= rules.values.keys()
    assert set(rules.stated) <= rules.values.keys()
    assert rules.values["net_income"].type == "amount"
    assert rules.values["paid"].words("en") == "Actually paid"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policy files to write into."""
    return Path(copytree(data_path("policy"), tmp_path / "policy"))


def changed(folder: Path, file: str, was: str, now: str) -> DataFileError | None:
    """Write another text into a file, and what loading it says."""
    path = folder / file
    text = path.read_text("utf-8")
    assert was in text
    path.write_text(text.replace(was, now, 1), "utf-8")
    try:
        rules_of(folder)
    except DataFileError as error:
        return error
    return None


VERSION: Final = """
[[rule]]
code = "buyer_subsidy"
subject = "deal"
name_zh = "补助"
name_en = "Subsidy"
says_zh = "说明"
says_en = "What it says"
document = "{document}"
clause_zh = "条"
clause_en = "clause"
valid_from = {first}
{last}
status = "{status}"
estimate = true
parameters = {{ rate = "0.2" }}
conditions = [{{ code = "buyer", name_zh = "买方", name_en = "Buyer", test = "buyer_in_province" }}]
amounts = [{{ code = "{amount}", name_zh = "补助", name_en = "Subsidy", value = "paid * rate" }}]
"""


def add_version(
    folder: Path,
    first: str,
    last: str = "",
    *,
    document: str = "D0",
    status: str = "in_force",
    amount: str = "buyer_subsidy",
) -> None:
    """One more file with a version of the buyer subsidy."""
    entry = VERSION.format(first=first, last=last, document=document, status=status, amount=amount)
    (folder / "rules" / "more.toml").write_text('source = "test"\n' + entry, "utf-8")


def test_a_later_version_counts_from_its_first_day_and_the_older_one_stays(folder: Path) -> None:
    add_version(folder, "2024-07-01")
    rules = rules_of(folder)
    newer, older = rules.versions["buyer_subsidy"]
    assert (newer.version, older.version) == (date(2024, 7, 1), date(2022, 1, 29))
    assert rules.in_force("buyer_subsidy", date(2024, 6, 30)) is older
    assert rules.in_force("buyer_subsidy", date(2024, 7, 1)) is newer
    assert rules.in_force("buyer_subsidy", date(2022, 1, 28)) is None


def test_a_version_of_a_few_months_gives_way_to_the_older_one_again(folder: Path) -> None:
    add_version(folder, "2024-07-01", "valid_to = 2024-09-30")
    rules = rules_of(folder)
    narrow, wide = rules.versions["buyer_subsidy"]
    assert rules.in_force("buyer_subsidy", date(2024, 9, 30)) is narrow
    assert rules.in_force("buyer_subsidy", date(2024, 10, 1)) is wide


def test_a_draft_is_law_on_no_day(folder: Path) -> None:
    add_version(folder, "2024-07-01", document="D3", status="draft")
    rules = rules_of(folder)
    day = date(2024, 6, 1)
    while day < date(2026, 6, 1):
        found = rules.in_force("buyer_subsidy", day)
        assert found is None or found.entry.status == "in_force"
        day += timedelta(days=30)


@pytest.mark.parametrize(
    ("file", "was", "now", "key"),
    [
        ("rules/deals.toml", "min(paid * rate, most)", "min(payed * rate, most)", "policy.unknown_name"),
        ("rules/deals.toml", "min(paid * rate, most)", "paid ** rate", "policy.not_allowed"),
        ("rules/deals.toml", "min(paid * rate, most)", "paid >= most", "policy.does_not_fit"),
        ("rules/deals.toml", 'test = "buyer_in_province"', 'test = "paid"', "policy.does_not_fit"),
        ("rules/deals.toml", 'document = "D0"', 'document = "D9"', "policy.no_document"),
        ("rules/deals.toml", 'document = "D0"', 'document = "D3"', "policy.not_law"),
        ("rules/deals.toml", 'document = "D0"', 'document = "D2"', "policy.not_law"),
        ("rules/deals.toml", "valid_to = 2025-12-31", "valid_to = 2021-12-31", "policy.days"),
        ("rules/deals.toml", 'rate = "0.10"', "rate = 0.10", "policy.form"),
        ("rules/deals.toml", 'rate = "0.10"', 'rate = "a tenth"', "policy.form"),
        ("rules/deals.toml", 'rate = "0.10"', 'rate = "NaN"', "policy.form"),
        ("rules/deals.toml", 'status = "in_force"', 'status = "valid"', "policy.form"),
        ("rules/deals.toml", 'clause_en = "part 3 item 7"\n', "", "policy.form"),
        ("rules/deals.toml", '"in_force"\nestimate = true', '"in_force"\nestimated = true', "policy.form"),
        ("rules/deals.toml", 'code = "high_value_patent"', 'code = "buyer_subsidy"', "policy.version_twice"),
        ("rules/deals.toml", 'code = "patent_subsidy"', 'code = "buyer_subsidy"', "policy.name_twice"),
        ("rules/deals.toml", "least_paid", "paid", "policy.name_twice"),
        ("rules/deals.toml", '"transfer", "development"', '"transfer", "sale"', "policy.unknown_code"),
        ("rules/deals.toml", 'value = "buyer_subsidy * rate"', 'value = "envoy_share * rate"', "policy.unknown_name"),
        ("rules/deals.toml", 'value = "min(paid * rate, most)"', 'value = "envoy_share"', "policy.unknown_name"),
        ("rules/achievements.toml", '"pilot", ', '"pilots", ', "policy.unknown_code"),
        ("rules/achievements.toml", "grace_years", "grace", "policy.lacks"),
        ("rules/institutions.toml", 'code = "gross"', 'code = "net"', "policy.lacks"),
        ("rules/institutions.toml", "rank <= places", "paid_in_all <= places", "policy.unknown_name"),
        ("documents.toml", 'code = "D0"', "code = ", "policy.form"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused(folder: Path, file: str, was: str, now: str, key: str) -> None:
    error = changed(folder, file, was, now)
    assert error is not None
    assert key in [problem.key for problem in error.problems]
    assert {problem.file for problem in error.problems} == {Path(file).name}
    assert error.text("zh_CN")
    assert error.text("en")


def test_what_is_computed_from_an_estimate_must_be_one(folder: Path) -> None:
    text = (folder / "rules" / "deals.toml").read_text("utf-8")
    head, _, tail = text.rpartition("estimate = true")
    (folder / "rules" / "deals.toml").write_text(head + tail, "utf-8")
    with pytest.raises(DataFileError) as caught:
        rules_of(folder)
    assert [(each.key, each.values["rule"]) for each in caught.value.problems] == [("policy.must_estimate", "envoy")]


def test_a_later_version_may_not_use_what_is_computed_from_its_own_rule(folder: Path) -> None:
    add_version(folder, "2024-07-01")
    path = folder / "rules" / "more.toml"
    path.write_text(path.read_text("utf-8").replace("paid * rate", "envoy_share * rate"), "utf-8")
    with pytest.raises(DataFileError) as caught:
        rules_of(folder)
    assert [each.key for each in caught.value.problems] == ["policy.unknown_name"]


def test_an_expired_rule_says_when_it_ended(folder: Path) -> None:
    add_version(folder, "2015-01-01", document="D2", status="expired")
    with pytest.raises(DataFileError) as caught:
        rules_of(folder)
    assert [each.key for each in caught.value.problems] == ["policy.days"]
    add_version(folder, "2015-01-01", "valid_to = 2017-12-31", document="D2", status="expired")
    found = rules_of(folder).in_force("buyer_subsidy", date(2016, 1, 1))
    assert found is not None
    assert found.document.code == "D2"
