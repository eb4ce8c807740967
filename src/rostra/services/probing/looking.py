"""Probes: looking at an account that is to come back, and at one that did, as visitors do.

``stage`` looks before anything changes in public, ``confirm`` afterwards. Both hold what is found
to a fresh reading of the disk, never to what this process has in memory.
"""

from __future__ import annotations

import time
from typing import Final, TypeVar

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.errors import NotFound, StoreCorrupt
from rostra.domain.probes import Probe, Staged
from rostra.domain.visibility import ACCOUNT_KINDS
from rostra.domain.words import how_many
from rostra.ports import Context, Flaw, Mirrored, Snapshot
from rostra.services.probing import explaining, lending, questioning, sampling
from rostra.services.probing.asking import Asking, Question, Tell
from rostra.services.probing.readying import hidden, make_ready, previewed, uneven
from rostra.services.probing.sampling import Sampled
from rostra.services.probing.tying import NAME, follow_and_undo

T = TypeVar("T")

__all__ = ["Tell", "confirm", "stage", "unready"]

STAGE_MIRRORS_S: Final = 10.0
"""How long staging looks for the other sides of edges, unless all of them are to be looked at."""

CONFIRM_MIRRORS_S: Final = 0.25
"""How long the same is done again once the account is back."""

QUICKLY_RECOUNTED: Final = 200_000
"""Of so many members in all an account's sets are recounted whole once it is back."""

REPAIR: Final = "stop the server, run rostra doctor --repair, and begin again"


async def stage(
    ctx: Context,
    *,
    account: int,
    tell: Tell,
    everything: bool = False,
    seconds: float = STAGE_MIRRORS_S,
) -> Staged:
    """Check all that is stored of an account that is to come back; nothing public changes.

    Args:
        ctx: the ports.
        account: the account, suspended or not.
        tell: is told of each probe as it is done.
        everything: look at the other side of every edge, however long that takes.
        seconds: how long to look for other sides otherwise.

    Raises:
        NotFound: there is no such account.
    """
    began = time.perf_counter()
    service = await lending.service_account(ctx)
    async with ctx.store.audit(gently=True) as audit, ctx.visitors.meet() as party:
        found = await audit.read(lambda snap: _require(snap, account))
        asking = Asking(audit, party, tell)
        await _all_met(asking)
        await _able(asking, service)
        readable = await _sets(asking, account)
        if asking.passed:
            await asking.everywhere(hidden(found))
            await make_ready(asking, found, f"/@{service.username}")
        share = await _mirrors(asking, account, None if everything else seconds)
        followers, stored, following = (
            await audit.read(lambda snap: _to_be_seen(snap, account)) if readable else (0, 0, 0)
        )
    return Staged(
        passed=asking.passed,
        followers=followers,
        stored=stored,
        following=following,
        checked=share,
        missed=1 - share,
        took_ms=(time.perf_counter() - began) * 1e3,
    )


async def unready(ctx: Context) -> str:
    """Return why no account could be confirmed now, whichever it is; empty: nothing is known."""
    service = await lending.service_account(ctx)
    with ctx.store.read() as snap:
        return "" if lending.is_able(snap, service) else lending.not_able(service)


async def confirm(
    ctx: Context,
    *,
    account: int,
    plan_followers: int | None,
    sample: int,
    tell: Tell,
    planned_seq: int | None = None,
) -> bool:
    """Ask every worker, as visitors do, whether an account that came back is right everywhere.

    Args:
        ctx: the ports.
        account: the account, which is active.
        plan_followers: how many followers it was planned to have; None when there is no plan.
        sample: how many of its followers, and of those who are none, to ask for.
        tell: is told of each probe as it is done.
        planned_seq: where in the change feed that was planned; None when that is not known.

    Returns:
        Whether every probe was right. Those after the first that was not are not asked any more.

    Raises:
        NotFound: there is no such account.
    """
    async with ctx.store.audit() as audit, ctx.visitors.meet() as party:
        asking = Asking(audit, party, tell)
        try:
            await _confirm(ctx, asking, account, (plan_followers, planned_seq), sample)
        except StoreCorrupt as error:
            await asking.note(Probe("sets", "", False, f"{error}. To mend it: {REPAIR}", 0))
    return asking.passed


async def _confirm(
    ctx: Context, asking: Asking, account: int, plan: tuple[int | None, int | None], count: int
) -> None:
    plan_followers, planned_seq = plan
    service = await lending.service_account(ctx)
    found = await asking.audit.read(lambda snap: _require(snap, account))
    await _all_met(asking)
    people = await asking.audit.read(
        lambda snap: sampling.sample(snap, account, count=count, random=ctx.random)
    )
    for question in questioning.questions(found):
        await _ask(asking, question)
    if asking.passed and plan_followers is not None:
        await explaining.as_planned(asking, account, plan_followers, planned_seq)
    await _ask(asking, questioning.media(found, await _files(ctx, asking, found)))
    async with lending.lent(ctx, people.everybody, service=service.ordinal) as tokens:
        await _as_people(asking, found, people, tokens)
        if asking.passed:
            await _follow(asking, found, service, tokens)
    await _ask(asking, previewed(found))
    if asking.passed:
        await _sets_still(asking, account)
        await _mirrors(asking, account, CONFIRM_MIRRORS_S)


async def _ask(asking: Asking, question: Question[T]) -> None:
    """Ask something, unless something was wrong before."""
    if asking.passed:
        await asking.everywhere(question)


async def _files(ctx: Context, asking: Asking, account: Account) -> list[str]:
    """Return where the account's files are, as far as they are on the disk."""
    found = []
    for key, name in await asking.audit.read(lambda snap: questioning.files_of(snap, account)):
        file = await ctx.files.open(key, name)
        if file is not None:
            file.close()
            found.append(questioning.path_of(key, name))
    return found


async def _as_people(
    asking: Asking, account: Account, people: Sampled, tokens: dict[int, str]
) -> None:
    """Ask as sampled followers, and as some who do not follow."""
    asked = (("relationships", people.followers), ("strangers", people.strangers))
    for name, who in asked:
        if who:
            await _ask(asking, sampling.relationships(account, who, tokens, name=name))
    if people.followers:
        await _ask(asking, sampling.following_counts(people.followers))
        await _ask(asking, sampling.homes(account, people.followers, tokens))


async def _follow(
    asking: Asking, account: Account, service: Account, tokens: dict[int, str]
) -> None:
    """Follow and unfollow with the server's own account."""
    token = tokens.get(service.ordinal)
    if token is not None:
        await follow_and_undo(asking, account, service.ordinal, token)
        return
    await asking.note(Probe(NAME, "", False, lending.not_able(service), 0))


async def _able(asking: Asking, service: Account) -> None:
    """Tell when the server's own account may not act, which it has to once the other is back."""
    if not await asking.audit.read(lambda snap: lending.is_able(snap, service)):
        await asking.note(Probe(NAME, "", False, lending.not_able(service), 0))


def _require(snap: Snapshot, account: int) -> Account:
    """Return the account.

    Raises:
        NotFound: there is none.
    """
    found = snap.accounts.get(account)
    if found is None:
        raise NotFound
    return found


def _to_be_seen(snap: Snapshot, account: int) -> tuple[int, int, int]:
    """Return the followers an account will be seen to have, those stored, and whom it follows."""
    followers = SetKey(account, SetKind.FOLLOWERS)
    return (
        snap.gate.size_active(followers),
        snap.gate.true_count(followers),
        snap.gate.size_active(SetKey(account, SetKind.FOLLOWING)),
    )


async def _all_met(asking: Asking) -> None:
    for worker in asking.party.visitors:
        await asking.note(Probe("workers", worker, True, "answers", 0))
    for worker in asking.party.missing:
        said = "was not reached: see rostra serve's log for why it does not answer"
        await asking.note(Probe("workers", worker, False, said, 0))


async def _sets(asking: Asking, account: int) -> bool:
    """Recount all sets of an account; return whether they are as they should be."""
    began = time.perf_counter()
    flaws = await asking.audit.sets(account)
    said = _flawed(flaws) if flaws else "journal, chunks and segments agree"
    took = (time.perf_counter() - began) * 1e3
    await asking.note(Probe("sets", "", not flaws, said, took))
    return not flaws


async def _sets_still(asking: Asking, account: int) -> None:
    """Recount the sets once more: whole ones where that is quick, else by their numbers."""
    stored = await asking.audit.read(
        lambda snap: sum(snap.sets.size(SetKey(account, kind)) for kind in ACCOUNT_KINDS)
    )
    if stored <= QUICKLY_RECOUNTED:
        await _sets(asking, account)
        return
    began = time.perf_counter()
    flaws = [
        Flaw(where, "its chunks have not as many members as it says")
        for where in await asking.audit.read(lambda snap: uneven(snap, account))
    ]
    said = _flawed(flaws) if flaws else f"{how_many(stored, 'member')}, as many as its sets say"
    took = (time.perf_counter() - began) * 1e3
    await asking.note(Probe("sets", "", not flaws, said, took))


async def _mirrors(asking: Asking, account: int, seconds: float | None) -> float:
    """Look for the other sides of edges; return the share of them that was looked at."""
    began = time.perf_counter()
    found = await asking.audit.mirrors(account, seconds=seconds)
    if found.flaws:
        said = _flawed(found.flaws)
    else:
        said = f"{_share(found)}, and {found.scanned:.1%} of all accounts have no other edge to it"
    took = (time.perf_counter() - began) * 1e3
    await asking.note(Probe("mirrors", "", not found.flaws, said, took))
    return found.share


def _share(found: Mirrored) -> str:
    if found.share == 1:
        if not found.edges:
            return "it has no edges"
        if found.edges == 1:
            return "its one edge is stored on both sides"
        return f"all {found.edges:,} edges are stored on both sides"
    return (
        f"{found.checked:,} of {found.edges:,} edges ({found.share:.1%}) are stored on both sides; "
        f"a single one that is not was missed with a chance of {1 - found.share:.1%}"
    )


def _flawed(flaws: list[Flaw] | tuple[Flaw, ...]) -> str:
    named = "; ".join(f"{flaw.where}: {flaw.what}" for flaw in flaws[:3])
    more = f" and {len(flaws) - 3} more" if len(flaws) > 3 else ""
    return f"{named}{more}. To mend it: {REPAIR}"
