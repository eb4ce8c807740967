"""``rostra account``: making accounts, looking at them, suspending and reinstating them."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from rostra.domain.accounts import Account, Role
from rostra.domain.enforcement import Action, Lifting, LiftReason
from rostra.domain.errors import Forbidden, Invalid
from rostra.domain.words import how_many
from rostra.ops.cli.common import HERE, Folder, local, named, opened, parse_time, shown_time
from rostra.ports import Context
from rostra.services import accounts, roles
from rostra.services.authentication import credentials
from rostra.services.moderation import enforcing, labels
from rostra.services.moderation.enforcing import AccountFigures

app = App(name="account", help="Create, show, suspend and reinstate accounts.")

RoleName = Literal["user", "moderator", "owner"]
Reason = Literal["overturned", "served", "amnesty"]


@app.command
def create(
    name: str,
    /,
    *,
    email: str,
    password: str | None = None,
    role: RoleName = "user",
    locked: Annotated[bool, Parameter(negative="")] = False,
    folder: Folder = HERE,
) -> int:
    """Create an account and print its id.

    Args:
        name: The handle: letters, digits and underscores.
        email: Where the person can be reached.
        password: At least 8 characters; asked for, or read from standard input, when not given.
        role: What the account may do.
        locked: Followers must ask.
    """
    secret = password if password is not None else _ask_password()

    async def work() -> None:
        async with opened(folder, create=True) as ctx:
            account = await accounts.register(
                ctx,
                username=local(ctx, name),
                email=email,
                password=secret,
                role=Role[role.upper()],
                locked=locked,
            )
            print(account.id)

    asyncio.run(work())
    return 0


def _ask_password() -> str:
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        if not line:
            raise Invalid("No password: give --password, or write one to standard input")
        return line.removesuffix("\n").removesuffix("\r")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise Invalid("The two passwords differ; try again")
    return password


@app.command
def password(
    name: str,
    /,
    *,
    password: str | None = None,
    without_factors: Annotated[bool, Parameter(negative="")] = False,
    folder: Folder = HERE,
) -> int:
    """Set a new password for somebody who has lost theirs; all their sessions and tokens end.

    Args:
        name: The handle.
        password: At least 8 characters; asked for, or read from standard input, when not given.
        without_factors: Forget passkeys, one-time passwords and recovery codes as well.
    """
    secret = password if password is not None else _ask_password()

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                account = named(ctx, snap.accounts, name)
            await credentials.set_by_hand(
                ctx, target=account.ordinal, password=secret, without_factors=without_factors
            )
            print(f"@{account.username} has a new password")

    asyncio.run(work())
    return 0


@app.command
def show(
    name: str,
    /,
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    folder: Folder = HERE,
) -> int:
    """Show an account: true and public figures, what is in force, and what was before.

    Args:
        name: The handle.
        json: Print it as JSON.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                figures = enforcing.figures(snap, named(ctx, snap.accounts, name).ordinal)
                moderators = snap.accounts.many(_moderators(figures))
                given = [label.name for label in labels.of(snap, figures.account.ordinal)]
            data = _as_data(figures, moderators) | {"labels": given}
            if json:
                print(msgspec.json.format(msgspec.json.encode(data)).decode())
            else:
                _print_tables(data)

    asyncio.run(work())
    return 0


def _moderators(figures: AccountFigures) -> set[int]:
    records: list[Action | Lifting] = [*figures.actions, *figures.liftings]
    return {one.moderator for one in records if one.moderator is not None}


def _as_data(figures: AccountFigures, moderators: dict[int, Account]) -> dict[str, Any]:
    """Return what is shown of an account; ids as text, as in the API."""
    account, state = figures.account, figures.state
    active = {action.id for action in figures.in_force}
    lifted = {lifting.action: lifting for lifting in figures.liftings}

    def who(ordinal: int | None) -> str | None:
        found = None if ordinal is None else moderators.get(ordinal)
        return found.username if found else None

    def shown(action: Action) -> dict[str, Any]:
        lifting = lifted.get(action.id)
        return {
            "id": str(action.id),
            "type": action.kind.label,
            "ground": action.ground,
            "text": action.text,
            "by": who(action.moderator),
            "taken_at": shown_time(action.taken_at),
            "starts_at": shown_time(action.starts_at),
            "until": None if action.until is None else shown_time(action.until),
            "in_force": action.id in active,
            "lifted": None
            if lifting is None
            else {
                "reason": str(lifting.reason),
                "by": who(lifting.moderator),
                "at": shown_time(lifting.lifted_at),
            },
        }

    return {
        "id": str(account.id),
        "username": account.username,
        "display_name": account.display_name,
        "role": account.role.name.lower(),
        "locked": account.locked,
        "created_at": shown_time(account.created_at),
        "state": [name for name in state.__struct_fields__ if getattr(state, name)] or ["active"],
        "true": {
            "followers": figures.followers,
            "following": figures.following,
            "statuses": figures.statuses,
        },
        "public": {
            "followers": figures.public_followers,
            "following": figures.public_following,
            "statuses": figures.public_statuses,
        },
        "strikes": len(figures.strikes),
        "in_force": [shown(action) for action in figures.in_force],
        "history": [shown(action) for action in figures.actions],
    }


def _print_tables(data: dict[str, Any]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty())
    console.print(f"@{data['username']} ({', '.join(data['state'])})")
    console.print(
        f"id {data['id']}, {data['role']}{', locked' if data['locked'] else ''}, "
        f"since {data['created_at']}"
    )
    if data["labels"]:
        console.print(f"labels: {', '.join(data['labels'])}")
    counts = Table("", "true", "public")
    for name in ("followers", "following", "statuses"):
        counts.add_row(name, f"{data['true'][name]:,}", f"{data['public'][name]:,}")
    console.print(counts)
    if data["strikes"]:
        console.print(f"Strikes: {data['strikes']}")
    if not data["history"]:
        console.print("No action was ever taken against it.")
        return
    for action in data["history"]:
        span = f"until {action['until']}" if action["until"] else "until lifted"
        console.print(
            f"{action['taken_at']}  {action['type']} by {action['by'] or 'the server'}, {span}: "
            f"{action['ground']} ({_now(action)})"
        )


def _now(action: dict[str, Any]) -> str:
    lifted = action["lifted"]
    if lifted is None:
        return "in force" if action["in_force"] else "not in force"
    by = f" by {lifted['by']}" if lifted["by"] else ""
    return f"{lifted['reason']} {lifted['at']}{by}"


@app.command
def suspend(
    name: str,
    /,
    *,
    by: str,
    ground: str,
    until: str | None = None,
    text: str = "",
    folder: Folder = HERE,
) -> int:
    """Suspend an account: it is hidden at the next read, and nothing of it is lost.

    Args:
        name: The handle.
        by: The handle of the moderator who decides.
        ground: The rule that was broken.
        until: When it ends by itself: a time in ISO 8601, or a duration such as 30d.
        text: More of the statement of reasons.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            end = None if until is None else parse_time(until, ctx.clock.now())
            moderator, target = _pair(ctx, by, name)
            action = await enforcing.suspend(
                ctx,
                moderator=moderator.ordinal,
                target=target.ordinal,
                ground=ground,
                until=end,
                text=text,
            )
            span = "until lifted" if action.until is None else f"until {shown_time(action.until)}"
            print(f"@{target.username} is suspended {span} (action {action.id})")

    asyncio.run(work())
    return 0


@app.command
def reinstate(name: str, /, *, by: str, reason: Reason, folder: Folder = HERE) -> int:
    """Lift the suspensions of an account: everything of it is back at the next read.

    Args:
        name: The handle.
        by: The handle of the moderator who decides.
        reason: Why: the decision was wrong, the time is served, or mercy.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            moderator, target = _pair(ctx, by, name)
            lifted = await enforcing.reinstate(
                ctx,
                moderator=moderator.ordinal,
                target=target.ordinal,
                reason=LiftReason(reason),
            )
            with ctx.store.read() as snap:
                state = snap.gate.state(target.ordinal)
            rest = [name for name in state.__struct_fields__ if getattr(state, name)]
            still = f"; still in force: {', '.join(rest)}" if rest else ""
            number = how_many(len(lifted), "suspension")
            print(f"@{target.username} is reinstated ({number} lifted{still})")

    asyncio.run(work())
    return 0


@app.command
def role(name: str, role: RoleName, /, *, by: str | None = None, folder: Folder = HERE) -> int:
    """Change what an account may do: make it a moderator or an owner, or take that back.

    Args:
        name: The handle.
        role: The new role.
        by: The handle of the owner who decides; without, it is whoever has this command line.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            with ctx.store.read() as snap:
                target = named(ctx, snap.accounts, name)
                owner = None if by is None else named(ctx, snap.accounts, by).ordinal
            changed = await roles.change(
                ctx, by=owner, target=target.ordinal, role=Role[role.upper()]
            )
            was = target.role.name.lower()
            same = " already" if target.role == changed.role else f", no {was} any more"
            print(f"@{changed.username} is {_article(role)}{same}")

    asyncio.run(work())
    return 0


def _article(role: str) -> str:
    return f"an {role}" if role == "owner" else f"a {role}"


@app.command
def label(
    name: str,
    label: str,
    /,
    *,
    by: str,
    remove: Annotated[bool, Parameter(negative="")] = False,
    folder: Folder = HERE,
) -> int:
    """Give an account a label that moderators see, or take it away.

    Args:
        name: The handle.
        label: Such as legal_hold, child_safety or spam, which amnesties heed, or any other.
        by: The handle of the moderator who decides.
        remove: Take the label away.
    """

    async def work() -> None:
        async with opened(folder) as ctx:
            moderator, target = _pair(ctx, by, name)
            change = labels.take if remove else labels.give
            found = await change(
                ctx, moderator=moderator.ordinal, target=target.ordinal, name=label
            )
            names = ", ".join(one.name for one in found) or "none"
            print(f"Labels of @{target.username}: {names}")

    asyncio.run(work())
    return 0


def _pair(ctx: Context, moderator: str, target: str) -> tuple[Account, Account]:
    """Return who decides and about whom; what the one may do to the other is checked later.

    Raises:
        NotFound: there is no account of that name.
        Forbidden: the one named by ``--by`` decides nothing here.
    """
    with ctx.store.read() as snap:
        by = named(ctx, snap.accounts, moderator)
        if by.role < Role.MODERATOR:
            raise Forbidden(f"@{by.username} is no moderator: name one with --by")
        return by, named(ctx, snap.accounts, target)
