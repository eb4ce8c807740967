"""Statuses: posting, deleting, liking, boosting, and reading them with what stands around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.account_set import Entry, SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.domain.ids import snowflake, snowflake_ms
from rostra.domain.notifications import NotificationType
from rostra.domain.statuses import Status, Visibility
from rostra.domain.text import normal_tag
from rostra.ports import Context, Snapshot, Transaction
from rostra.services import notifications, paging, polls, text
from rostra.services.polls import PollDraft

IDEMPOTENT_MS: Final = 3_600_000
BELLS_AT_ONCE: Final = 100
PURGED_AT_ONCE: Final = 500

# How much of a thread is shown, to somebody signed in and to anybody (as Mastodon does).
MAX_ANCESTORS: Final = (4096, 40)
MAX_DESCENDANTS: Final = (4096, 60)

LANGUAGE_CHARACTERS: Final = 35


class Draft(Struct, frozen=True, kw_only=True):
    """A status as asked for; None means the author's default.

    ``application`` is the id of the OAuth client, ``created_at`` ms since 1970 for statuses of the
    past.
    """

    text: str
    visibility: Visibility | None = None
    sensitive: bool | None = None
    spoiler_text: str = ""
    language: str | None = None
    in_reply_to_id: int | None = None
    poll: PollDraft | None = None
    idempotency_key: str | None = None
    application: int | None = None
    created_at: int | None = None


# -- writing ---------------------------------------------------------------------------------------


async def post(ctx: Context, *, actor: int, draft: Draft) -> int:
    """Post a status and notify those it concerns; return its id.

    A repeated idempotency key returns the id of the status it made within the last hour.

    Raises:
        Invalid: the text or poll breaks a rule, in Mastodon's words.
        NotFound: the actor may not see the status replied to, or there is none.
        Forbidden: the actor may not act.
    """
    body, spoiler = draft.text.strip(), draft.spoiler_text.strip()
    if not body and spoiler:
        body, spoiler = spoiler, ""
    if not body:
        raise Invalid("Validation failed: Text can't be blank")
    limit = ctx.settings.max_characters
    parsed = text.parse(body, domain=ctx.settings.domain, spoiler_text=spoiler)
    if parsed.length > limit:
        raise Invalid(f"Validation failed: Text character limit of {limit} exceeded")
    if draft.language is not None and len(draft.language) > LANGUAGE_CHARACTERS:
        raise Invalid("Validation failed: Language is not a code such as en or pt-BR")

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        if draft.idempotency_key:
            before = tx.statuses.idempotent(actor, draft.idempotency_key)
            if before is not None and tx.now - snowflake_ms(before) < IDEMPOTENT_MS:
                return before
        accounts = text.mentioned(tx, parsed)
        content = text.render(parsed, accounts, ctx.settings)
        status = _make(tx, actor, draft, parsed, spoiler, content, accounts)
        tx.statuses.create(status)
        if draft.idempotency_key:
            tx.statuses.remember_idempotency(actor, draft.idempotency_key, status.id)
        _notify(tx, status)
        if status.poll is not None and status.poll.expires_at is not None:
            tx.jobs.enqueue("close_poll", {"poll": status.id}, status.poll.expires_at)
        return status.id

    return await ctx.store.write(change)


def _make(
    tx: Transaction,
    actor: int,
    draft: Draft,
    parsed: text.Parsed,
    spoiler: str,
    content: str,
    accounts: Mapping[str, Account],
) -> Status:
    author = tx.accounts.get(actor)
    if author is None:
        raise NotFound
    parent = None
    if draft.in_reply_to_id is not None:
        parent = original(tx, tx.statuses.get(draft.in_reply_to_id))
        parent = tx.gate.require_status(actor, parent)
    created_at = tx.now if draft.created_at is None else draft.created_at
    sensitive = author.default_sensitive if draft.sensitive is None else draft.sensitive
    return Status(
        id=_new_id(tx, draft.created_at, actor),
        author=actor,
        created_at=created_at,
        visibility=_visibility(tx, author, draft.visibility, parent),
        text=parsed.text,
        content=content,
        spoiler_text=spoiler,
        sensitive=sensitive or bool(spoiler),
        language=draft.language or author.default_language,
        in_reply_to=None if parent is None else parent.id,
        in_reply_to_author=None if parent is None else parent.author,
        mentions=tuple(sorted(account.ordinal for account in accounts.values())),
        tags=parsed.tags,
        poll=None if draft.poll is None else polls.make(draft.poll, created_at),
        application=draft.application,
    )


def _visibility(
    tx: Transaction, author: Account, asked: Visibility | None, parent: Status | None
) -> Visibility:
    chosen = Visibility[author.default_visibility.upper()] if asked is None else asked
    if asked is None and parent is not None:
        chosen = max(chosen, parent.visibility)  # an answer is not wider than what it answers
    if chosen == Visibility.PUBLIC and tx.gate.state(author.ordinal).limited:
        return Visibility.UNLISTED
    return chosen


def _new_id(tx: Transaction, created_at: int | None, actor: int) -> int:
    if created_at is None:
        return tx.next_id()
    id_ = snowflake(created_at, actor & 0xFFFF)
    while tx.statuses.get(id_) is not None:
        id_ += 1
    return id_


def _notify(tx: Transaction, status: Status) -> None:
    for account in status.mentions:
        blocked = tx.gate.blocks(account, status.author) or tx.gate.blocks(status.author, account)
        if account != status.author and not blocked:
            notifications.store(
                tx,
                account=account,
                type_=NotificationType.MENTION,
                source=status.author,
                status=status.id,
                created_at=status.created_at,
            )
    answers_other = status.in_reply_to_author not in (None, status.author)
    if status.visibility != Visibility.DIRECT and not answers_other:
        _ring(tx, status, above=-1)


async def ring_bells(ctx: Context, *, status: int, after: int) -> None:
    """Tell some of those who asked to be told of each status of its author; a job, for the many."""

    def change(tx: Transaction) -> None:
        found = tx.statuses.get(status)
        if found is not None:
            _ring(tx, found, above=after)

    await ctx.store.write(change)


def _ring(tx: Transaction, status: Status, *, above: int) -> None:
    listeners = tx.accounts.bells(status.author, above=above, limit=BELLS_AT_ONCE)
    for account in listeners:
        if (
            account not in status.mentions  # told already
            and tx.gate.follows(account, status.author)
            and tx.gate.may_see_status(account, status)
        ):
            notifications.store(
                tx,
                account=account,
                type_=NotificationType.STATUS,
                source=status.author,
                status=status.id,
                created_at=status.created_at,
            )
    if len(listeners) == BELLS_AT_ONCE:
        tx.jobs.enqueue("ring_bells", {"status": status.id, "after": listeners[-1]}, tx.now)


async def delete(ctx: Context, *, actor: int, status_id: int) -> Status:
    """Delete a status of one's own, or any as a moderator; return it as it was.

    Boosts, likes and votes of it are hidden at once and removed by a job.

    Raises:
        NotFound: there is none, or it is somebody else's.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> Status:
        tx.gate.require_may_act(actor)
        status = tx.statuses.get(status_id)
        account = tx.accounts.get(actor)
        moderator = account is not None and account.role >= Role.MODERATOR
        if status is None:
            raise NotFound
        if status.author != actor and not moderator:
            raise NotFound  # as Mastodon, which looks among the actor's own only
        _remove(tx, status)
        return status

    return await ctx.store.write(change)


def _remove(tx: Transaction, status: Status) -> None:
    tx.statuses.delete(status)
    if status.reblog_of is not None:
        tx.sets.remove(SetKey(status.reblog_of, SetKind.BOOSTS), status.author)
        return
    options = len(status.poll.options) if status.poll else 0
    tx.jobs.enqueue("purge_status", {"status": status.id, "options": options}, tx.now)


async def purge_status(
    ctx: Context, *, status: int, options: int, limit: int = PURGED_AT_ONCE
) -> int:
    """Remove boosts, likes, bookmarks and votes of a deleted status, some at a time.

    Args:
        ctx: the ports.
        status: the deleted status.
        options: how many options its poll had.
        limit: how many members of each set to remove at most.

    Returns:
        How many members were removed; 0 when nothing is left.
    """
    kinds = [SetKind.BOOSTS, SetKind.LIKES, SetKind.BOOKMARKS]
    kinds_of_votes = [SetKind.VOTES + option for option in range(options)]

    def change(tx: Transaction) -> int:
        if tx.statuses.get(status) is not None:
            return 0
        removed = 0
        for kind in [*kinds, *kinds_of_votes]:
            key = SetKey(status, kind)
            members = [entry.member for entry in tx.sets.newest(key, limit=limit)]
            if kind == SetKind.BOOSTS:
                for member in members:
                    boost = tx.statuses.boost_by(member, status)
                    if boost is not None:
                        tx.statuses.delete(boost)
            removed += tx.sets.remove_many(key, members) if members else 0
        return removed

    return await ctx.store.write(change)


async def favourite(ctx: Context, *, actor: int, status_id: int) -> int:
    """Like a status; doing it again is harmless. Return the id of what was liked, the original of a
    boost.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _target(tx, actor, status_id)
        added = tx.sets.add(SetKey(status.id, SetKind.LIKES), actor)
        if added and status.author != actor:
            notifications.touch(tx, status.author, NotificationType.FAVOURITE, status.id)
        return status.id

    return await ctx.store.write(change)


async def unfavourite(ctx: Context, *, actor: int, status_id: int) -> int:
    """Like a status no longer, visible or not. Return the id of what had been liked.

    Raises:
        NotFound: there is no such status, or the actor neither likes nor may see it.
        Forbidden: the actor may not act.
    """
    return await _take_back(ctx, actor, status_id, SetKind.LIKES)


async def bookmark(ctx: Context, *, actor: int, status_id: int) -> int:
    """Bookmark a status; doing it again is harmless. Return the id of what was bookmarked.

    Raises:
        NotFound: the actor may not see it, or there is none.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        status = _target(tx, actor, status_id)
        tx.sets.add(SetKey(status.id, SetKind.BOOKMARKS), actor)
        return status.id

    return await ctx.store.write(change)


async def unbookmark(ctx: Context, *, actor: int, status_id: int) -> int:
    """Bookmark a status no longer, visible or not. Return the id of what had been bookmarked.

    Raises:
        NotFound: there is no such status, or the actor neither keeps nor may see it.
        Forbidden: the actor may not act.
    """
    return await _take_back(ctx, actor, status_id, SetKind.BOOKMARKS)


async def _take_back(ctx: Context, actor: int, status_id: int, kind: SetKind) -> int:
    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        status = original(tx, tx.statuses.get(status_id))
        if status is None:
            raise NotFound
        if not tx.sets.remove(SetKey(status.id, kind), actor):
            tx.gate.require_status(actor, status)
        return status.id

    return await ctx.store.write(change)


async def reblog(
    ctx: Context, *, actor: int, status_id: int, visibility: Visibility | None = None
) -> int:
    """Boost a status; doing it again returns the same boost. Return the id of the boost.

    Raises:
        NotFound: the actor may not see it, it is direct, or there is none.
        Forbidden: it is for followers and somebody else's, or the actor may not act.
        Invalid: the boost itself cannot be direct.
    """
    if visibility == Visibility.DIRECT:
        raise Invalid("Validation failed: Visibility is reserved")

    def change(tx: Transaction) -> int:
        status = _target(tx, actor, status_id)
        before = tx.statuses.boost_by(actor, status.id)
        if before is not None:
            return before.id
        account = tx.accounts.get(actor)
        if account is None or status.visibility == Visibility.DIRECT:
            raise NotFound
        if status.visibility == Visibility.PRIVATE and status.author != actor:
            raise Forbidden
        boost = Status(
            id=tx.next_id(),
            author=actor,
            created_at=tx.now,
            visibility=_boost_visibility(tx, account, status, visibility),
            reblog_of=status.id,
        )
        tx.statuses.create(boost)
        tx.sets.add(SetKey(status.id, SetKind.BOOSTS), actor)
        if status.author != actor:
            notifications.touch(tx, status.author, NotificationType.REBLOG, status.id)
        return boost.id

    return await ctx.store.write(change)


def _boost_visibility(
    tx: Transaction, account: Account, status: Status, asked: Visibility | None
) -> Visibility:
    if status.visibility == Visibility.PRIVATE:
        return Visibility.PRIVATE
    chosen = _visibility(tx, account, asked, None)
    return min(chosen, Visibility.PRIVATE)


async def unreblog(ctx: Context, *, actor: int, status_id: int) -> int:
    """Boost a status no longer, visible or not. Return the id of the original.

    Raises:
        NotFound: there is no such status, or the actor neither boosts nor may see it.
        Forbidden: the actor may not act.
    """

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        status = original(tx, tx.statuses.get(status_id))
        if status is None:
            raise NotFound
        boost = tx.statuses.boost_by(actor, status.id)
        if boost is None:
            tx.gate.require_status(actor, status)
        else:
            _remove(tx, boost)
        return status.id

    return await ctx.store.write(change)


def _target(tx: Transaction, actor: int, status_id: int) -> Status:
    tx.gate.require_may_act(actor)
    found = tx.gate.require_status(actor, tx.statuses.get(status_id))
    return tx.gate.require_status(actor, original(tx, found))


def original(view: Snapshot | Transaction, status: Status | None) -> Status | None:
    """Return what a boost boosts, and anything else as it is."""
    if status is None or status.reblog_of is None:
        return status
    return view.statuses.get(status.reblog_of)


# -- reading ---------------------------------------------------------------------------------------


def show(snap: Snapshot, viewer: int | None, status_id: int) -> Status:
    """Return a status.

    Raises:
        NotFound: there is none, or the viewer may not see it (of a boost: the original).
    """
    status = snap.gate.require_status(viewer, snap.statuses.get(status_id))
    snap.gate.require_status(viewer, original(snap, status))
    return status


def context(snap: Snapshot, viewer: int | None, status_id: int) -> tuple[list[int], list[int]]:
    """Return what a status answers, outermost first, and what answers it, each before its own
    answers.

    Raises:
        NotFound: there is no such status, or the viewer may not see it.
    """
    status = show(snap, viewer, status_id)
    anonymous = viewer is None
    above = _ancestors(snap, status, MAX_ANCESTORS[anonymous])
    below = _descendants(snap, status, MAX_DESCENDANTS[anonymous])
    authors = BitMap([one.author for one in (*above, *below)])
    welcome = authors if viewer is None else snap.gate.wanted(viewer, authors)

    def shown(found: list[Status]) -> list[int]:
        return [
            one.id
            for one in found
            if one.author in welcome and snap.gate.may_see_status(viewer, one)
        ]

    return shown(above[::-1]), shown(below)


def _ancestors(snap: Snapshot, status: Status, limit: int) -> list[Status]:
    found: list[Status] = []
    parent = status.in_reply_to
    while parent is not None and len(found) < limit:
        above = snap.statuses.get(parent)
        if above is None:
            break
        found.append(above)
        parent = above.in_reply_to
    return found


def _descendants(snap: Snapshot, status: Status, limit: int) -> list[Status]:
    ids: list[int] = []
    waiting = [status.id]
    while waiting and len(ids) <= limit:
        one = waiting.pop()
        ids.append(one)
        waiting += sorted((reply[0] for reply in snap.statuses.replies(one)), reverse=True)
    found = snap.statuses.many(ids[1 : limit + 1])
    return [found[id_] for id_ in ids[1 : limit + 1] if id_ in found]


def favourited_by(
    snap: Snapshot,
    viewer: int | None,
    status_id: int,
    *,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
) -> list[Entry]:
    """Return a page of those who like a status, newest first.

    Raises:
        NotFound: there is no such status, or the viewer may not see it.
    """
    return _members(snap, viewer, status_id, SetKind.LIKES, limit, max_id, since_id, min_id)


def reblogged_by(
    snap: Snapshot,
    viewer: int | None,
    status_id: int,
    *,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
) -> list[Entry]:
    """Return a page of those who boost a status, newest first.

    Raises:
        NotFound: there is no such status, or the viewer may not see it.
    """
    return _members(snap, viewer, status_id, SetKind.BOOSTS, limit, max_id, since_id, min_id)


def _members(
    snap: Snapshot,
    viewer: int | None,
    status_id: int,
    kind: SetKind,
    limit: int,
    max_id: int | None,
    since_id: int | None,
    min_id: int | None,
) -> list[Entry]:
    status = original(snap, show(snap, viewer, status_id))
    if status is None:
        raise NotFound
    return snap.gate.visible_page(
        SetKey(status.id, kind),
        limit=limit,
        max_id=max_id,
        since_id=since_id,
        min_id=min_id,
        viewer=viewer,
    )


def by_account(
    snap: Snapshot,
    viewer: int | None,
    target: int,
    *,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
    only_media: bool = False,
    exclude_replies: bool = False,
    exclude_reblogs: bool = False,
    pinned: bool = False,
    tagged: str | None = None,
) -> list[int]:
    """Return a page of the statuses of an account that the viewer may see, newest first.

    Nothing has media or is pinned yet, so asking for that alone finds nothing.

    Raises:
        NotFound: there is no such account.
    """
    if snap.accounts.get(target) is None or snap.gate.state(target).deleted:
        raise NotFound
    blocked = viewer is not None and viewer != target and snap.gate.blocks(target, viewer)
    if not snap.gate.active(target) or blocked or only_media or pinned:
        return []
    visibilities = (0, 1) if viewer is None else (0, 1, 2, 3)

    def fetch(
        *, limit: int, max_id: int | None, since_id: int | None, min_id: int | None
    ) -> list[Status]:
        return snap.statuses.by_author(
            target,
            limit=limit,
            max_id=max_id,
            since_id=since_id,
            min_id=min_id,
            visibilities=visibilities,
            exclude_replies=exclude_replies,
            exclude_reblogs=exclude_reblogs,
            tagged=tagged and normal_tag(tagged),
        )

    page = paging.fill(
        fetch,
        lambda found: visible(snap, viewer, found),
        lambda status: status.id,
        limit=limit,
        max_id=max_id,
        since_id=since_id,
        min_id=min_id,
    )
    return [status.id for status in page]


def visible(snap: Snapshot, viewer: int | None, found: list[Status]) -> list[Status]:
    """Return those statuses that the viewer may see; of a boost, the original too."""
    boosted = {status.reblog_of for status in found if status.reblog_of is not None}
    originals = snap.statuses.many(boosted) if boosted else {}
    blocked = snap.gate.blocked_either_way(viewer) if viewer is not None and boosted else ()

    def may_see(status: Status) -> bool:
        if not snap.gate.may_see_status(viewer, status):
            return False
        if status.reblog_of is None:
            return True
        source = originals.get(status.reblog_of)
        return (
            source is not None
            and source.author not in blocked
            and snap.gate.may_see_status(viewer, source)
        )

    return [status for status in found if may_see(status)]
