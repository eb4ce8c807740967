"""A follow of the account that came back, and its undoing, by the server's own account."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import RostraError
from rostra.domain.events import AnyEvent, SetChanged
from rostra.domain.packing import ADD, REMOVE, unpack_changes
from rostra.domain.probes import Probe
from rostra.ports import Snapshot, Visit, Visitor
from rostra.services.probing.asking import Asking, Question, Verdict, Window, right, wrong

ROUNDS: Final = 2
NAME: Final = "follow"

_KINDS: Final = (SetKind.FOLLOWERS, SetKind.FOLLOW_REQUESTS)


class Tie(Struct, frozen=True):
    """What the server's own account is to the one that came back."""

    tied: bool
    barred: bool
    gone: bool


async def follow_and_undo(asking: Asking, account: Account, service: int, token: str) -> None:
    """Follow and unfollow through each worker in turn; look in every one after each.

    Args:
        asking: asks the workers.
        account: the account that came back; a locked one is asked instead.
        service: the server's own account.
        token: what it asks with.
    """
    visitors = list(asking.party.visitors.values())
    tie = await asking.audit.read(lambda snap: _tie(snap, account.ordinal, service))
    if tie.barred:
        said = "not tried: a block stands between it and the server's own account"
        await asking.note(Probe(NAME, "", True, said, 0))
        return
    for step in range(ROUNDS):
        for act, offset in (("follow", 0), ("unfollow", 1)):
            through = visitors[(step + offset) % len(visitors)]
            await _act(asking, account, service, token, act, through)
            if asking.passed:
                await asking.everywhere(_related(account, service, token, act))
            if asking.failed:
                return


def _tie(snap: Snapshot, account: int, service: int) -> Tie:
    return Tie(
        tied=any(snap.sets.contains(SetKey(account, kind), service) for kind in _KINDS),
        barred=snap.gate.blocks(account, service) or snap.gate.blocks(service, account),
        gone=not (snap.gate.active(account) and snap.gate.active(service)),
    )


async def _act(
    asking: Asking, account: Account, service: int, token: str, act: str, through: Visitor
) -> None:
    """Follow or unfollow, and see that it was written down."""
    began = time.perf_counter()
    first, before = await asking.audit.read(
        lambda snap: (snap.seq, _tie(snap, account.ordinal, service))
    )
    path = f"/api/v1/accounts/{account.id}/{act}"
    try:
        answer = await through.ask(path, method="POST", token=token)
        after = await asking.audit.read(lambda snap: _tie(snap, account.ordinal, service))
        commits = await asking.audit.since(first)
        verdict = _done(act, answer, before, after, _written(commits, account.ordinal, service))
    except RostraError as error:
        verdict = wrong(error.message)
    took = (time.perf_counter() - began) * 1e3
    await asking.note(Probe(NAME, through.worker, verdict.right, verdict.said, took))


def _done(act: str, answer: Visit, before: Tie, after: Tie, written: set[int] | None) -> Verdict:
    if before.barred or after.barred:
        return right("not tried: a block stands between it and the server's own account")
    if answer.status != 200:
        return wrong(f"{act} is answered with {answer.status}")
    wanted, op = (True, ADD) if act == "follow" else (False, REMOVE)
    if after.tied == wanted or (written is None or op in written):
        return right(f"{act} is answered and stored")
    return wrong(f"{act} is answered with 200, but nothing of it is stored")


def _written(
    commits: Iterable[Sequence[AnyEvent]] | None, account: int, service: int
) -> set[int] | None:
    """Return what commits did with the tie of the server's own account; None when not known."""
    if commits is None:
        return None
    return {
        change.op
        for events in commits
        for event in events
        if isinstance(event, SetChanged) and event.owner == account and event.kind in _KINDS
        for change in unpack_changes(event.entries)
        if change.member == service
    }


def _related(account: Account, service: int, token: str, act: str) -> Question[Tie]:
    path, params = "/api/v1/accounts/relationships", {"id[]": str(account.id)}

    def judge(window: Window[Tie], answer: Visit) -> Verdict:
        data = answer.json()
        if answer.status != 200 or not isinstance(data, list):
            return wrong(f"answered {answer.status} where a relationship should be")
        if not data:
            if window.before.gone or window.after.gone:
                return right("the account went away meanwhile")
            return wrong("leaves the account out of the relationships, as one that is suspended")
        tied = bool(data[0].get("following") or data[0].get("requested"))
        moved = any(service in window.toggled(SetKey(account.ordinal, kind)) for kind in _KINDS)
        if not moved and tied not in (window.before.tied, window.after.tied):
            return wrong(f"after the {act} it says {tied}, stored is {window.after.tied}")
        return right(f"after the {act} it says so")

    return Question(
        name=NAME,
        truth=lambda snap: _tie(snap, account.ordinal, service),
        ask=lambda one, _: one.ask(path, token=token, params=params),
        judge=judge,
    )
