"""Asking as sampled followers, and as accounts that do not follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from random import Random
from typing import Any, Final

from msgspec import Struct
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Account
from rostra.domain.relationships import FollowOptions
from rostra.domain.statuses import Status, Visibility
from rostra.domain.words import how_many, noun
from rostra.ports import Snapshot, Visit, Visitor
from rostra.services.probing.asking import Question, Verdict, Window, right, wrong
from rostra.services.social_graph.lists import members_of

STARTS: Final = 5
AT_ONCE: Final = 40
COUNTED: Final = 40
"""Of how many followers the following count is looked at."""

HOMES: Final = 3
"""How many followers' homes are looked at, and how many statuses in each."""

_SAID: Final = (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.PRIVATE)


class Sampled(Struct, frozen=True):
    """Accounts to ask as, by their ordinals: some that follow, and some that do not."""

    followers: Mapping[int, Account]
    strangers: Mapping[int, Account]

    @property
    def everybody(self) -> dict[int, Account]:
        """All of them."""
        return {**self.followers, **self.strangers}


def sample(snap: Snapshot, account: int, *, count: int, random: Random) -> Sampled:
    """Return ``count`` followers and as many others by chance, of those who can ask for anything.

    All followers when there are no more.
    """
    members = snap.sets.bitmap(SetKey(account, SetKind.FOLLOWERS))
    if len(members) <= 2 * count:
        chosen = list(members)
    else:
        chosen = [members[place] for place in random.sample(range(len(members)), 2 * count)]
    followers = _able(snap, chosen)
    others = _anybody(snap, random)
    if len(followers) < min(count, len(members)):
        followers |= _able(snap, [one for one in others if one in members])
    strangers = _able(snap, [one for one in others if one not in members and one != account])
    return Sampled(_some(followers, count, random), _some(strangers, count, random))


def _some(found: dict[int, Account], count: int, random: Random) -> dict[int, Account]:
    chosen = random.sample(sorted(found), min(count, len(found)))
    return {ordinal: found[ordinal] for ordinal in chosen}


def _able(snap: Snapshot, accounts: Iterable[int]) -> dict[int, Account]:
    """Return those of ``accounts`` that exist for others and may act."""
    active = BitMap(snap.gate.active_among(accounts))
    able = active - snap.gate.barred(active)
    service = snap.access.service_account()
    return {one: found for one, found in snap.accounts.many(able).items() if one != service}


def _anybody(snap: Snapshot, random: Random) -> list[int]:
    """Return accounts from all over the time there have been any."""
    newest = snap.accounts.page(limit=1)
    if not newest:
        return []
    found: dict[int, None] = {}
    for _ in range(STARTS):
        below = random.randrange(newest[0].id) + 2
        found |= {one.ordinal: None for one in snap.accounts.page(limit=AT_ONCE, max_id=below)}
    found |= {one.ordinal: None for one in snap.accounts.page(limit=AT_ONCE)}
    return list(found)


# -- what is asked as them -------------------------------------------------------------------------


def relationships(
    account: Account, people: Mapping[int, Account], tokens: Mapping[int, str], *, name: str
) -> Question[dict[int, bool]]:
    """Return the question what the account is to several people.

    Args:
        account: the account that came back.
        people: who ask, by their ordinals.
        tokens: what they ask with; who has none does not.
        name: the name of the probe.
    """
    asking = [ordinal for ordinal in people if ordinal in tokens]
    path, params = "/api/v1/accounts/relationships", {"id[]": str(account.id)}

    async def ask(one: Visitor, _: object) -> dict[int, Visit]:
        return {who: await one.ask(path, token=tokens[who], params=params) for who in asking}

    return Question(
        name=name,
        truth=lambda snap: {who: snap.gate.follows(who, account.ordinal) for who in asking},
        ask=ask,
        judge=partial(_related, SetKey(account.ordinal, SetKind.FOLLOWERS)),
    )


def _related(key: SetKey, window: Window[dict[int, bool]], answers: dict[int, Visit]) -> Verdict:
    moved = window.toggled(key)  # followed and unfollowed again, say, while they were asked
    for who, answer in answers.items():
        data = answer.json()
        if answer.status == 401 or answer.status == 403:
            continue  # it may not act any more
        if answer.status != 200 or not isinstance(data, list):
            return wrong(f"answered {answer.status} where a relationship should be")
        if not data:
            return wrong("leaves the account out of the relationships, as one that is suspended")
        said, truths = data[0].get("following"), {window.before[who], window.after[who]}
        if said not in truths and who not in moved:
            return wrong(f"says following: {said} to account {who}, stored is {truths.pop()}")
    follow = sum(window.after.values())
    verb = noun(follow, "follows", "follow")
    return right(f"{follow} of {len(answers)} asked {verb} it, as stored")


def following_counts(people: Mapping[int, Account]) -> Question[dict[int, int]]:
    """Return the question how many accounts each of several people is shown to follow."""

    people = dict(list(people.items())[:COUNTED])
    params = {f"id[{place}]": str(one.id) for place, one in enumerate(people.values())}

    def truth(snap: Snapshot) -> dict[int, int]:
        return {who: snap.gate.visible_count(SetKey(who, SetKind.FOLLOWING)) for who in people}

    return Question(
        name="following",
        truth=truth,
        ask=lambda one, _: one.ask("/api/v1/accounts", params=params),
        judge=partial(_following, {str(one.id): who for who, one in people.items()}),
    )


def _following(people: dict[str, int], window: Window[dict[int, int]], answer: Visit) -> Verdict:
    data = answer.json()
    if answer.status != 200 or not isinstance(data, list):
        return wrong(f"answered {answer.status} where accounts should be")
    said = {people[one["id"]]: one["following_count"] for one in data}
    for who, before in window.before.items():
        numbers = window.counts(SetKey(who, SetKind.FOLLOWING), before, window.after[who])
        if who in said and said[who] not in numbers:
            return wrong(f"says that account {who} follows {said[who]}, stored is {min(numbers)}")
    return right(f"following counts of {how_many(len(said), 'follower')} are as stored")


# -- homes -----------------------------------------------------------------------------------------


def homes(
    account: Account, people: Mapping[int, Account], tokens: Mapping[int, str]
) -> Question[dict[int, list[int]]]:
    """Return the question whether the newest statuses stand in followers' homes, at their places.

    Only homes are looked at that show all their owner's friends say.
    """
    asking = [ordinal for ordinal in people if ordinal in tokens]
    key = SetKey(account.ordinal, SetKind.FOLLOWERS)

    def truth(snap: Snapshot) -> dict[int, list[int]]:
        said = [
            status
            for status in snap.statuses.by_author(
                account.ordinal,
                visibilities=_SAID,
                exclude_replies=True,
                exclude_reblogs=True,
                limit=HOMES,
            )
            if not status.mentions
        ]
        shown = {who: _shown_to(snap, who, account.ordinal, said) for who in asking}
        return dict([(who, ids) for who, ids in shown.items() if ids][:HOMES])

    async def ask(one: Visitor, expected: dict[int, list[int]]) -> dict[tuple[int, int], Visit]:
        found = {}
        for who, ids in expected.items():
            for id_ in ids:
                params = {"max_id": str(id_ + 1), "limit": "1"}
                answer = await one.ask("/api/v1/timelines/home", token=tokens[who], params=params)
                found[who, id_] = answer
        return found

    return Question(name="home", truth=truth, ask=ask, judge=partial(_at_home, key))


def _shown_to(snap: Snapshot, viewer: int, author: int, said: list[Status]) -> list[int]:
    """Return which statuses must stand in a home, by the simplest rule: it follows, and has neither
    muted nor sorted out anything.
    """
    kept = snap.accounts.kept(viewer, [author]).get(author)
    exclusive = snap.lists.exclusive([viewer])
    if (
        not snap.gate.follows(viewer, author)
        or author in snap.gate.unwanted_by(viewer)
        or author in snap.gate.blocked_either_way(viewer)
        or (kept is not None and kept.follow != FollowOptions())
        or any(snap.sets.contains(members_of(one.id), author) for one in exclusive)
    ):
        return []
    return [
        status.id
        for status in said
        if status.visibility != Visibility.PRIVATE
        or not snap.gate.veiled(viewer, author, status.created_at)
    ]


def _at_home(
    key: SetKey, window: Window[dict[int, list[int]]], answers: dict[tuple[int, int], Visit]
) -> Verdict:
    looked, moved = 0, window.toggled(key)
    for (who, id_), answer in answers.items():
        kept = id_ in window.before.get(who, ()) and id_ in window.after.get(who, ())
        if not kept or who in moved:
            continue  # deleted, muted or unfollowed meanwhile
        if answer.status in (401, 403):
            continue  # it may not act any more
        data: Any = answer.json()
        if answer.status != 200 or not isinstance(data, list):
            return wrong(f"answered {answer.status} where a home should be")
        first = data[0].get("id") if data else None
        if first != str(id_):
            return wrong(f"the home of account {who} has {first} where status {id_} should be")
        looked += 1
    if not looked:
        return right("no follower that was asked has anything of it to see at home")
    stand = how_many(looked, "status stands at its place", "statuses stand at their places")
    return right(f"{stand} in followers' homes")
