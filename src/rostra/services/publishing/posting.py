"""Posting: checking a draft, making a status of it, and telling those it concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from rostra.config import Settings
from rostra.domain.accounts import Account
from rostra.domain.errors import Invalid, NotFound
from rostra.domain.ids import snowflake, snowflake_ms
from rostra.domain.notifications import NotificationType
from rostra.domain.statuses import QuotePolicy, Status, Visibility
from rostra.domain.text import outgrows
from rostra.ports import Context, Transaction
from rostra.services import text
from rostra.services.attachments import cards, media
from rostra.services.notifying import notifications
from rostra.services.notifying.merging import mutes_thread
from rostra.services.publishing import polls, quotes
from rostra.services.publishing.polls import PollDraft
from rostra.services.reading import conversations
from rostra.services.reading.threads import original

IDEMPOTENT_MS: Final = 3_600_000
BELLS_AT_ONCE: Final = 100


class Draft(Struct, frozen=True, kw_only=True):
    """A status as asked for; None means the author's default.

    ``application`` is the id of the OAuth client, ``created_at`` ms since 1970 for statuses of the
    past, ``media`` the ids of what is attached, in order, ``quoted_status_id`` what is quoted.
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
    media: tuple[int, ...] = ()
    quoted_status_id: int | None = None
    quote_policy: QuotePolicy | None = None


class Words(Struct, frozen=True):
    """What is said, checked, and what is in it; ``spoiler`` is the content warning."""

    parsed: text.Parsed
    spoiler: str


async def post(ctx: Context, *, actor: int, draft: Draft) -> int:
    """Post a status and notify those it concerns; return its id.

    A repeated idempotency key returns the id of the status it made within the last hour.

    Raises:
        Invalid: the text, poll or media break a rule, in Mastodon's words.
        NotFound: the actor may not see the status replied to, or there is none.
        Forbidden: the actor may not act.
    """
    return await ctx.store.write(posting(ctx, actor=actor, draft=draft))


def words_of(settings: Settings, draft: Draft) -> Words:
    """Return what a draft says.

    Raises:
        Invalid: it says nothing, or too much.
    """
    body, spoiler = draft.text.strip(), draft.spoiler_text.strip()
    if not body and spoiler:
        body, spoiler = spoiler, ""
    if not body and not draft.media and draft.quoted_status_id is None:
        raise Invalid("Validation failed: Text can't be blank")
    limit = settings.max_characters
    if outgrows(body + spoiler, limit):
        raise _too_long(limit)
    parsed = text.parse(body, domain=settings.domain, spoiler_text=spoiler)
    if parsed.length > limit:
        raise _too_long(limit)
    return Words(parsed, spoiler)


def posting(
    ctx: Context, *, actor: int, draft: Draft, scheduled: int | None = None
) -> Callable[[Transaction], int]:
    """Return the change that posts a draft, and returns the id of the status.

    Args:
        ctx: the ports.
        actor: who posts.
        draft: what.
        scheduled: the scheduled status it was until now, which may hold its media.

    Raises:
        Invalid: as ``post``; the change raises what else ``post`` does.
    """
    words = words_of(ctx.settings, draft)

    def change(tx: Transaction) -> int:
        tx.gate.require_may_act(actor)
        # What was scheduled is due, whatever was made with its key in the meantime.
        before = made_with(tx, actor, draft) if scheduled is None else None
        if before is not None and tx.statuses.get(before) is not None:
            return before
        attached = media.attachable(
            tx,
            actor=actor,
            ids=draft.media,
            poll=draft.poll is not None,
            scheduled=scheduled,
        )
        accounts = text.mentioned(tx, words.parsed)
        content = text.render(words.parsed, accounts, ctx.settings)
        status = _make(tx, actor, draft, words, content, accounts)
        tx.statuses.create(status)
        media.attach(tx, status.id, attached)
        cards.link(tx, status, ctx.settings)
        if draft.idempotency_key:
            tx.statuses.remember_idempotency(actor, draft.idempotency_key, status.id)
        _notify(tx, status)
        if status.visibility == Visibility.DIRECT:
            conversations.record(tx, status)
        if status.poll is not None and status.poll.expires_at is not None:
            tx.jobs.enqueue("close_poll", {"poll": status.id}, status.poll.expires_at)
        return status.id

    return change


def made_with(tx: Transaction, actor: int, draft: Draft) -> int | None:
    """Return the id of what the actor made with the draft's idempotency key within an hour.

    It is that of a status, or of a scheduled one.
    """
    if not draft.idempotency_key:
        return None
    before = tx.statuses.idempotent(actor, draft.idempotency_key)
    return before if before and tx.now - snowflake_ms(before) < IDEMPOTENT_MS else None


def _too_long(limit: int) -> Invalid:
    return Invalid("Validation failed: Text character limit of %(num)s exceeded", num=limit)


def _make(
    tx: Transaction,
    actor: int,
    draft: Draft,
    words: Words,
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
    quoted = None
    if draft.quoted_status_id is not None:
        quoted = quotes.quotable(tx, actor, draft.quoted_status_id)
    visibility = visibility_for(tx, author, draft.visibility, parent)
    visibility = quotes.visibility_of_quote(visibility, quoted)
    created_at = tx.now if draft.created_at is None else draft.created_at
    sensitive = author.default_sensitive if draft.sensitive is None else draft.sensitive
    # A wrong language is left out, as Mastodon does: apps do not ask people for a code.
    language = draft.language if draft.language and text.is_language(draft.language) else None
    return Status(
        id=_new_id(tx, draft.created_at, actor),
        author=actor,
        created_at=created_at,
        visibility=visibility,
        text=words.parsed.text,
        content=content,
        spoiler_text=words.spoiler,
        sensitive=sensitive or bool(words.spoiler),
        language=language or author.default_language,
        in_reply_to=None if parent is None else parent.id,
        in_reply_to_author=None if parent is None else parent.author,
        conversation=None if parent is None else parent.root,
        mentions=tuple(sorted(account.ordinal for account in accounts.values())),
        tags=words.parsed.tags,
        poll=None if draft.poll is None else polls.make(draft.poll, created_at),
        application=draft.application,
        media=tuple(dict.fromkeys(draft.media)),
        quote_of=None if quoted is None else quoted.id,
        quote_policy=quotes.policy_for(
            quotes.default_policy(author) if draft.quote_policy is None else draft.quote_policy,
            visibility,
        ),
    )


def visibility_for(
    tx: Transaction, author: Account, asked: Visibility | None, parent: Status | None
) -> Visibility:
    """Return for whom a status of ``author`` is: as asked, or its default."""
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


def notify_mentioned(
    tx: Transaction, status: Status, accounts: Iterable[int], created_at: int
) -> None:
    """Tell accounts at a time (ms) that a status mentions them; not where a block or mute is."""
    for account in accounts:
        blocked = tx.gate.blocks(account, status.author) or tx.gate.blocks(status.author, account)
        unheard = blocked or mutes_thread(tx, account, status)
        if account != status.author and not unheard:
            notifications.store(
                tx,
                account=account,
                type_=NotificationType.MENTION,
                source=status.author,
                status=status.id,
                created_at=created_at,
            )


def _notify(tx: Transaction, status: Status) -> None:
    quoted = quotes.notify(tx, status)
    mentioned = [account for account in status.mentions if account != quoted]
    notify_mentioned(tx, status, mentioned, status.created_at)
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
