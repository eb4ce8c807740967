"""The ledger in words: each entry as a line that a person understands, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from rostra.domain.accounts import Account
from rostra.domain.decision_polls import DecisionState, Void
from rostra.domain.enforcement import Action, ActionKind, Strike, in_force, strikes
from rostra.domain.ledger import UNREADABLE, Entry, LedgerKind
from rostra.domain.times import ms_of
from rostra.language import formats
from rostra.language.i18n import gettext as _
from rostra.language.i18n import mark, ngettext
from rostra.language.said import said
from rostra.ports import View

TAKEN: Final = {
    "none": mark("Warned"),
    "sensitive": mark("Media marked as sensitive"),
    "disable": mark("Frozen"),
    "silence": mark("Limited"),
    "suspend": mark("Suspended"),
    "delete": mark("Deleted"),
}
LIFTED: Final = {
    "none": mark("Warning taken back"),
    "sensitive": mark("Media no longer marked as sensitive"),
    "disable": mark("No longer frozen"),
    "silence": mark("No longer limited"),
    "suspend": mark("Suspension lifted"),
}
REASONS: Final = {
    "overturned": mark("It should not have been; the strike is void."),
    "served": mark("The time is served; the strike stands."),
    "amnesty": mark("An act of grace; the strike stands, marked so."),
    "expired": mark("Its time was over; the strike stands."),
}
ENDED: Final = {
    "overturned": mark("overturned"),
    "served": mark("served"),
    "amnesty": mark("amnesty"),
    "expired": mark("expired"),
}
VOID: Final = {
    Void.DELETED: mark("The poll was deleted before it closed."),
    Void.EDITED: mark("The poll was edited before it closed."),
    Void.AUTHOR: mark("Who asked the poll was suspended or left before it closed."),
}
DELETED: Final = frozenset(
    {
        mark("deleted by its owner"),
        mark("deleted by a moderator"),
        mark("left by its owner"),
        mark("sign-up turned down"),
    }
)
"""The grounds of deletions: nobody is asked for one."""

ROLES: Final = {"user": mark("user"), "moderator": mark("moderator"), "owner": mark("owner")}
TITLES: Final = {
    LedgerKind.RUN_STARTED: mark("Reinstatement begun"),
    LedgerKind.RUN_STAGED: mark("Reinstatement prepared and checked"),
    LedgerKind.RUN_CUT_OVER: mark("Reinstatement made public"),
    LedgerKind.RUN_CONFIRMED: mark("Reinstatement confirmed from outside"),
    LedgerKind.RUN_ROLLED_BACK: mark("Reinstatement taken back"),
    LedgerKind.RUN_FAILED: mark("Reinstatement failed before anything was public"),
    LedgerKind.AMNESTY_PLANNED: mark("Amnesty planned"),
    LedgerKind.AMNESTY_APPROVED: mark("Amnesty approved"),
    LedgerKind.AMNESTY_REJECTED: mark("Amnesty rejected"),
    LedgerKind.AMNESTY_STARTED: mark("Amnesty begun"),
    LedgerKind.AMNESTY_WAVE: mark("Wave of an amnesty done"),
    LedgerKind.AMNESTY_PAUSED: mark("Amnesty paused"),
    LedgerKind.AMNESTY_RESUMED: mark("Amnesty resumed"),
    LedgerKind.AMNESTY_HALTED: mark("Amnesty halted by itself"),
    LedgerKind.AMNESTY_STOPPED: mark("Amnesty stopped"),
    LedgerKind.AMNESTY_FINISHED: mark("Amnesty done"),
    LedgerKind.AMNESTY_ROLLED_BACK: mark("Amnesty rolled back"),
    LedgerKind.APPEAL_MADE: mark("Appeal made"),
    LedgerKind.APPEAL_EDITED: mark("Appeal changed"),
    LedgerKind.APPEAL_ASSIGNED: mark("Appeal taken on"),
    LedgerKind.APPEAL_WITHDRAWN: mark("Appeal withdrawn"),
    LedgerKind.APPEAL_ACCEPTED: mark("Appeal accepted"),
    LedgerKind.APPEAL_REJECTED: mark("Appeal rejected"),
    LedgerKind.APPEAL_OVERDUE: mark("Appeal not answered in the time promised"),
    LedgerKind.APPEAL_MOOT: mark("Appeal settled: what it was about has ended"),
    LedgerKind.APPEAL_ALLOWED: mark("Another appeal allowed"),
    LedgerKind.APPEAL_PLANNED: mark("Reinstatement planned after an appeal"),
    LedgerKind.LABEL_GIVEN: mark("Label given"),
    LedgerKind.LABEL_TAKEN: mark("Label taken away"),
    LedgerKind.ROLE_CHANGED: mark("Role changed"),
    LedgerKind.POLL_BOUND: mark("Decision left to a poll"),
    LedgerKind.POLL_DECIDED: mark("Poll decided"),
    LedgerKind.POLL_VOID: mark("Poll void"),
    LedgerKind.POLL_UNBOUND: mark("Decision taken back from a poll"),
    LedgerKind.REMARK: mark("Remark"),
}
"""The titles of all kinds but actions and liftings, whose titles say what was done."""

_GOOD: Final = frozenset(
    {
        LedgerKind.LIFTING,
        LedgerKind.RUN_CONFIRMED,
        LedgerKind.APPEAL_ACCEPTED,
        LedgerKind.AMNESTY_FINISHED,
    }
)
_BAD: Final = frozenset(
    {
        UNREADABLE,
        LedgerKind.ACTION,
        LedgerKind.RUN_FAILED,
        LedgerKind.RUN_ROLLED_BACK,
        LedgerKind.AMNESTY_HALTED,
        LedgerKind.AMNESTY_ROLLED_BACK,
        LedgerKind.APPEAL_OVERDUE,
    }
)


class Chip(Struct, frozen=True):
    """A word beside a title; ``tone`` is ``good``, ``bad`` or empty."""

    tone: str
    text: str


class Line(Struct, frozen=True, kw_only=True):
    """One entry for the eye: what happened, what was said, and by whom (a handle, or who else).

    ``links`` are (text, address) of what it is part of.
    """

    number: int
    at: int
    tone: str
    title: str
    chips: tuple[Chip, ...] = ()
    said: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    by: str
    about: Account | None = None


class Standing(Struct, frozen=True):
    """What is true of an account's actions now, by their ids."""

    known: Mapping[str, Action]
    holding: frozenset[str]
    ended: Mapping[str, str]
    strikes: Mapping[str, Strike]


def standing(view: View, account: int) -> Standing:
    """Return what is true of an account's actions now."""
    actions, liftings = view.enforcement.of_account(account)
    return Standing(
        known={str(action.id): action for action in actions},
        holding=frozenset(str(one.id) for one in in_force(actions, liftings, view.now)),
        ended={str(lifting.action): str(lifting.reason) for lifting in liftings},
        strikes={str(strike.action.id): strike for strike in strikes(actions, liftings)},
    )


def lines(view: View, entries: Iterable[Entry]) -> list[Line]:
    """Return entries in words, in the language of the request."""
    entries = list(entries)
    named = {one for entry in entries for one in (entry.account, entry.moderator)}
    accounts = view.accounts.many(one for one in named if one is not None)
    now: dict[int, Standing] = {}
    found = []
    for entry in entries:
        account = entry.account
        if account is not None and account not in now:
            now[account] = standing(view, account)
        found.append(_line(view, entry, accounts, now[account] if account is not None else None))
    return found


def _line(view: View, entry: Entry, accounts: Mapping[int, Account], now: Standing | None) -> Line:
    about = entry.about
    return Line(
        number=entry.number,
        at=_when(entry),
        tone="good" if entry.kind in _GOOD else "bad" if entry.kind in _BAD else "",
        title=title(entry),
        chips=tuple(_chips(entry, now, view.now)) if now is not None else (),
        said=tuple(_said(entry)),
        noted=tuple(_noted(entry)),
        links=tuple(_links(about)),
        by=_by(entry, accounts),
        about=accounts.get(entry.account) if entry.account is not None else None,
    )


def _when(entry: Entry) -> int:
    """Return when (ms) that happened which an entry tells of, which may have been before it."""
    for name in ("lifted_at", "taken_at"):
        try:
            return ms_of(entry.about[name])
        except (KeyError, TypeError, ValueError):
            continue
    return entry.at


def title(entry: Entry) -> str:
    """Return in a few words what an entry tells of."""
    if entry.kind == UNREADABLE:
        return _("This entry is damaged; run rostra doctor")
    if entry.kind == LedgerKind.ACTION:
        return _(TAKEN.get(str(entry.about.get("type")), entry.kind))
    if entry.kind == LedgerKind.LIFTING:
        lifted = entry.about.get("lifted")
        kind = lifted.get("type") if isinstance(lifted, dict) else None
        return _(LIFTED.get(str(kind), entry.kind))
    try:
        return _(TITLES[LedgerKind(entry.kind)])
    except (KeyError, ValueError):
        return entry.kind.replace("_", " ")


def _chips(entry: Entry, now: Standing, at: int) -> Iterator[Chip]:
    if entry.kind != LedgerKind.ACTION:
        return
    action_id = str(entry.about.get("action"))
    action = now.known.get(action_id)
    if action is None:
        return
    if action_id in now.holding:
        if action.kind != ActionKind.NONE:  # a warning is said, and that is all
            yield Chip("bad", _("in force"))
    elif action_id in now.ended:
        yield Chip("good", _(ENDED.get(now.ended[action_id], now.ended[action_id])))
    elif action.starts_at > at:
        yield Chip("", _("to begin"))
    else:
        yield Chip("", _("over"))
    if action.restores is None and action.kind != ActionKind.DELETE:
        strike = now.strikes.get(action_id)
        if strike is None:
            yield Chip("", _("no strike"))
        else:
            yield Chip("", _("strike, grace shown") if strike.flagged else _("strike"))


def _said(entry: Entry) -> Iterator[str]:
    """Yield what people wrote, and what the server said of its own work."""
    for name in ("ground", "text", "reply", "said", "note", "why"):
        text = entry.about.get(name)
        if isinstance(text, str) and text.strip():
            yield _in_words(entry, name, text)


def _in_words(entry: Entry, name: str, text: str) -> str:
    kind = entry.kind
    if entry.about.get("type") == ActionKind.DELETE.label and name == "ground":
        return _(text) if text in DELETED else text
    if kind == LedgerKind.ROLE_CHANGED:
        return " → ".join(_(ROLES.get(role, role)) for role in text.split(" → "))
    ours = name == {"run": "said", "amnesty": "text"}.get(kind.partition("_")[0])
    return said(text) if ours else text


def _noted(entry: Entry) -> Iterator[str]:
    """Yield the facts beside what people wrote."""
    about = entry.about
    reason = about.get("reason")
    if entry.kind == LedgerKind.LIFTING and reason in REASONS:
        yield _(REASONS[reason])
    if about.get("restores") is not None:
        yield _("Taken again, since a reinstatement was rolled back; it adds no strike.")
    if isinstance(about.get("until"), str):
        yield _("Until %(time)s") % {"time": formats.full_time(ms_of(about["until"]))}
    yield from _poll(entry.kind, about)
    yield from _evidence(about.get("evidence"))
    yield from _figures(about.get("figures"))
    if about.get("brought_over"):
        yield _("From before there was a ledger")
    if about.get("added_by_repair"):
        yield _("Added later by a repair: the ledger did not tell of it")


def _links(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what an entry is part of, with where that is shown."""
    for name, text, place in (
        ("run", _("Reinstatement %(id)s"), "/admin/reinstatements/"),
        ("amnesty", _("Amnesty %(id)s"), "/admin/amnesties/"),
        ("appeal", _("Appeal %(id)s"), "/admin/appeals/"),
        ("decision", _("Poll that decides, %(id)s"), "/admin/decisions/"),
    ):
        number = str(about.get(name, ""))
        if number.isdecimal():
            yield text % {"id": number}, place + number


def _poll(kind: str, about: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a poll was asked for, what it came to, or why it decides nothing."""
    options, yes = about.get("options"), about.get("yes")
    if kind == LedgerKind.POLL_BOUND and isinstance(options, list) and isinstance(yes, int):
        yield ngettext(
            "It takes %(share)s of the votes for “%(option)s”, and at least %(quorum)s vote.",
            "It takes %(share)s of the votes for “%(option)s”, and at least %(quorum)s votes.",
            int(about["quorum"]),
        ) % {
            "share": formats.exact_share(int(about["share"])),
            "option": options[yes],
            "quorum": formats.exact(int(about["quorum"])),
        }
        yield _("Closes on %(time)s") % {"time": formats.full_time(ms_of(about["closes_at"]))}
    result = about.get("result")
    if kind == LedgerKind.POLL_DECIDED and isinstance(result, dict):
        reached = about.get("outcome") == DecisionState.REACHED
        yield _("It decided for it.") if reached else _("It did not decide for it.")
        yield ngettext(
            "%(yes)s of %(votes)s vote for it (%(share)s)",
            "%(yes)s of %(votes)s votes for it (%(share)s)",
            result["votes"],
        ) % {
            "yes": formats.exact(result["yes"]),
            "votes": formats.exact(result["votes"]),
            "share": formats.exact_share(result["share"]),
        }
    if kind == LedgerKind.POLL_VOID and about.get("void") in set(Void):
        yield _(VOID[Void(about["void"])])


def _evidence(evidence: object) -> Iterator[str]:
    if isinstance(evidence, dict):
        count = len(evidence.get("statuses") or ())
        text = ngettext(
            "Answers report %(id)s; %(num)s post is kept as evidence",
            "Answers report %(id)s; %(num)s posts are kept as evidence",
            count,
        )
        yield text % {"id": evidence.get("report"), "num": formats.exact(count)}


def _figures(figures: object) -> Iterator[str]:
    if isinstance(figures, dict) and isinstance(figures.get("followers"), int):
        followers, statuses = figures["followers"], int(figures.get("statuses") or 0)
        yield _("At the time: %(followers)s, %(statuses)s") % {
            "followers": ngettext("%(num)s follower", "%(num)s followers", followers)
            % {"num": formats.exact(followers)},
            "statuses": ngettext("%(num)s post", "%(num)s posts", statuses)
            % {"num": formats.exact(statuses)},
        }


def _by(entry: Entry, accounts: Mapping[int, Account]) -> str:
    if entry.moderator is not None:
        found = accounts.get(entry.moderator)
        return f"@{found.username}" if found is not None else f"#{entry.moderator}"
    personal = (
        LedgerKind.APPEAL_MADE,
        LedgerKind.APPEAL_EDITED,
        LedgerKind.APPEAL_WITHDRAWN,
    )
    return _("the person concerned") if entry.kind in personal else _("the server")
