"""Who would find a status in a timeline of theirs: the same rules that read timelines, asked from
the side of the status, for many accounts at once.

What these answer is what ``timelines`` would show each of them, but for the repetition of something
boosted, which a page leaves out and this does not know of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.lists import AccountList, RepliesPolicy
from rostra.domain.statuses import Status, Visibility
from rostra.ports import Snapshot
from rostra.services.reading.threads import original
from rostra.services.social_graph.lists import members_of

_TOWARD_AUTHOR = (SetKind.MUTED_BY, SetKind.BLOCKED_BY, SetKind.BLOCKING)
_TOWARD_MENTIONED = (SetKind.MUTED_BY, SetKind.BLOCKED_BY)


def at_home(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` in whose home timeline a status stands.

    Args:
        snap: the view.
        status: a status or boost.
        among: ordinals, those with an open stream for example.
    """
    source = original(snap, status)
    if source is None:
        return BitMap()
    readers = _readers(snap, status, among)
    if readers and (elsewhere := _exclusive_readers(snap, status.author, readers)):
        readers -= elsewhere
    home = _for_friends(snap, status, source, readers)
    return home | _by_tag(snap, status, among - home)


def in_lists(snap: Snapshot, status: Status, lists: Sequence[AccountList]) -> list[AccountList]:
    """Return those of ``lists`` in whose timeline a status stands."""
    source = original(snap, status)
    held = snap.sets.contained_in([members_of(each.id) for each in lists], status.author)
    with_author = [each for each, is_in in zip(lists, held, strict=True) if is_in]
    if source is None or not with_author:
        return []
    owners = _readers(snap, status, BitMap([each.account for each in with_author]))
    hearing = _for_friends(snap, status, source, owners)
    return [
        each for each in with_author if each.account in hearing and _list_takes(snap, each, status)
    ]


def _list_takes(snap: Snapshot, value: AccountList, status: Status) -> bool:
    """Return whether a list shows what is shown to its owner, by what it answers."""
    answered = status.in_reply_to_author
    if status.in_reply_to is None or answered in (status.author, value.account):
        return True
    if value.replies == RepliesPolicy.LIST:
        return answered is not None and snap.sets.contains(members_of(value.id), answered)
    return value.replies == RepliesPolicy.FOLLOWED


def may_be_listed(snap: Snapshot, status: Status) -> bool:
    """Return whether a status may stand in hashtag timelines for anybody."""
    return (
        status.reblog_of is None
        and status.visibility == Visibility.PUBLIC
        and bool(snap.gate.listed(None, BitMap([status.author])))
    )


def is_public(snap: Snapshot, status: Status) -> bool:
    """Return whether a status stands in the public timeline for anybody."""
    answers_other = status.in_reply_to is not None and status.in_reply_to_author != status.author
    return not answers_other and may_be_listed(snap, status)


def in_public(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` whose public timeline has a status."""
    answers_other = status.in_reply_to is not None and status.in_reply_to_author != status.author
    return BitMap() if answers_other else in_tags(snap, status, among)


def in_tags(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` whose timelines of a hashtag that a status has show it."""
    if status.reblog_of is not None or status.visibility != Visibility.PUBLIC:
        return BitMap()
    author = status.author
    if not snap.gate.active(author):
        return BitMap()
    listed = BitMap(among)
    if snap.gate.state(author).limited:
        listed = _within(snap, SetKey(author, SetKind.FOLLOWERS), among)
    if author in among:
        listed.add(author)
    return listed - _turned_away(snap, [author], _TOWARD_AUTHOR, listed)


# -- the steps -------------------------------------------------------------------------------------


def _within(snap: Snapshot, key: SetKey, among: BitMap) -> BitMap:
    """Return those of ``among`` that are in a set, whatever its size."""
    if not among or not snap.sets.size(key):
        return BitMap()
    members = list(among)
    is_in = snap.sets.contains_many(key, members)
    return BitMap([member for member, has in zip(members, is_in, strict=True) if has])


def _readers(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` who follow the author and want to hear of it, and itself."""
    author = status.author
    if not snap.gate.active(author):
        return BitMap()
    among = BitMap(snap.gate.active_among(among))
    readers = _within(snap, SetKey(author, SetKind.FOLLOWERS), among)
    readers -= _turned_away(snap, [author], _TOWARD_AUTHOR, readers)
    if author in among:
        readers.add(author)
    return readers


def _turned_away(
    snap: Snapshot, accounts: Iterable[int], kinds: Iterable[SetKind], among: BitMap
) -> BitMap:
    """Return those of ``among`` who mute or block any of ``accounts``, or are blocked by one."""
    away = BitMap()
    for account in accounts:
        for kind in kinds:
            away |= _within(snap, SetKey(account, kind), among)
    return away


def _exclusive_readers(snap: Snapshot, author: int, readers: BitMap) -> BitMap:
    """Return those of ``readers`` who have an author in an exclusive list."""
    others = readers - BitMap([author])
    lists = snap.lists.exclusive(others)
    held = snap.sets.contained_in([members_of(each.id) for each in lists], author)
    return BitMap([each.account for each, is_in in zip(lists, held, strict=True) if is_in])


def _for_friends(snap: Snapshot, status: Status, source: Status, readers: BitMap) -> BitMap:
    """Return those of ``readers`` who are shown a status of somebody they follow."""
    author = status.author
    found = BitMap(readers)
    if not found or not snap.gate.active(source.author):
        return BitMap()
    if status.reblog_of is not None:
        found -= _turned_away(snap, [source.author], _TOWARD_AUTHOR, found)
    own = found & BitMap([author])
    found -= own
    found -= _turned_away(snap, _named(status, source), _TOWARD_MENTIONED, found)
    if status.in_reply_to is not None and status.in_reply_to_author != author:
        found = _of_friends(snap, status.in_reply_to_author, found)
    if status.visibility == Visibility.DIRECT:
        found &= BitMap(status.mentions)
    found -= _put_off_by_options(snap, status, source, found)
    found |= own
    if max(status.visibility, source.visibility) < Visibility.PRIVATE:
        return found
    veiled = status.visibility == Visibility.PRIVATE
    return BitMap(
        [
            reader
            for reader in found
            if snap.gate.may_see_status(reader, status)
            and snap.gate.may_see_status(reader, source)
            and (
                reader == author
                or not veiled
                or not snap.gate.veiled(reader, author, status.created_at)
            )
        ]
    )


def _named(status: Status, source: Status) -> set[int]:
    return {*status.mentions, *source.mentions}


def _of_friends(snap: Snapshot, answered: int | None, readers: BitMap) -> BitMap:
    """Return those of ``readers`` who follow and want to hear of one, and that one itself."""
    if answered is None:
        return BitMap()
    found = readers & BitMap([answered])
    if snap.gate.active(answered):
        friends = _within(snap, SetKey(answered, SetKind.FOLLOWERS), readers)
        found |= friends - _turned_away(snap, [answered], _TOWARD_AUTHOR, friends)
    return found


def _put_off_by_options(snap: Snapshot, status: Status, source: Status, readers: BitMap) -> BitMap:
    """Return who follows the author without its boosts, or in other languages."""
    if not readers:
        return readers
    language = source.language
    options = snap.accounts.options_toward(status.author, list(readers))
    return BitMap(
        [
            reader
            for reader, wanted in options.items()
            if (status.reblog_of is not None and not wanted.reblogs)
            or (wanted.languages and language is not None and language not in wanted.languages)
        ]
    )


def _by_tag(snap: Snapshot, status: Status, among: BitMap) -> BitMap:
    """Return those of ``among`` who follow a hashtag of a public status."""
    if not status.tags or not among:
        return BitMap()
    followers = BitMap()
    for tag in status.tags:
        number = snap.tags.number(tag)
        if number is not None:
            followers |= _within(snap, SetKey(number, SetKind.TAG_FOLLOWERS), among)
    found = in_tags(snap, status, BitMap(snap.gate.active_among(followers)))
    found -= _turned_away(snap, _named(status, status), _TOWARD_MENTIONED, found)
    return found - _put_off_by_options(snap, status, status, found)
