"""The form of a statement of reasons as the EU's transparency database takes it (DSA, art. 24).

The facts are those of digital-services-act/transparency-database at commit 69e80a0 (2026-06-24;
``Statement.php``, ``StatementStoreRequest.php``, ``StatementMultipleAPIController.php``), schema
version 2, in force since 2025-07-01; see https://transparency.dsa.ec.europa.eu/page/api-documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from msgspec import Struct

from rostra.domain.errors import Told, told

BATCH: Final = 100
"""How many statements one request to ``POST /api/v1/statements`` may have."""

VISIBILITIES: Final = tuple(
    f"DECISION_VISIBILITY_{name}"
    for name in (
        "CONTENT_REMOVED",
        "CONTENT_DISABLED",
        "CONTENT_DEMOTED",
        "CONTENT_AGE_RESTRICTED",
        "CONTENT_INTERACTION_RESTRICTED",
        "CONTENT_LABELLED",
        "OTHER",
    )
)
MONETARIES: Final = tuple(
    f"DECISION_MONETARY_{name}" for name in ("SUSPENSION", "TERMINATION", "OTHER")
)
PROVISIONS: Final = tuple(
    f"DECISION_PROVISION_{name}"
    for name in (
        "PARTIAL_SUSPENSION",
        "TOTAL_SUSPENSION",
        "PARTIAL_TERMINATION",
        "TOTAL_TERMINATION",
    )
)
ACCOUNTS: Final = ("DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED")
ACCOUNT_TYPES: Final = ("ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE")
ILLEGAL: Final = "DECISION_GROUND_ILLEGAL_CONTENT"
INCOMPATIBLE: Final = "DECISION_GROUND_INCOMPATIBLE_CONTENT"
GROUNDS: Final = (ILLEGAL, INCOMPATIBLE)
CONTENT_TYPES: Final = tuple(
    f"CONTENT_TYPE_{name}"
    for name in (
        "APP",
        "AUDIO",
        "IMAGE",
        "PRODUCT",
        "SYNTHETIC_MEDIA",
        "TEXT",
        "VIDEO",
        "OTHER",
    )
)
CATEGORIES: Final = tuple(
    f"STATEMENT_CATEGORY_{name}"
    for name in (
        "ANIMAL_WELFARE",
        "CONSUMER_INFORMATION",
        "CYBER_VIOLENCE",
        "CYBER_VIOLENCE_AGAINST_WOMEN",
        "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "ILLEGAL_OR_HARMFUL_SPEECH",
        "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
        "NOT_SPECIFIED_NOTICE",
        "OTHER_VIOLATION_TC",
        "PROTECTION_OF_MINORS",
        "RISK_FOR_PUBLIC_SECURITY",
        "SCAMS_AND_FRAUD",
        "SELF_HARM",
        "UNSAFE_AND_PROHIBITED_PRODUCTS",
        "VIOLENCE",
    )
)
KEYWORDS: Final = tuple(
    f"KEYWORD_{name}"
    for name in (
        "ADULT_SEXUAL_MATERIAL",
        "AGE_SPECIFIC_RESTRICTIONS",
        "AGE_SPECIFIC_RESTRICTIONS_MINORS",
        "ANIMAL_HARM",
        "BIOMETRIC_DATA_BREACH",
        "BULLYING_AGAINST_GIRLS",
        "CHILD_SEXUAL_ABUSE_MATERIAL",
        "CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE",
        "CONTENT_PROMOTING_EATING_DISORDERS",
        "COORDINATED_HARM",
        "COPYRIGHT_INFRINGEMENT",
        "CYBER_BULLYING_INTIMIDATION",
        "CYBER_HARASSMENT",
        "CYBER_HARASSMENT_AGAINST_WOMEN",
        "CYBER_INCITEMENT",
        "CYBER_STALKING",
        "CYBER_STALKING_AGAINST_WOMEN",
        "DATA_FALSIFICATION",
        "DEFAMATION",
        "DESIGN_INFRINGEMENT",
        "DISCRIMINATION",
        "FEMALE_GENDERED_DISINFORMATION",
        "GEOGRAPHIC_INDICATIONS_INFRINGEMENT",
        "GEOGRAPHICAL_REQUIREMENTS",
        "GOODS_SERVICES_NOT_PERMITTED",
        "GROOMING_SEXUAL_ENTICEMENT_MINORS",
        "HATE_SPEECH",
        "HIDDEN_ADVERTISEMENT",
        "HUMAN_EXPLOITATION",
        "HUMAN_TRAFFICKING",
        "ILLEGAL_ORGANIZATIONS",
        "IMPERSONATION_ACCOUNT_HIJACKING",
        "INAUTHENTIC_ACCOUNTS",
        "INAUTHENTIC_LISTINGS",
        "INAUTHENTIC_USER_REVIEWS",
        "INCITEMENT_AGAINST_WOMEN",
        "INCITEMENT_VIOLENCE_HATRED",
        "INSUFFICIENT_INFORMATION_ON_TRADERS",
        "LANGUAGE_REQUIREMENTS",
        "MISINFORMATION_DISINFORMATION",
        "MISLEADING_INFO_CONSUMER_RIGHTS",
        "MISLEADING_INFO_GOODS_SERVICES",
        "MISSING_PROCESSING_GROUND",
        "NON_CONSENSUAL_IMAGE_SHARING",
        "NON_CONSENSUAL_IMAGE_SHARING_AGAINST_WOMEN",
        "NON_CONSENSUAL_MATERIAL_DEEPFAKE",
        "NON_CONSENSUAL_MATERIAL_DEEPFAKE_AGAINST_WOMEN",
        "NONCOMPLIANCE_PRICING",
        "NUDITY",
        "PATENT_INFRINGEMENT",
        "PHISHING",
        "PROHIBITED_PRODUCTS",
        "PYRAMID_SCHEMES",
        "RIGHT_TO_BE_FORGOTTEN",
        "RISK_ENVIRONMENTAL_DAMAGE",
        "RISK_PUBLIC_HEALTH",
        "SELF_MUTILATION",
        "STALKING",
        "SUICIDE",
        "TERRORIST_CONTENT",
        "TRADE_SECRET_INFRINGEMENT",
        "TRADEMARK_INFRINGEMENT",
        "TRAFFICKING_WOMEN_GIRLS",
        "UNLAWFUL_SALE_ANIMALS",
        "UNSAFE_CHALLENGES",
        "UNSAFE_PRODUCTS",
        "VIOLATION_EU_LAW",
        "VIOLATION_NATIONAL_LAW",
        "OTHER",
    )
)
SOURCE_TYPES: Final = (
    "SOURCE_ARTICLE_16",
    "SOURCE_TRUSTED_FLAGGER",
    "SOURCE_TYPE_OTHER_NOTIFICATION",
    "SOURCE_VOLUNTARY",
)
AUTOMATED: Final = tuple(
    f"AUTOMATED_DECISION_{name}" for name in ("FULLY", "PARTIALLY", "NOT_AUTOMATED")
)
TERRITORY: Final = (
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IS",
    "IT",
    "LI",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "NO",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
)
YES_OR_NO: Final = ("Yes", "No")

DECISIONS: Final = (
    "decision_visibility",
    "decision_monetary",
    "decision_provision",
    "decision_account",
)
"""A statement has one of these at least."""

_LANGUAGE: Final = re.compile("[A-Z]{2}")
_PUID: Final = re.compile("[a-zA-Z0-9_-]+")
_URL: Final = re.compile(r"https?://[^\s/]+\S*")
_EAN: Final = re.compile("[0-9]{13}")

Holds = Callable[[Any], bool]


class Field(Struct, frozen=True, kw_only=True):
    """What one field takes: one of ``values`` (``many``: a list of these), a text of at most
    ``limit`` characters, a date between two others; ``with_``: with which (field, value) alone, and
    then always unless it is ``optional``.
    """

    required: bool = False
    values: tuple[str, ...] = ()
    many: bool = False
    limit: int | None = None
    form: re.Pattern[str] | None = None
    dates: tuple[str, str] | None = None
    codes: re.Pattern[str] | None = None
    with_: tuple[str, str] | None = None
    optional: bool = False


_ANY_DATE: Final = ("0001-01-01", "9999-12-31")
_EXPLAINED: Final = 2000
_SHORT: Final = 500

FIELDS: Final[Mapping[str, Field]] = {
    "decision_visibility": Field(values=VISIBILITIES, many=True),
    "decision_visibility_other": Field(
        limit=_SHORT, with_=("decision_visibility", "DECISION_VISIBILITY_OTHER")
    ),
    "end_date_visibility_restriction": Field(dates=_ANY_DATE),
    "decision_monetary": Field(values=MONETARIES),
    "decision_monetary_other": Field(
        limit=_SHORT, with_=("decision_monetary", "DECISION_MONETARY_OTHER")
    ),
    "end_date_monetary_restriction": Field(dates=_ANY_DATE),
    "decision_provision": Field(values=PROVISIONS),
    "end_date_service_restriction": Field(dates=_ANY_DATE),
    "decision_account": Field(values=ACCOUNTS),
    "end_date_account_restriction": Field(dates=_ANY_DATE),
    "account_type": Field(values=ACCOUNT_TYPES),
    "decision_facts": Field(required=True, limit=5000),
    "decision_ground": Field(required=True, values=GROUNDS),
    "decision_ground_reference_url": Field(limit=_SHORT, form=_URL),
    "illegal_content_legal_ground": Field(limit=_SHORT, with_=("decision_ground", ILLEGAL)),
    "illegal_content_explanation": Field(limit=_EXPLAINED, with_=("decision_ground", ILLEGAL)),
    "incompatible_content_ground": Field(limit=_SHORT, with_=("decision_ground", INCOMPATIBLE)),
    "incompatible_content_explanation": Field(
        limit=_EXPLAINED, with_=("decision_ground", INCOMPATIBLE)
    ),
    "incompatible_content_illegal": Field(
        values=YES_OR_NO, with_=("decision_ground", INCOMPATIBLE), optional=True
    ),
    "content_type": Field(required=True, values=CONTENT_TYPES, many=True),
    "content_type_other": Field(limit=_SHORT, with_=("content_type", "CONTENT_TYPE_OTHER")),
    "content_id": Field(codes=_EAN),
    "category": Field(required=True, values=CATEGORIES),
    "category_addition": Field(values=CATEGORIES, many=True),
    "category_specification": Field(values=KEYWORDS, many=True),
    "category_specification_other": Field(limit=_SHORT),
    "territorial_scope": Field(values=TERRITORY, many=True),
    "content_language": Field(form=_LANGUAGE),
    "content_date": Field(required=True, dates=("2000-01-01", "2038-01-01")),
    "application_date": Field(required=True, dates=("2020-01-01", "2038-01-01")),
    "source_type": Field(required=True, values=SOURCE_TYPES),
    "source_identity": Field(limit=_SHORT),
    "automated_detection": Field(required=True, values=YES_OR_NO),
    "automated_decision": Field(required=True, values=AUTOMATED),
    "puid": Field(required=True, limit=_SHORT, form=_PUID),
}
"""Every field a platform may send, in the order of the documentation."""


class Flaw(Struct, frozen=True):
    """What is wrong with a field, or that it is lacking, in words for who fills it in."""

    field: str
    text: Told


def flaws(statement: Mapping[str, Any]) -> list[Flaw]:
    """Return all that the database would refuse, or drop without a word."""
    found = [
        Flaw(name, told("is no field of a statement")) for name in statement if name not in FIELDS
    ]
    if not any(statement.get(name) for name in DECISIONS):
        found.append(Flaw("decision_visibility", told("or another decision must be given")))
    for name, field in FIELDS.items():
        value = statement.get(name)
        if value in (None, "", (), [], {}):
            if field.required or (_applies(field, statement) and not field.optional):
                found.append(Flaw(name, told("is lacking")))
        elif field.with_ is not None and not _applies(field, statement):
            found.append(Flaw(name, told("goes with %(words)s alone", words=field.with_[1])))
        else:
            found += [Flaw(name, text) for text in wrong(name, value)]
    if statement.get("source_identity") and statement.get("source_type") == "SOURCE_VOLUNTARY":
        found.append(Flaw("source_identity", told("does not go with SOURCE_VOLUNTARY")))
    return found


def _applies(field: Field, statement: Mapping[str, Any]) -> bool:
    if field.with_ is None:
        return False
    given = statement.get(field.with_[0])
    return field.with_[1] in given if isinstance(given, list | tuple) else field.with_[1] == given


def wrong(name: str, value: Any) -> Iterator[Told]:
    """Yield what is wrong with a value that is given for a field, whatever the others are."""
    field = FIELDS[name]
    if field.codes is not None:
        codes = field.codes
        if not isinstance(value, Mapping) or any(
            key != "EAN-13" or not isinstance(code, str) or not codes.fullmatch(code)
            for key, code in value.items()
        ):
            yield told("must be an EAN-13 of 13 digits")
    elif field.many:
        if not isinstance(value, list | tuple):
            yield told("must be a list")
        else:
            yield from (
                told("cannot be %(words)s", words=one) for one in value if one not in field.values
            )
    elif not isinstance(value, str):
        yield told("must be text")
    elif field.values and value not in field.values:
        yield told("cannot be %(words)s", words=value)
    elif field.limit is not None and len(value) > field.limit:
        yield told("is too long (maximum is %(num)s characters)", num=field.limit)
    elif field.form is not None and not field.form.fullmatch(value):
        yield told("is not written as it must be")
    elif field.dates is not None and not _is_between(value, *field.dates):
        first, last = field.dates
        yield told("must be a date from %(first)s to %(last)s", first=first, last=last)


def _is_between(text: str, first: str, last: str) -> bool:
    try:
        given = date.fromisoformat(text)
    except ValueError:
        return False
    return given.isoformat() == text and first <= text <= last
