"""Groups against the list of single notifications: the same things, counted and cut alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from tests.unit.world import DAY_MS, World

from rostra.domain.notifications import Notification, Policy, Verdict, group_key
from rostra.services import statuses
from rostra.services.notifying import grouping, notifications, requesting
from rostra.services.notifying.grouping import NotificationGroup
from rostra.services.notifying.notifications import Wanted
from rostra.services.social_graph import relationships

ROUNDS = 120
LATER = 25
"""Acts before anything is checked, so that there is something to be found."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.store.close()


class Chance:
    """Does random things to one account, by others and by itself."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.owner = world.account("owner")
        self.others = world.people(*"bcdefghij")
        self.away: set[int] = set()
        self.posted: list[int] = []

    async def act(self) -> None:
        """Do one thing; what is refused did not happen."""
        self.world.tick(self.random.choice([10, 10, 60_000, DAY_MS // 5]))
        verbs = [
            *(self.like, self.boost, self.follow) * 6,
            *(self.mention, self.dismiss, self.set_policy) * 2,
            *(self.post, self.unlike, self.unfollow, self.mute, self.block, self.suspend),
            self.dismiss_group,
        ]
        await self.random.choice(verbs)()

    @property
    def other(self) -> int:
        return self.random.choice([one for one in self.others if one not in self.away] or [-1])

    async def post(self) -> None:
        self.posted.append(await self.world.post(self.owner))

    async def like(self) -> None:
        if self.posted and self.other > 0 and not await self.blocked(who := self.other):
            await self.world.like(who, self.random.choice(self.posted))

    async def blocked(self, who: int) -> bool:
        with self.world.read() as snap:
            return who < 0 or snap.gate.blocks(self.owner, who)

    async def unlike(self) -> None:
        if self.posted and not await self.blocked(who := self.other):
            status = self.random.choice(self.posted)
            await statuses.unfavourite(self.world.ctx, actor=who, status_id=status)

    async def boost(self) -> None:
        if self.posted and not await self.blocked(who := self.other):
            await self.world.boost(who, self.random.choice(self.posted))

    async def follow(self) -> None:
        if not await self.blocked(who := self.other):
            ends = (who, self.owner) if self.random.random() < 0.7 else (self.owner, who)
            await self.world.follow(*ends)

    async def unfollow(self) -> None:
        if (who := self.other) > 0:
            await relationships.unfollow(self.world.ctx, actor=who, target=self.owner)

    async def mention(self) -> None:
        if not await self.blocked(who := self.other):
            await self.world.post(who, "@owner hail")

    async def mute(self) -> None:
        change = self.random.choice([relationships.mute, relationships.unmute])
        if (who := self.other) > 0:
            await change(self.world.ctx, actor=self.owner, target=who)  # type: ignore[operator]

    async def block(self) -> None:
        change = self.random.choice([relationships.block, relationships.unblock])
        if (who := self.other) > 0:
            await change(self.world.ctx, actor=self.owner, target=who)

    async def suspend(self) -> None:
        who = self.random.choice(self.others)
        if who in self.away:
            self.away.remove(who)
            await self.world.reinstate(who)
        else:
            self.away.add(who)
            await self.world.suspend(who)

    async def dismiss(self) -> None:
        found = single(self.world, self.owner)
        if found:
            one = self.random.choice(found)
            await notifications.dismiss(self.world.ctx, actor=self.owner, notification_id=one.id)
        if self.random.random() < 0.02:
            await notifications.clear(self.world.ctx, actor=self.owner)

    async def dismiss_group(self) -> None:
        found = grouped(self.world, self.owner)
        if found:
            key = self.random.choice(found).key
            await grouping.dismiss(self.world.ctx, actor=self.owner, key=key)

    async def set_policy(self) -> None:
        rules = Policy.__struct_fields__
        changes = dict.fromkeys(rules, Verdict.ACCEPT)
        changes[self.random.choice(rules)] = self.random.choice(list(Verdict))
        await requesting.set_policy(self.world.ctx, actor=self.owner, changes=changes)


def single(world: World, account: int, *, filtered: bool = False) -> list[Notification]:
    with world.read() as snap:
        return notifications.page(snap, account, limit=1000, filtered=filtered)


def grouped(world: World, account: int, *, filtered: bool = False) -> list[NotificationGroup]:
    wanted = Wanted(filtered=filtered)
    with world.read() as snap:
        return grouping.page(snap, account, limit=1000, wanted=wanted, cursors={})


def check(world: World, owner: int, *, filtered: bool) -> None:
    listed = single(world, owner, filtered=filtered)
    assert [one.id for one in listed] == sorted({one.id for one in listed}, reverse=True)
    expected: dict[str, list[Notification]] = {}
    for one in listed:
        expected.setdefault(group_key(one), []).append(one)
    found = grouped(world, owner, filtered=filtered)
    assert [one.key for one in found] == list(expected)
    for group in found:
        members = expected[group.key]
        assert group.newest == members[0]
        assert group.count == len(members)
        assert group.sources == tuple(one.source for one in members[:2])
    page(world, owner, found, filtered=filtered)
    by_source(world, owner, listed, filtered=filtered)


def page(world: World, owner: int, whole: list[NotificationGroup], *, filtered: bool) -> None:
    """See that pages, down and up, meet each group once and say how far each reaches."""
    wanted = Wanted(filtered=filtered)
    listed = single(world, owner, filtered=filtered)
    with world.read() as snap:
        down: list[NotificationGroup] = []
        last: int | None = None
        while lot := grouping.page(snap, owner, limit=3, wanted=wanted, cursors={"max_id": last}):
            last = lot[-1].newest.id
            for group in lot:
                within = [one for one in listed if group_key(one) == group.key and one.id >= last]
                assert group.oldest_listed == within[-1].id
            down += lot
        up: list[NotificationGroup] = []
        first = 0
        while lot := grouping.page(snap, owner, limit=3, wanted=wanted, cursors={"min_id": first}):
            first = lot[0].newest.id
            up = lot + up
        for place in range(0, len(listed), 5):
            above = listed[place].id
            unread = {group_key(one) for one in listed if one.id > above}
            since = grouping.page(
                snap, owner, limit=1000, wanted=wanted, cursors={"since_id": above}
            )
            assert {group.key for group in since} == unread
            nearest = notifications.page(snap, owner, limit=4, min_id=above, filtered=filtered)
            assert nearest == listed[max(0, place - 4) : place]
    keys = [group.key for group in whole]
    assert [group.key for group in down] == [group.key for group in up] == keys


def by_source(world: World, owner: int, listed: list[Notification], *, filtered: bool) -> None:
    """See that what one account did is found from its own side as well."""
    if not filtered:  # of one account all is shown
        return
    with world.read() as snap:
        for account in snap.accounts.many({one.source for one in listed}).values():
            found = notifications.page(snap, owner, limit=1000, account_id=account.id)
            assert found == [one for one in listed if one.source == account.ordinal]
            lot = notifications.page(snap, owner, limit=2, account_id=account.id, min_id=0)
            assert lot == found[-2:]


@pytest.mark.parametrize("seed", range(4))
async def test_groups_are_the_single_ones_together(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "SAMPLED", 2)
    chance = Chance(world, seed)
    for _ in range(3):
        await chance.post()
    for number in range(ROUNDS):
        await chance.act()
        if number > LATER and number % 5 == 0:
            check(world, chance.owner, filtered=False)
            check(world, chance.owner, filtered=True)
