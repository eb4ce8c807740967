"""What the parameters beyond Mastodon's API mean, by subject and name or by name alone."""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Told(NamedTuple):
    """What a parameter means, and an example of it."""

    about: str
    example: Any


_ID: Final = "115816896926187520"
_HASH: Final = "3f9c2a71" * 8

PARAMETERS: Final[dict[str, Told]] = {
    "accept": Told("Go by what is so now, whatever changed since the plan was made.", False),
    "account_id": Told("The id of an account, hidden or not.", _ID),
    "accounts": Told("Ids of accounts, instead of `where`.", [_ID]),
    "action_id": Told("The id of the decision about you.", _ID),
    "after": Told("Only those with a number above this.", 0),
    "amnesty_id": Told("The id of an amnesty.", _ID),
    "amnesties format": Told("What the report is written as: json, csv or html.", "json"),
    "amnesties ground": Told("Why there is an amnesty, for the record.", "Ten years of the server"),
    "amnesties hash": Told("The hash of the manifest that was read.", _HASH),
    "amnesties name": Told("The name of the amnesty.", "Ten years"),
    "amnesties reason": Told("Why actions are lifted: overturned, served or amnesty.", "amnesty"),
    "amnesties state": Told("Only those in this state.", "planned"),
    "amnesties type": Told(
        "Which actions are lifted: suspend, silence, disable or sensitive.", "suspend"
    ),
    "amnesties why": Told("Why it is turned down, for who planned it.", "Too many at once."),
    "appeals state": Told("open, overdue, decided or all.", "open"),
    "except": Told("A selector of those to leave out.", "followers > 1000000"),
    "failures": Told("So many accounts may fail before the waves halt.", 0),
    "followers": Told("How many followers come back.", 250_000),
    "format": Told("What the report is written as: json or html.", "json"),
    "ground": Told("The decision in words, for the record.", "The report was about another."),
    "include": Told("Exclusions that are not to leave anybody out.", ["second_strike"]),
    "lag_s": Told("So many seconds a job may be overdue before the waves halt.", 30),
    "limit": Told("How many at most.", 40),
    "limits": Told("When the waves halt by themselves, and how long they rest.", {"pause_s": 60}),
    "max_id": Told("Only what is older than this id.", _ID),
    "min_id": Told("The page right after this id.", _ID),
    "name": Told("The name of the label.", "legal-hold"),
    "only": Told("Ids of the suspensions to lift; all in force when none is named.", [_ID]),
    "outcome": Told("Only those with this outcome.", "failed"),
    "past_probes": Told("Take the present wave as it is, without looking at it again.", False),
    "pause_s": Told("Seconds between two waves.", 60),
    "plan": Told("At least eight digits of the hash of the plan.", "3f9c2a71"),
    "poll_id": Told("The id of the poll, which is open and by a moderator.", _ID),
    "quorum": Told("So many votes there must be.", 100),
    "reason": Told("Why the account is reinstated: overturned, served or amnesty.", "overturned"),
    "reply": Told("What the person is told.", "You are right; we are sorry."),
    "reports": Told("So many new reports a minute may come in before the waves halt.", 60),
    "require_headroom": Told("Refuse when this server cannot bear the returning audience.", True),
    "sample": Told("How many followers, and how many others, are asked.", 50),
    "share": Told("The share of the votes it takes, in percent.", "66.67"),
    "since_id": Told("Only what is newer than this id.", _ID),
    "text": Told("What is said against the decision.", "It was a quotation."),
    "wave": Told("Only those of this wave.", 1),
    "waves": Told("How many accounts each wave brings back: numbers and shares.", ["10", "1%"]),
    "where": Told("A selector of accounts.", "ground = spam and followers < 1000"),
    "yes": Told("The number of the option that is for it, from 0.", 0),
    "why": Told("Why, for the record.", "It was too early."),
}


CURSORS: Final = frozenset({"limit", "max_id", "min_id", "since_id"})
NOTHING: Final = Told("", None)


def told(subject: str, name: str) -> Told | None:
    """Return what a parameter of a subject means."""
    return PARAMETERS.get(f"{subject} {name}") or PARAMETERS.get(name)
