"""Reports: people tell of accounts and statuses, and moderators deal with what they told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import structs

from rostra.domain.errors import Invalid, NotFound, TooMany
from rostra.domain.ids import snowflake
from rostra.domain.notifications import NotificationType
from rostra.domain.reports import Category, Evidence, Report
from rostra.domain.statuses import Status
from rostra.ports import Context, Snapshot, Transaction, View
from rostra.services.notifying import notifications
from rostra.services.roles import require_moderator

MAX_COMMENT: Final = 1000
MAX_STATUSES: Final = 100
A_DAY: Final = 400
"""How many reports one account may make in a day, as on Mastodon."""

STAFF: Final = 200
"""How many moderators are told at most, the newest accounts among them first."""

DAY_MS: Final = 86_400_000


async def report(
    ctx: Context,
    *,
    actor: int,
    target: int,
    statuses: Sequence[int] = (),
    comment: str = "",
    category: str | None = None,
    rules: Sequence[int] = (),
    forward: bool = False,
) -> Report:
    """Tell the moderators of an account, and keep what its statuses say now.

    Args:
        ctx: the ports.
        actor: who tells.
        target: of whom.
        statuses: ids of its statuses; those the actor cannot see, or of others, are left out.
        comment: what is wrong.
        category: one of ``Category``; without one it is a violation when rules are named.
        rules: ids of the rules that were broken.
        forward: whether the server of the target is to be told; kept with the report.

    Raises:
        NotFound: there is no such account.
        Invalid: the category is unknown, the comment too long, or the target oneself.
        TooMany: the actor reported too much today.
    """
    kind = _category(category, rules)
    if len(comment) > MAX_COMMENT:
        raise Invalid(
            "Validation failed: Comment is too long (maximum is %(num)s characters)",
            num=MAX_COMMENT,
        )
    if len(statuses) > MAX_STATUSES:
        raise Invalid(
            "Validation failed: Status ids are too many (maximum is %(num)s)", num=MAX_STATUSES
        )

    def change(tx: Transaction) -> Report:
        tx.gate.require_may_act(actor)
        tx.gate.require_account(tx.accounts.get(target))
        if target == actor:
            raise Invalid("Validation failed: Account can't be your own")
        if tx.reports.count_by(actor, since=snowflake(tx.now - DAY_MS)) >= A_DAY:
            raise TooMany("You reported %(num)s times today: tell us more tomorrow", num=A_DAY)
        found = _reported(tx, actor, target, statuses)
        made = Report(
            id=tx.next_id(),
            account=actor,
            target=target,
            category=kind,
            created_at=tx.now,
            updated_at=tx.now,
            comment=comment,
            statuses=tuple(status.id for status in found),
            rules=tuple(dict.fromkeys(rules)),
            evidence=tuple(_evidence(status) for status in found),
            forwarded=forward,
        )
        tx.reports.put(made)
        tx.jobs.enqueue("announce_report", {"report": made.id}, tx.now)
        return made

    return await ctx.store.write(change)


def _category(category: str | None, rules: Sequence[int]) -> Category:
    if not category:
        return Category.VIOLATION if rules else Category.OTHER
    try:
        return Category(category)
    except ValueError:
        raise Invalid(
            "Validation failed: Category must be one of %(among)s", among=", ".join(Category)
        ) from None


def _reported(tx: Transaction, actor: int, target: int, ids: Sequence[int]) -> list[Status]:
    return [
        status
        for status in tx.statuses.many(dict.fromkeys(ids)).values()
        if status.author == target
        and status.reblog_of is None
        and tx.gate.may_see_status(actor, status)
    ]


def _evidence(status: Status) -> Evidence:
    return Evidence(
        id=status.id,
        created_at=status.created_at,
        text=status.text,
        spoiler_text=status.spoiler_text,
        edited_at=status.edited_at,
    )


async def announce(ctx: Context, *, report: int) -> None:
    """Notify moderators of a report; a job."""

    def change(tx: Transaction) -> None:
        found = tx.reports.get(report)
        if found is None:
            return
        for moderator in tx.accounts.page(limit=STAFF, staff=True):
            notifications.store(
                tx,
                account=moderator.ordinal,
                type_=NotificationType.ADMIN_REPORT,
                source=found.account,
                created_at=found.created_at,
                event=found.id,
            )

    await ctx.store.write(change)


# -- what moderators do ----------------------------------------------------------------------------


def require_report(view: View, moderator: int, report_id: int) -> Report:
    """Return a report, for a moderator.

    Raises:
        Forbidden: the account is no moderator.
        NotFound: there is no such report.
    """
    require_moderator(view, moderator)
    found = view.reports.get(report_id)
    if found is None:
        raise NotFound("There is no such report")
    return found


def listed(
    snap: Snapshot,
    *,
    resolved: bool | None = False,
    account: int | None = None,
    target: int | None = None,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
) -> list[Report]:
    """Return a page of reports, newest first; open ones unless ``resolved`` says otherwise."""
    return snap.reports.page(
        resolved=resolved,
        account=account,
        target=target,
        limit=limit,
        max_id=max_id,
        since_id=since_id,
        min_id=min_id,
    )


async def _changed(
    ctx: Context,
    moderator: int,
    report_id: int,
    alter: Callable[[Transaction, Report], Report],
) -> Report:
    def change(tx: Transaction) -> Report:
        before = require_report(tx, moderator, report_id)
        after = alter(tx, before)
        if after == before:
            return before
        after = structs.replace(after, updated_at=tx.now)
        tx.reports.put(after)
        return after

    return await ctx.store.write(change)


async def assign(ctx: Context, *, moderator: int, report_id: int) -> Report:
    """Take a report upon oneself.

    Raises:
        Forbidden: the account is no moderator.
        NotFound: there is no such report.
    """
    return await _changed(
        ctx, moderator, report_id, lambda tx, report: structs.replace(report, assigned=moderator)
    )


async def unassign(ctx: Context, *, moderator: int, report_id: int) -> Report:
    """Leave a report to whoever takes it.

    Raises:
        Forbidden: the account is no moderator.
        NotFound: there is no such report.
    """
    return await _changed(
        ctx, moderator, report_id, lambda tx, report: structs.replace(report, assigned=None)
    )


async def resolve(ctx: Context, *, moderator: int, report_id: int) -> Report:
    """Close a report; one that is closed stays as it was.

    Raises:
        Forbidden: the account is no moderator.
        NotFound: there is no such report.
    """
    return await _changed(
        ctx, moderator, report_id, lambda tx, report: resolved(report, moderator, tx.now)
    )


def resolved(report: Report, moderator: int | None, now: int) -> Report:
    """Return a report as it is when a moderator closed it at ``now`` (ms)."""
    if report.action_taken_at is not None:
        return report
    return structs.replace(report, action_taken_at=now, action_taken_by=moderator, updated_at=now)


async def reopen(ctx: Context, *, moderator: int, report_id: int) -> Report:
    """Open a report again.

    Raises:
        Forbidden: the account is no moderator.
        NotFound: there is no such report.
    """
    return await _changed(
        ctx,
        moderator,
        report_id,
        lambda tx, report: structs.replace(report, action_taken_at=None, action_taken_by=None),
    )


async def recategorise(
    ctx: Context,
    *,
    moderator: int,
    report_id: int,
    category: str | None = None,
    rules: Sequence[int] | None = None,
) -> Report:
    """Change what a report is said to be about; what is not given stays.

    Raises:
        Invalid: the category is unknown.
        Forbidden: the account is no moderator.
        NotFound: there is no such report.
    """
    kind = None if category is None else _category(category, ())

    def alter(tx: Transaction, report: Report) -> Report:
        return structs.replace(
            report,
            category=report.category if kind is None else kind,
            rules=report.rules if rules is None else tuple(dict.fromkeys(rules)),
        )

    return await _changed(ctx, moderator, report_id, alter)
