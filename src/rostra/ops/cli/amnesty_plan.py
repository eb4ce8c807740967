"""``rostra amnesty plan`` and what comes before an amnesty is run: showing and deciding."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from rostra.api.extension.amnesties import entity, entry_entity
from rostra.api.extension.naming import Names
from rostra.domain.amnesty import (
    DEFAULT_WAVES,
    Amnesty,
    AmnestyState,
    Exclusion,
    Limits,
    Outcome,
    shown,
)
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Conflict, Invalid
from rostra.domain.words import how_many
from rostra.ops.cli.common import (
    HERE,
    Flag,
    Folder,
    Limit,
    Place,
    command,
    named,
    parse_seconds,
    print_json,
    required_id,
    shown_time,
    terminal,
    with_data,
)
from rostra.ops.cli.listing import Listing
from rostra.ports import Context
from rostra.services.amnesty import account_lists, amnesties, planning

Kind = Literal["suspend", "silence", "disable", "sensitive"]
Reason = Literal["overturned", "served", "amnesty"]
State = Literal[
    "planning", "failed", "planned", "rejected", "expired", "approved", "running", "paused",
    "halted", "stopped", "done", "rolling_back", "rolled_back",
]  # fmt: skip
Became = Literal["pending", "lifted", "skipped", "failed", "rolled_back", "kept"]
EVERY_SECONDS: Final = 0.2
BRIEF: Final = 60
NONE_YET: Final = "No amnesty was planned yet: begin with rostra amnesty plan --help"
MODERATORS_OWN: Final = ("may_approve", "why_not")
"""What the API tells who asks; nobody is signed in to a command."""

_KINDS: Final = {kind.label: kind for kind in ActionKind}


def attach(app: App) -> None:
    """Make the commands of this module commands of an application."""
    for verb in (plan, approve, reject, show, accounts, export):
        app.command(verb)
    app.command(list_, name="list")


def plan(
    *,
    by: str,
    where: str = "",
    except_: Annotated[str, Parameter(name="--except")] = "",
    accounts: Path | None = None,
    include: str = "",
    waves: str = ",".join(DEFAULT_WAVES),
    type: Kind = "suspend",
    reason: Reason = "amnesty",
    ground: str = "",
    failures: int = Limits().failures,
    reports: int = Limits().reports,
    lag: str = f"{Limits().lag_s}s",
    pause: str = f"{Limits().pause_s}s",
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """Work out what an amnesty would bring, and freeze it for approval; nothing public changes.

    Args:
        by: The handle of the moderator who plans.
        where: The selector of those it is for, as in 'ground ~ "spam" and taken < 2023-01-01'.
        except_: The selector of those to leave out.
        accounts: A CSV file of accounts, instead of a selector; a column is called handle or id.
        include: Exclusions to set aside, between commas: child_safety, spam, still_hidden,
            second_strike.
        waves: How far each wave goes: numbers of accounts or shares of all.
        type: What is lifted.
        reason: Why, as each lifting will say.
        ground: Why, in words.
        failures: So many accounts may fail before the waves halt.
        reports: So many new reports a minute may come in before the waves halt.
        lag: How long a job may be overdue before the waves halt, as in 30s.
        pause: How long to rest between two waves, as in 10m; 0 for not at all.
        json: Print it as JSON.
    """

    lag_s, pause_s = parse_seconds(lag), parse_seconds(pause)

    async def work(ctx: Context) -> int:
        chosen = _listed(ctx, accounts)
        made = await amnesties.plan(
            ctx,
            moderator=_account(ctx, by),
            where=where,
            except_=except_,
            accounts=chosen,
            include=_parts(include),
            kind=_KINDS[type],
            reason=LiftReason(reason),
            ground=ground,
            waves=_parts(waves),
            limits=Limits(failures=failures, reports=reports, lag_s=lag_s, pause_s=pause_s),
            queued=False,
        )
        told = _Progress()
        try:
            found = await planning.carry_out_at_once(ctx, amnesty=made.id, told=told.tell)
        finally:
            told.end()
        assert found is not None
        if found.state is AmnestyState.FAILED:
            raise Conflict(found.why)
        if found.state is not AmnestyState.PLANNED:
            raise Conflict(f"The plan was {shown(found.state)} meanwhile")
        _print(ctx, found, json)
        return 0

    return with_data(folder, work)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _listed(ctx: Context, path: Path | None) -> list[int] | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Invalid(f"The list {path} cannot be read: {error.strerror}") from error
    with ctx.store.read() as snap:
        return account_lists.read_list(snap, data, domain=ctx.settings.domain)


class _Progress:
    """How far a plan is, as one line of a terminal that is written over."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._next = 0.0

    def tell(self, what: str, done: int, total: int) -> None:
        """Show it, not too often."""
        now = time.monotonic()
        if self._shows and (now >= self._next or done == total):
            self._next = now + EVERY_SECONDS
            share = f"{done / total:.0%}" if total else "100%"
            line = f"\r{what} looked at: {done:,} of {total:,} ({share})\033[K"
            print(line, end="", file=sys.stderr)

    def end(self) -> None:
        """Leave the line."""
        if self._shows and self._next:
            print("\r\033[K", end="", file=sys.stderr)


def approve(id: str, /, *, hash: str, by: str, folder: Folder = HERE) -> int:
    """Approve a plan, as another moderator than who made it; the waves are not begun by it.

    Args:
        id: The id of the amnesty.
        hash: The hash of the plan that was looked at, or its first 8 characters or more.
        by: The handle of the moderator who approves.
    """

    async def work(ctx: Context) -> int:
        found = await amnesties.approve(
            ctx, moderator=_account(ctx, by), amnesty=required_id(id, "amnesty"), hash_=hash
        )
        begin = command("amnesty", "run", found.id, "--by", by)
        print(
            f"Amnesty {found.id} is approved: {how_many(found.total, 'account')}. "
            f"Begin it with {begin}"
        )
        return 0

    return with_data(folder, work)


def reject(id: str, /, *, by: str, why: str = "", folder: Folder = HERE) -> int:
    """Reject a plan, or take an approval back before it is begun.

    Args:
        id: The id of the amnesty.
        by: The handle of the moderator who decides.
        why: Why, for whoever looks at it later.
    """

    async def work(ctx: Context) -> int:
        found = await amnesties.reject(
            ctx, moderator=_account(ctx, by), amnesty=required_id(id, "amnesty"), why=why
        )
        print(f"Amnesty {found.id} is rejected; nothing was changed by it")
        return 0

    return with_data(folder, work)


def show(id: str, /, *, json: Flag = False, folder: Folder = HERE) -> int:
    """Show what an amnesty is for, what it brings, and where it is.

    Args:
        id: The id of the amnesty.
        json: Print it as JSON.
    """

    async def work(ctx: Context) -> int:
        with ctx.store.read() as snap:
            found = amnesties.require_amnesty(snap, required_id(id, "amnesty"))
        _print(ctx, found, json)
        return 0

    return with_data(folder, work)


def list_(
    *, state: State | None = None, limit: Limit = 40, json: Flag = False, folder: Folder = HERE
) -> int:
    """List amnesties, newest first.

    Args:
        state: Those in this state alone.
        limit: How many at most.
        json: Print them as JSON.
    """

    async def work(ctx: Context) -> int:
        states = [AmnestyState(state)] if state else []
        with ctx.store.read() as snap:
            found = amnesties.listed(snap, states=states, limit=limit)
            data = [_data(ctx, one) for one in found] if json else []
            names = snap.accounts.many({one.planned_by for one in found if one.planned_by})
        if json:
            print_json(data)
            return 0
        table = Listing("id", "state", "accounts", "planned", "by", "plan", "for")
        for one in found:
            by = names.get(one.planned_by) if one.planned_by is not None else None
            table.add_row(
                str(one.id),
                shown(one.state),
                f"{one.total:,}",
                shown_time(one.planned_at),
                by.username if by else "-",
                one.hash[:16] or "-",
                "a list" if one.listed else _brief(one.where),
            )
        if found:
            terminal().print(table)
        else:
            print(f"No amnesty is {shown(AmnestyState(state))}." if state else NONE_YET)
        return 0

    return with_data(folder, work)


def _brief(selector: str) -> str:
    """Return as much of a selector as a row of a table has room for; ``show`` has all of it."""
    words = " ".join(selector.split())
    return words if len(words) <= BRIEF else f"{words[:BRIEF]}…"


def accounts(
    id: str,
    /,
    *,
    after: Place = 0,
    limit: Limit = 100,
    wave: Place | None = None,
    outcome: Became | None = None,
    json: Flag = False,
    folder: Folder = HERE,
) -> int:
    """List the accounts of an amnesty in their order, with what is expected and what became of it.

    Args:
        id: The id of the amnesty.
        after: Those with a higher number alone.
        limit: How many at most.
        wave: Those of this wave alone.
        outcome: Those with this outcome alone.
        json: Print them as JSON.
    """

    async def work(ctx: Context) -> int:
        with ctx.store.read() as snap:
            found = amnesties.entries(
                snap,
                required_id(id, "amnesty"),
                after=after,
                limit=limit,
                wave=wave,
                outcome=Outcome(outcome) if outcome else None,
            )
            names = Names(snap, {entry.account for entry in found})
            data = [entry_entity(names, entry) for entry in found]
        if json:
            print_json(data)
            return 0
        table = Listing("n", "account", "wave", "followers", "following", "outcome", "why")
        for one in data:
            table.add_row(
                f"{one['n']:,}",
                one["account"]["username"] if one["account"] else "-",
                str(one["wave"]),
                f"{one['finally']['followers']:,}",
                f"{one['finally']['following']:,}",
                one["outcome"],
                one["why"] or "",
            )
        terminal().print(table)
        return 0

    return with_data(folder, work)


def export(id: str, /, *, folder: Folder = HERE) -> int:
    """Print the manifest of an amnesty as JSON Lines: the bytes that its hash (SHA-256) is of.

    Args:
        id: The id of the amnesty.
    """

    async def work(ctx: Context) -> int:
        with ctx.store.read() as snap:
            for line in amnesties.export(snap, required_id(id, "amnesty")):
                sys.stdout.write(line.decode())
        return 0

    return with_data(folder, work)


# -- what they share -------------------------------------------------------------------------------


def _account(ctx: Context, name: str) -> int:
    with ctx.store.read() as snap:
        return named(ctx, snap.accounts, name).ordinal


def _data(ctx: Context, amnesty: Amnesty) -> dict[str, Any]:
    with ctx.store.read() as snap:
        data = entity(snap, amnesty, 0)
    return {name: value for name, value in data.items() if name not in MODERATORS_OWN}


def _print(ctx: Context, amnesty: Amnesty, json: bool) -> None:
    data = _data(ctx, amnesty)
    if json:
        print_json(data)
        return
    console, figures = terminal(), amnesty.figures
    console.print(f"Amnesty {amnesty.id}: {shown(amnesty.state)}")
    if amnesty.why:
        console.print(amnesty.why)
    console.print(f"for: {'a list of accounts' if amnesty.listed else amnesty.where}")
    if amnesty.except_:
        console.print(f"except: {amnesty.except_}")
    for what in ("planned", "approved", "rejected"):
        if data[f"{what}_by"]:
            console.print(f"{what} by @{data[f'{what}_by']['username']}, {data[f'{what}_at']}")
    table = Table("what", "how many", show_header=False)
    if amnesty.listed:
        table.add_row("listed", f"{figures.listed:,}")
    table.add_row("found, with such an action in force", f"{figures.found:,}")
    for name, count in figures.excluded.items():
        table.add_row(f"left out: {Exclusion(name).says}", f"{count:,}")
    table.add_row("to be lifted", f"{figures.selected:,}")
    table.add_row("edges that come alive", f"{figures.edges:,}")
    table.add_row("others whose counts change", f"{figures.others:,}")
    for kind, count in figures.conflicts.items():
        table.add_row(_CONFLICTS.get(kind, kind), f"{count:,}")
    console.print(table)
    sizes = " + ".join(f"{size:,}" for size in amnesty.sizes)
    console.print(f"waves: {', '.join(amnesty.waves)} ({sizes or 'none'})")
    _print_largest(console, data["figures"]["largest"])
    if amnesty.hash:
        console.print(f"plan: {amnesty.hash}")
    if amnesty.state is AmnestyState.PLANNED:
        words = ("approve", amnesty.id, "--hash", amnesty.hash[:16], "--by", "MODERATOR")
        console.print(f"Until {shown_time(amnesty.expires_at)} another moderator may approve it:")
        console.print(command("amnesty", *words), soft_wrap=True)


_CONFLICTS: Final = {
    "appeal": "with an open appeal",
    "poll": "left to a poll that has not decided for it",
    "amnesty": "in another plan that waits for approval",
    "decision": "with a decision that is yet to begin",
}


def _print_largest(console: Console, largest: list[dict[str, Any]]) -> None:
    if not largest:
        return
    table = Table("counts that change most", "followers", "following")
    for one in largest[:10]:
        name = f"@{one['account']['username']}" if one["account"] else "-"
        table.add_row(name, f"+{one['followers']:,}", f"+{one['following']:,}")
    console.print(table)
