"""Statements of reasons: every rule of the EU's database, and what is made of actions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.activity_truth import SHARED

from rostra.domain import dsa_schema as schema
from rostra.domain.dsa_schema import FIELDS, flaws
from rostra.domain.enforcement import Action, ActionKind
from rostra.domain.ledger import of_action
from rostra.domain.statement_of_reasons import (
    DECISIONS,
    Details,
    Statement,
    complaints,
    needed,
    statement,
)
from rostra.testing.clock import START

REFERENCE = json.loads((SHARED / "reference" / "dsa_statement_of_reasons.json").read_text())
RULES: dict[str, dict[str, Any]] = REFERENCE["fields"]
ENUMS = {
    "decision_visibility": "decision_visibilities",
    "decision_monetary": "decision_monetaries",
    "decision_provision": "decision_provisions",
    "decision_account": "decision_accounts",
    "account_type": "account_types",
    "decision_ground": "decision_grounds",
    "content_type": "content_types",
    "category": "statement_categories",
    "category_addition": "statement_categories",
    "category_specification": "keywords",
    "source_type": "source_types",
    "automated_decision": "automated_decisions",
}
"""Which list of the reference the values of a field are from."""

CONDITIONAL = {
    "decision_visibility_other": {"decision_visibility": ["DECISION_VISIBILITY_OTHER"]},
    "decision_monetary_other": {"decision_monetary": "DECISION_MONETARY_OTHER"},
    "illegal_content_legal_ground": {"decision_ground": schema.ILLEGAL},
    "illegal_content_explanation": {"decision_ground": schema.ILLEGAL},
    "incompatible_content_ground": {"decision_ground": schema.INCOMPATIBLE},
    "incompatible_content_explanation": {"decision_ground": schema.INCOMPATIBLE},
    "content_type_other": {"content_type": ["CONTENT_TYPE_OTHER"]},
}
"""Fields that must be given with something else, and must not without it."""

GOOD: dict[str, Any] = {
    "decision_account": "DECISION_ACCOUNT_SUSPENDED",
    "decision_facts": "Sold amphorae that were none.",
    "decision_ground": schema.INCOMPATIBLE,
    "incompatible_content_ground": "Rule 3",
    "incompatible_content_explanation": "The rule forbids selling what is not there.",
    "content_type": ["CONTENT_TYPE_TEXT"],
    "category": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
    "content_date": "2026-01-01",
    "application_date": "2026-01-02",
    "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION",
    "automated_detection": "No",
    "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
    "puid": "rostra-1",
}


def wrong(**changed: Any) -> list[str]:
    """Return which fields of a good statement are wrong once some are changed; None takes away."""
    body = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    return [flaw.field for flaw in flaws(body)]


def with_field(name: str, value: Any) -> dict[str, Any]:
    """Return a good statement's changes that have a field, and what that goes with."""
    together = dict(CONDITIONAL.get(name, {}))
    if together.get("decision_ground") == schema.ILLEGAL:
        together |= {
            "incompatible_content_ground": None,
            "incompatible_content_explanation": None,
            "illegal_content_legal_ground": "the law",
            "illegal_content_explanation": "it says so",
        }
    return {**together, name: value}


def test_a_good_statement_has_no_flaw() -> None:
    assert wrong() == []


def test_there_are_the_fields_of_the_reference_and_no_other() -> None:
    assert set(FIELDS) == set(RULES)
    assert REFERENCE["limits"]["batch"] == schema.BATCH
    assert list(schema.TERRITORY) == REFERENCE["territorial_scope_codes"]
    assert wrong(uuid="x") == ["uuid"]


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_the_values_of_a_field_are_those_of_the_reference(name: str) -> None:
    values = REFERENCE["enums"][ENUMS[name]]
    assert list(FIELDS[name].values) == values
    many = RULES[name]["type"].startswith("array")
    assert FIELDS[name].many is many
    for value in ("SOMETHING_ELSE", values[0].lower(), 5):
        assert name in wrong(**{name: [value] if many else value})
    if many:
        assert name in wrong(**{name: values[0]})


def test_each_type_of_the_reference_is_known() -> None:
    enums = {name for name, rule in RULES.items() if "enum" in rule.get("type", "")}
    lists = {name for name, rule in RULES.items() if rule.get("type", "").startswith("array")}
    assert enums | lists == {*ENUMS, "territorial_scope"}


@pytest.mark.parametrize("name", sorted(name for name, rule in RULES.items() if "max" in rule))
def test_a_text_is_as_long_as_the_reference_allows_and_no_longer(name: str) -> None:
    longest = RULES[name]["max"]
    assert FIELDS[name].limit == longest
    start = "https://x.example/" if RULES[name].get("type") == "url" else ""
    text = start + "a" * (longest - len(start))
    assert name not in wrong(**with_field(name, text))
    assert name in wrong(**with_field(name, text + "a"))
    assert name in wrong(**with_field(name, 5))


@pytest.mark.parametrize(
    "name", sorted(name for name, rule in RULES.items() if rule["required"] is True)
)
def test_what_is_required_may_not_be_lacking(name: str) -> None:
    assert FIELDS[name].required
    assert name in wrong(**{name: None})
    assert name in wrong(**{name: [] if FIELDS[name].many else ""})


def test_what_is_not_required_may_be_lacking() -> None:
    optional = {name for name, rule in RULES.items() if rule["required"] is False}
    assert optional == {
        name
        for name, field in FIELDS.items()
        if not field.required and name not in CONDITIONAL and name not in schema.DECISIONS
    }
    assert not optional & set(GOOD)


def test_each_condition_of_the_reference_is_tried() -> None:
    said = {name: rule["required"] for name, rule in RULES.items()}
    conditional = {name for name, text in said.items() if str(text).startswith("iff")}
    assert conditional == set(CONDITIONAL)
    others = {name for name, text in said.items() if str(text).startswith("if ")}
    assert others == set(schema.DECISIONS)


@pytest.mark.parametrize("name", sorted(CONDITIONAL))
def test_a_field_goes_with_what_it_tells_of(name: str) -> None:
    assert wrong(**with_field(name, "so")) == []
    assert name in wrong(**with_field(name, None))
    (other,) = CONDITIONAL[name]
    without = {name: "so", other: None if other in schema.DECISIONS else GOOD[other]}
    if CONDITIONAL[name][other] == schema.INCOMPATIBLE:
        without[other] = schema.ILLEGAL
    assert name in wrong(**without)


@pytest.mark.parametrize("name", schema.DECISIONS)
def test_one_decision_at_least_is_given(name: str) -> None:
    value = FIELDS[name].values[0]
    given = [value] if FIELDS[name].many else value
    assert wrong(**{"decision_account": None, name: given}) == []
    assert wrong(decision_account=None) == ["decision_visibility"]


@pytest.mark.parametrize(
    "name", sorted(name for name, rule in RULES.items() if rule.get("type") == "date")
)
def test_ends_are_dates(name: str) -> None:
    assert wrong(**{name: "2030-02-28"}) == []
    for text in ("2030-02-29", "28.02.2030", "2030-2-8", "20300228", "2030-02-28T00:00:00Z"):
        assert wrong(**{name: text}) == [name]


@pytest.mark.parametrize("name", ["content_date", "application_date"])
def test_dates_are_within_the_range_of_the_reference(name: str) -> None:
    assert RULES[name]["type"] == "YYYY-MM-DD"
    first, last = RULES[name]["range"].split("..")
    assert FIELDS[name].dates == (first, last)
    for text in (first, last):
        assert wrong(**{name: text}) == []
    for text in (f"{int(first[:4]) - 1}-12-31", f"{last[:9]}2", "yesterday"):
        assert wrong(**{name: text}) == [name]


def test_the_other_forms_of_the_reference() -> None:
    assert RULES["puid"]["regex"] == "^[a-zA-Z0-9-_]+$"
    for text in ("a b", "ä", "a.b", "a\n"):
        assert wrong(puid=text) == ["puid"]
    assert RULES["content_language"]["type"] == "ISO 639-1 upper case"
    assert wrong(content_language="DE") == []
    for text in ("de", "DEU", "d"):
        assert wrong(content_language=text) == ["content_language"]
    assert RULES["content_id"]["type"] == "object {EAN-13: 13 digits}"
    assert wrong(content_id={"EAN-13": "1234567890123"}) == []
    for value in ({"EAN-13": "123"}, {"ISBN": "1234567890123"}, "1234567890123"):
        assert wrong(content_id=value) == ["content_id"]
    assert RULES["incompatible_content_illegal"]["type"] == "Yes|No"
    assert RULES["automated_detection"]["type"] == "Yes|No"
    for name in ("incompatible_content_illegal", "automated_detection"):
        assert wrong(**{name: "Yes"}) == []
        assert wrong(**{name: "yes"}) == [name]
    assert RULES["incompatible_content_illegal"]["only_if"] == schema.INCOMPATIBLE
    illegal = with_field("illegal_content_explanation", "so")
    assert wrong(**illegal, incompatible_content_illegal="No") == ["incompatible_content_illegal"]
    assert wrong(decision_ground_reference_url="example.com") == ["decision_ground_reference_url"]
    assert RULES["source_identity"]["dropped_if"] == "SOURCE_VOLUNTARY"
    assert wrong(source_identity="A") == []
    assert wrong(source_identity="A", source_type="SOURCE_VOLUNTARY") == ["source_identity"]


# -- what is made of actions -----------------------------------------------------------------------


def about(kind: ActionKind = ActionKind.SUSPEND, **more: Any) -> dict[str, Any]:
    action = Action(
        id=77,
        account=5,
        kind=kind,
        ground="Rule 3: no fraud",
        text="Sold amphorae that were none.",
        moderator=7,
        taken_at=START,
        starts_at=START + 86_400_000,
        until=more.pop("until", None),
        restores=more.pop("restores", None),
    )
    return {**of_action(action), **more}


def made(told: dict[str, Any], *, by_server: bool = False) -> Statement:
    return statement(told, by_server=by_server, account_created_at=START)


@pytest.mark.parametrize("kind", [kind for kind in ActionKind if kind.label in DECISIONS])
def test_what_an_action_restricts_is_said_and_until_when(kind: ActionKind) -> None:
    found = made(about(kind, until=START + 10 * 86_400_000))
    assert found.lacking == ()
    field, value, end = DECISIONS[kind.label]
    assert found.body[field] == value
    assert found.body[end] == "2026-01-11"
    assert [name for name in schema.DECISIONS if name in found.body] == [field]


def test_what_nobody_said_is_an_honest_default() -> None:
    body = made(about()).body
    assert body["category"] == "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
    assert body["decision_ground"] == schema.INCOMPATIBLE
    assert body["incompatible_content_ground"] == "Rule 3: no fraud"
    assert (body["content_type"], body["content_type_other"]) == (["CONTENT_TYPE_OTHER"], "Account")
    assert (body["content_date"], body["application_date"]) == ("2026-01-01", "2026-01-02")
    assert body["source_type"] == "SOURCE_VOLUNTARY"
    assert body["automated_detection"] == "No"
    assert body["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    by_server = made(about(), by_server=True).body
    assert by_server["automated_decision"] == "AUTOMATED_DECISION_FULLY"
    assert by_server["automated_detection"] == "Yes"


@pytest.mark.parametrize(
    ("category", "source"),
    [("legal", "SOURCE_ARTICLE_16"), ("spam", "SOURCE_TYPE_OTHER_NOTIFICATION")],
)
def test_an_answer_to_a_report_says_so(category: str, source: str) -> None:
    statuses = [{"status": "1", "sha256": "", "created_at": "2025-12-24T23:59:59.999Z"}]
    evidence = {"report": "9", "category": category, "statuses": statuses}
    found = made(about(evidence=evidence))
    assert found.lacking == ()
    assert found.body["source_type"] == source
    assert found.body["content_type"] == ["CONTENT_TYPE_TEXT"]
    assert found.body["content_date"] == "2025-12-24"


def test_what_the_moderator_said_is_taken_over() -> None:
    details = {
        "category": "STATEMENT_CATEGORY_VIOLENCE",
        "category_specification": ["KEYWORD_HUMAN_TRAFFICKING"],
        "content_type": ["CONTENT_TYPE_IMAGE", "CONTENT_TYPE_OTHER"],
        "content_type_other": "a hologram",
        "content_date": "2025-11-11",
        "legal_ground": "Criminal Code, section 1",
        "explanation": "It is forbidden there.",
        "source_type": "SOURCE_TRUSTED_FLAGGER",
        "source_identity": "Flaggers Ltd",
        "automated_detection": True,
        "territorial_scope": ["DE", "AT"],
    }
    found = made(about(statement=details))
    assert found.lacking == ()
    body = found.body
    assert body["decision_ground"] == schema.ILLEGAL
    assert body["illegal_content_legal_ground"] == "Criminal Code, section 1"
    assert body["illegal_content_explanation"] == "It is forbidden there."
    assert "incompatible_content_ground" not in body
    assert body["automated_detection"] == "Yes"
    same = set(details) - {"legal_ground", "explanation", "automated_detection"}
    assert {name: body[name] for name in same} == {name: details[name] for name in same}


def test_what_is_lacking_is_named_and_not_made_up() -> None:
    told = about(text="")
    assert [flaw.field for flaw in made(told).lacking] == [
        "decision_facts",
        "incompatible_content_explanation",
    ]
    long = about(text="x" * 3000)
    assert [flaw.field for flaw in made(long).lacking] == ["incompatible_content_explanation"]
    old = statement(about(), by_server=False, account_created_at=None)
    assert [flaw.field for flaw in old.lacking] == ["content_date"]


def test_only_decisions_of_moderators_about_visibility_and_accounts_need_one() -> None:
    for kind in ActionKind:
        told = about(kind)
        assert needed("action", told, by_owner=False) is (kind != ActionKind.NONE)
        assert not needed("action", told, by_owner=True)
        assert not needed("lifting", told, by_owner=False)
    assert not needed("action", about(restores=3), by_owner=False)
    assert not needed("action", about(ActionKind.DELETE, sign_up=True), by_owner=False)


def test_what_cannot_be_said_is_told_when_acting() -> None:
    assert complaints(Details()) == []
    found = complaints(Details(category="NONSENSE", legal_ground="x" * 501, content_date="today"))
    assert {flaw.field for flaw in found} == {"category", "legal_ground", "content_date"}
