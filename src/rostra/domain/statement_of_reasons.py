"""Statements of reasons (DSA, art. 17): what a decision was, on what facts, by which law or rule.

Each decision about visibility or an account has one, in the form of the transparency database
(``dsa_schema``). It says what the moderator said when acting; what was not said is listed as
lacking and never made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from rostra.domain.dsa_schema import FIELDS, ILLEGAL, INCOMPATIBLE, Flaw, flaws, wrong
from rostra.domain.ledger import LedgerKind
from rostra.domain.times import ms_of

OTHER_VIOLATION: Final = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
ACCOUNT_AS_CONTENT: Final = "Account"

DECISIONS: Final[Mapping[str, tuple[str, Any, str]]] = {
    "suspend": ("decision_account", "DECISION_ACCOUNT_SUSPENDED", "end_date_account_restriction"),
    "delete": ("decision_account", "DECISION_ACCOUNT_TERMINATED", "end_date_account_restriction"),
    "silence": (
        "decision_visibility",
        ["DECISION_VISIBILITY_CONTENT_DEMOTED"],
        "end_date_visibility_restriction",
    ),
    "sensitive": (
        "decision_visibility",
        ["DECISION_VISIBILITY_CONTENT_LABELLED"],
        "end_date_visibility_restriction",
    ),
    "disable": (
        "decision_provision",
        "DECISION_PROVISION_PARTIAL_SUSPENSION",
        "end_date_service_restriction",
    ),
}
"""By the type of an action: the field that says what it restricts, what it says, and the field of
its end. A warning restricts nothing."""


class Details(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a moderator may say of a decision beside its ground and text; values as the database has
    them.

    With a ``legal_ground`` content is illegal, else it goes against the rules that the ground of
    the action names. ``explanation`` says why that is so.
    """

    category: str = ""
    category_addition: tuple[str, ...] = ()
    category_specification: tuple[str, ...] = ()
    category_specification_other: str = ""
    content_type: tuple[str, ...] = ()
    content_type_other: str = ""
    content_date: str = ""
    content_language: str = ""
    legal_ground: str = ""
    explanation: str = ""
    also_illegal: bool | None = None
    reference_url: str = ""
    source_type: str = ""
    source_identity: str = ""
    automated_detection: bool | None = None
    automated_decision: str = ""
    territorial_scope: tuple[str, ...] = ()
    account_type: str = ""


_SAME: Final = (
    "category",
    "category_addition",
    "category_specification",
    "category_specification_other",
    "content_type",
    "content_type_other",
    "content_date",
    "content_language",
    "source_type",
    "source_identity",
    "automated_decision",
    "territorial_scope",
    "account_type",
)
"""Fields that the database calls as we do."""

_CALLED: Final = {
    "legal_ground": "illegal_content_legal_ground",
    "explanation": "incompatible_content_explanation",
    "reference_url": "decision_ground_reference_url",
}


class Statement(Struct, frozen=True):
    """A statement as the database takes it, and what it lacks for that."""

    puid: str
    body: dict[str, Any]
    lacking: tuple[Flaw, ...]


def complaints(details: Details) -> list[Flaw]:
    """Return what is wrong with what was said; what was left out is not."""
    named = {**dict(zip(_SAME, _SAME, strict=True)), **_CALLED}
    found = []
    for ours, theirs in named.items():
        value = getattr(details, ours)
        if value:
            found += [Flaw(ours, text) for text in wrong(theirs, value)]
    return found


def needed(kind: str, about: Mapping[str, Any], *, by_owner: bool) -> bool:
    """Return whether an entry of the ledger tells of a decision that has a statement of its own.

    Args:
        kind: of the entry.
        about: what it tells.
        by_owner: whether the account itself decided, as when it is deleted by its owner.
    """
    return (
        kind == LedgerKind.ACTION
        and about.get("type") in DECISIONS
        and about.get("restores") is None
        and not about.get("sign_up")  # turned down, it never was an account
        and not by_owner
    )


def statement(
    about: Mapping[str, Any], *, by_server: bool, account_created_at: int | None
) -> Statement:
    """Return the statement of an action.

    Args:
        about: what its entry in the ledger tells.
        by_server: whether the server itself decided, and no person.
        account_created_at: when (ms) the account was made, the date of content that is the account
            itself.
    """
    details = msgspec.convert(about.get("statement") or {}, Details, strict=False)
    body: dict[str, Any] = {"puid": f"rostra-{about['action']}"}
    body |= _decision(about)
    body |= _ground(about, details)
    body |= _content(about, details, account_created_at)
    body |= _origin(about, details, by_server)
    body["category"] = details.category or OTHER_VIOLATION
    for name in _SAME:
        value = getattr(details, name)
        if value and name not in body:
            body[name] = list(value) if isinstance(value, tuple) else value
    if body["source_type"] == "SOURCE_VOLUNTARY":
        body.pop("source_identity", None)
    given = {name: body[name] for name in FIELDS if body.get(name) not in (None, "", [])}
    return Statement(body["puid"], given, tuple(flaws(given)))


def _decision(about: Mapping[str, Any]) -> dict[str, Any]:
    field, value, end = DECISIONS[about["type"]]
    until = about.get("until")
    return {
        field: value,
        end: _day(ms_of(until)) if isinstance(until, str) else None,
        "decision_facts": about.get("text"),
        "application_date": _day(ms_of(about["starts_at"])),
    }


def _ground(about: Mapping[str, Any], details: Details) -> dict[str, Any]:
    explained = details.explanation or about.get("text") or ""
    limit = FIELDS["incompatible_content_explanation"].limit or 0
    # What is too long is left out: cut, it would say something else than the moderator said.
    explanation = explained if len(explained) <= limit else None
    common = {"decision_ground_reference_url": details.reference_url}
    if details.legal_ground:
        return common | {
            "decision_ground": ILLEGAL,
            "illegal_content_legal_ground": details.legal_ground,
            "illegal_content_explanation": explanation,
        }
    return common | {
        "decision_ground": INCOMPATIBLE,
        "incompatible_content_ground": about.get("ground"),
        "incompatible_content_explanation": explanation,
        "incompatible_content_illegal": _yes_or_no(details.also_illegal),
    }


def _content(
    about: Mapping[str, Any], details: Details, account_created_at: int | None
) -> dict[str, Any]:
    """Return what the decision is about: what was said, the statuses reported, or the account."""
    reported = about["evidence"].get("statuses") if isinstance(about.get("evidence"), dict) else ()
    types = list(details.content_type)
    if not types:
        types = ["CONTENT_TYPE_TEXT"] if reported else ["CONTENT_TYPE_OTHER"]
    other = details.content_type_other
    if "CONTENT_TYPE_OTHER" not in types:
        other = ""
    elif not details.content_type:
        other = other or ACCOUNT_AS_CONTENT
    posted = [ms_of(one["created_at"]) for one in reported or () if one.get("created_at")]
    made = min(posted) if posted else account_created_at
    return {
        "content_type": types,
        "content_type_other": other,
        "content_date": details.content_date or (None if made is None else _day(made)),
    }


def _origin(about: Mapping[str, Any], details: Details, by_server: bool) -> dict[str, Any]:
    """Return how the matter came up, and how far a machine decided."""
    evidence = about.get("evidence")
    source = "SOURCE_VOLUNTARY"
    if isinstance(evidence, dict):
        legal = evidence.get("category") == "legal"
        source = "SOURCE_ARTICLE_16" if legal else "SOURCE_TYPE_OTHER_NOTIFICATION"
    decided = "AUTOMATED_DECISION_FULLY" if by_server else "AUTOMATED_DECISION_NOT_AUTOMATED"
    said = details.automated_detection
    return {
        "source_type": details.source_type or source,
        "automated_detection": _yes_or_no(by_server if said is None else said),
        "automated_decision": details.automated_decision or decided,
    }


def _yes_or_no(value: bool | None) -> str | None:
    return None if value is None else "Yes" if value else "No"


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()
