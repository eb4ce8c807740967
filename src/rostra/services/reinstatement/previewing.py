"""The profile of an account as it will be once it is back, for moderators."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.enforcement import State
from rostra.domain.errors import NotFound
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Snapshot
from rostra.services.attachments import emojis
from rostra.services.reading.hydration import AccountView, boost_and_like_counts, reply_count

STATUSES: Final = 20
LOOKED_AT: Final = 80


class PreviewedStatus(Struct, frozen=True):
    """A status as it will be seen, with its counts as they will be; of a boost the original's."""

    status: Status
    original: Status | None
    replies: int
    boosts: int
    likes: int


class Preview(Struct, frozen=True):
    """What anybody will see of an account: the profile with its counts, and its newest statuses."""

    view: AccountView
    statuses: tuple[PreviewedStatus, ...]


def preview(snap: Snapshot, target: int) -> Preview:
    """Return the profile of an account as it will be; reading it makes this worker ready for it.

    Args:
        snap: the view, of the worker whose memory is to hold the account's sets.
        target: the account, suspended or not.

    Raises:
        NotFound: there is no such account, or it was deleted.
    """
    account = snap.gate.require_account(snap.accounts.get(target))
    gate = snap.gate
    last = snap.statuses.last_by_author(target)
    view = AccountView(
        account=account,
        state=_afterwards(gate.state(target)),
        followers=gate.size_active(SetKey(target, SetKind.FOLLOWERS)),
        following=gate.size_active(SetKey(target, SetKind.FOLLOWING)),
        statuses=snap.statuses.count_by_author(target),
        last_status_at=None if last is None else last.created_at,
        emojis=emojis.used(snap, account.display_name, account.note, *_words(account)),
    )
    newest = snap.statuses.by_author(target, limit=LOOKED_AT)
    shown = [one for one in newest if one.visibility <= Visibility.UNLISTED][:STATUSES]
    originals = snap.statuses.many({one.reblog_of for one in shown if one.reblog_of is not None})
    found = (_previewed(snap, one, originals) for one in shown)
    return Preview(view, tuple(one for one in found if one is not None))


def _afterwards(state: State) -> State:
    return msgspec.structs.replace(state, suspended=False)


def _words(account: Account) -> list[str]:
    return [word for field in account.fields for word in (field.name, field.value)]


def _previewed(
    snap: Snapshot, status: Status, originals: dict[int, Status]
) -> PreviewedStatus | None:
    source = status
    if status.reblog_of is not None:
        boosted = originals.get(status.reblog_of)
        try:
            source = snap.gate.require_status(None, boosted)
        except NotFound:
            return None
    boosts, likes = boost_and_like_counts(snap, source.id)
    return PreviewedStatus(
        status=status,
        original=None if source is status else source,
        replies=reply_count(snap, source.id),
        boosts=boosts,
        likes=likes,
    )
