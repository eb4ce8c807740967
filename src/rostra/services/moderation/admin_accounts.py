"""Accounts as moderators list them: by state, role and name, hidden ones included."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Account, Role
from rostra.ports import Snapshot, View
from rostra.services.membership import approvals

SEARCHED: Final = 200

_SETS: Final = {
    "suspended": SetKind.SUSPENDED,
    "silenced": SetKind.LIMITED,
    "disabled": SetKind.FROZEN,
    "sensitized": SetKind.SENSITIVE,
}


class Selection(Struct, frozen=True):
    """Which accounts; None for any. ``state`` is a name of Mastodon's admin API."""

    state: str | None = None
    roles: frozenset[Role] | None = None
    username: str | None = None
    display_name: str | None = None
    email: str | None = None
    nobody: bool = False


class Listed(Struct, frozen=True):
    """Accounts of a page and the cursors of the first and last place it looked at."""

    accounts: list[Account]
    cursors: list[int]


def require(view: View, account_id: int) -> Account:
    """Return an account as moderators may see it: those that wait or are away as well.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    return view.gate.require_account(view.accounts.by_id(account_id))


def select(
    snap: Snapshot,
    selection: Selection,
    *,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
) -> Listed:
    """Return a page of accounts, newest first; those in a state by when that state began.

    Args:
        snap: the view.
        selection: which accounts.
        limit: how many at most.
        max_id: a cursor: only what is below it.
        since_id: a cursor: only what is above it; the newest of that.
        min_id: a cursor: only what is above it; the nearest to it.
    """
    if selection.nobody or limit <= 0:
        return Listed([], [])
    if selection.state == "pending":
        return _pending(snap, selection, limit, max_id)
    if selection.username or selection.display_name or selection.email:
        return Listed(_kept(snap, selection, _named(snap, selection))[:limit], [])
    above = since_id if min_id is None else min_id
    if selection.state in _SETS:
        return _in_state(snap, selection, limit, max_id, above, ascending=min_id is not None)
    staff = selection.roles is not None and Role.USER not in selection.roles
    found = snap.accounts.page(limit=limit, max_id=max_id, min_id=min_id, staff=staff)
    cursors = [account.id for account in found]
    if min_id is None and since_id is not None:
        found = [account for account in found if account.id > since_id]
    return Listed(_kept(snap, selection, found), cursors)


def _pending(snap: Snapshot, selection: Selection, limit: int, max_id: int | None) -> Listed:
    """Return accounts that wait for approval; ids grow with ordinals, so an id is a cursor."""
    before = snap.accounts.by_id(max_id) if max_id is not None else None
    found = approvals.pending(snap, limit=limit, below=before.ordinal if before else None)
    return Listed(_kept(snap, selection, found), [account.id for account in found])


def _in_state(
    snap: Snapshot,
    selection: Selection,
    limit: int,
    below: int | None,
    above: int | None,
    *,
    ascending: bool,
) -> Listed:
    key = SetKey(SERVER, _SETS[selection.state or ""])
    if ascending:
        entries = snap.sets.oldest(key, limit=limit, above=above, below=below)[::-1]
    else:
        entries = snap.sets.newest(key, limit=limit, below=below, above=above)
    found = snap.accounts.many(entry.member for entry in entries)
    return Listed(
        _kept(snap, selection, list(found.values())), [entry.position for entry in entries]
    )


def _named(snap: Snapshot, selection: Selection) -> list[Account]:
    if selection.email:
        credentials = snap.accounts.credentials_by_email(selection.email)
        account = snap.accounts.get(credentials.ordinal) if credentials is not None else None
        return [account] if account is not None else []
    text = selection.username or selection.display_name or ""
    return snap.accounts.search(text.strip().removeprefix("@"), limit=SEARCHED)


def _kept(snap: Snapshot, selection: Selection, found: list[Account]) -> list[Account]:
    return [account for account in found if _fits(snap, selection, account)]


def _fits(snap: Snapshot, selection: Selection, account: Account) -> bool:
    state = snap.gate.state(account.ordinal)
    if state.deleted or (selection.roles is not None and account.role not in selection.roles):
        return False
    match selection.state:
        case "active":
            return state.active and not state.frozen
        case "suspended":
            return state.suspended
        case "silenced":
            return state.limited
        case "disabled":
            return state.frozen
        case "sensitized":
            return state.sensitive
        case _:
            return True
