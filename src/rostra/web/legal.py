"""Statements of reasons on pages: what a moderator is asked, and what who is concerned reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rostra.domain.dsa_schema import ILLEGAL
from rostra.domain.statement_of_reasons import Details, Statement
from rostra.language.i18n import gettext as _
from rostra.language.i18n import mark
from rostra.ports import View
from rostra.services.moderation import statements

Lines = tuple[tuple[str, str], ...]
"""What a statement says: (what it is about, the words)."""

CATEGORIES: Final = {
    "": mark("Something else that the rules forbid"),
    "STATEMENT_CATEGORY_ANIMAL_WELFARE": mark("Animal welfare"),
    "STATEMENT_CATEGORY_CONSUMER_INFORMATION": mark("Information that consumers need"),
    "STATEMENT_CATEGORY_CYBER_VIOLENCE": mark(
        "Violence in words: bullying, stalking, intimate images"
    ),
    "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN": mark("Such violence against women"),
    "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS": mark(
        "Privacy and data protection"
    ),
    "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH": mark("Illegal or harmful speech"),
    "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS": mark(
        "Copyright, trade marks, patents"
    ),
    "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS": mark(
        "Harm to public debate or elections"
    ),
    "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE": mark("A notice that does not say what it is about"),
    "STATEMENT_CATEGORY_PROTECTION_OF_MINORS": mark("Protection of minors"),
    "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY": mark("Danger to public security"),
    "STATEMENT_CATEGORY_SCAMS_AND_FRAUD": mark("Scams and fraud"),
    "STATEMENT_CATEGORY_SELF_HARM": mark("Self-harm"),
    "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS": mark("Unsafe or prohibited products"),
    "STATEMENT_CATEGORY_VIOLENCE": mark("Violence"),
}
"""The categories to choose from; without a choice it is the last resort of the database."""

CONTENT_TYPES: Final = {
    "": mark("The account as a whole, or the posts reported"),
    "CONTENT_TYPE_TEXT": mark("Text"),
    "CONTENT_TYPE_IMAGE": mark("Pictures"),
    "CONTENT_TYPE_VIDEO": mark("Video"),
    "CONTENT_TYPE_AUDIO": mark("Audio"),
    "CONTENT_TYPE_SYNTHETIC_MEDIA": mark("Media made by a machine"),
    "CONTENT_TYPE_PRODUCT": mark("A product"),
    "CONTENT_TYPE_APP": mark("An app"),
}
_RESTRICTED: Final = {
    "DECISION_ACCOUNT_SUSPENDED": mark("Your account is suspended: nobody sees it."),
    "DECISION_ACCOUNT_TERMINATED": mark("Your account was deleted."),
    "DECISION_PROVISION_PARTIAL_SUSPENSION": mark("Your account is shown, but cannot do anything."),
    "DECISION_VISIBILITY_CONTENT_DEMOTED": mark(
        "Your statuses are shown to your followers, and no more in public timelines and searches."
    ),
    "DECISION_VISIBILITY_CONTENT_LABELLED": mark("Your media are shown behind a warning."),
}
_SOURCES: Final = {
    "SOURCE_ARTICLE_16": mark("Somebody gave notice of content they hold to be illegal."),
    "SOURCE_TRUSTED_FLAGGER": mark("A trusted flagger gave notice."),
    "SOURCE_TYPE_OTHER_NOTIFICATION": mark("Somebody reported it."),
    "SOURCE_VOLUNTARY": mark("We looked into it ourselves."),
}
_AUTOMATED: Final = {
    "AUTOMATED_DECISION_FULLY": mark("A machine decided."),
    "AUTOMATED_DECISION_PARTIALLY": mark("A person decided, and a machine helped."),
    "AUTOMATED_DECISION_NOT_AUTOMATED": mark("A person decided."),
}


def details(form: Mapping[str, str]) -> Details:
    """Return what a moderator said in the form beside ground and text."""
    kind = form.get("content_type", "")

    def said(name: str) -> str:
        return form.get(name, "").strip()

    return Details(
        category=said("category"),
        content_type=(kind,) if kind else (),
        content_date=said("content_date"),
        legal_ground=said("legal_ground"),
        explanation=said("explanation"),
    )


def of_actions(view: View, account: int, actions: Iterable[int]) -> dict[int, Lines]:
    """Return the statements of an account's actions for who is concerned, by the actions' ids."""
    found = {}
    for action in actions:
        statement = statements.of_action(view, account, action)
        if statement is not None:
            found[action] = lines(statement)
    return found


def lines(statement: Statement) -> Lines:
    """Return a statement in words for the person concerned, in the language of the request."""
    body = statement.body
    illegal = body.get("decision_ground") == ILLEGAL
    law = "illegal_content_legal_ground" if illegal else "incompatible_content_ground"
    why = "illegal_content_explanation" if illegal else "incompatible_content_explanation"
    told = [
        (_("What is restricted"), _restricted(body)),
        (
            _("The facts"),
            body.get("decision_facts")
            or _("The moderator wrote none down. Ask for them in your appeal."),
        ),
        (
            _("The law that was broken") if illegal else _("The rule that was broken"),
            body.get(law, ""),
        ),
        (_("Why that breaks it"), _unless_said(body.get(why, ""), body.get("decision_facts"))),
        (_("Read it here"), body.get("decision_ground_reference_url", "")),
        (_("How it came up"), _looked_up(_SOURCES, body.get("source_type"))),
        (_("Who decided"), _looked_up(_AUTOMATED, body.get("automated_decision"))),
        (
            _("What you can do"),
            _(
                "Appeal here: another moderator decides. You can also go to a certified body for "
                "the settlement of disputes, or to a court."
            ),
        ),
        (_("Reference"), statement.puid),
    ]
    return tuple((title, text) for title, text in told if text)


def _restricted(body: Mapping[str, Any]) -> str:
    given = [body.get("decision_account"), body.get("decision_provision")]
    given += body.get("decision_visibility", [])
    return " ".join(_looked_up(_RESTRICTED, one) for one in given if one)


def _looked_up(texts: Mapping[str, str], value: object) -> str:
    text = texts.get(str(value))
    return _(text) if text else ""


def _unless_said(text: str, before: object) -> str:
    return "" if text == before else text
