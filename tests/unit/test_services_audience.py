"""Who finds a status in which timeline, asked from both sides: the two must agree."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pyroaring import BitMap
from tests.unit.world import World

from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import RostraError
from rostra.domain.lists import RepliesPolicy
from rostra.domain.statuses import Visibility
from rostra.services.discovery import tags
from rostra.services.moderation import enforcing
from rostra.services.reading import audience, timelines
from rostra.services.social_graph import lists, relationships

NAMES = ("a", "b", "c", "d", "e", "f")
TAGS = ("ships", "oars", "sails")


class Crowd:
    """A few people who do anything at random."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.world = World(folder)
        self.random = random.Random(seed)
        self.people = self.world.people(*NAMES)
        self.locked = self.world.account("g", locked=True)
        self.everybody = [*self.people, self.locked]
        self.lists: list[tuple[int, int]] = []
        self.posted: list[int] = []

    def one(self) -> int:
        return self.random.choice(self.everybody)

    async def post(self) -> None:
        words = [f"#{self.random.choice(TAGS)}"] if self.random.random() < 0.4 else ["word"]
        if self.random.random() < 0.3:
            words.append(f"@{self.random.choice(NAMES)}")
        parent = self.random.choice(self.posted[-8:] or [0])
        if self.random.random() < 0.3 and parent:
            words.append("answers")
        else:
            parent = 0
        self.posted.append(
            await self.world.post(
                self.one(),
                " ".join(words),
                visibility=self.random.choice((*[Visibility.PUBLIC] * 4, *Visibility)),
                language=self.random.choice((None, "de", "en")),
                in_reply_to_id=parent or None,
            )
        )

    async def boost(self) -> None:
        if self.posted:
            self.posted.append(
                await self.world.boost(self.one(), self.random.choice(self.posted[-12:]))
            )

    async def follow(self) -> None:
        actor, target = self.one(), self.one()
        languages = self.random.choice((None, None, ["de"]))
        reblogs = self.random.random() < 0.8
        await self.world.follow(actor, target, reblogs=reblogs, languages=languages)
        if target == self.locked:
            await relationships.authorize_request(self.world.ctx, actor=target, follower=actor)

    async def turn_away(self) -> None:
        act = self.random.choice(
            (
                relationships.mute,
                relationships.block,
                relationships.unmute,
                relationships.unblock,
                relationships.unfollow,
            )
        )
        await act(self.world.ctx, actor=self.one(), target=self.one())

    async def arrange(self) -> None:
        owner = self.one()
        made = await lists.create(
            self.world.ctx,
            actor=owner,
            title="some",
            replies=self.random.choice(list(RepliesPolicy)),
            exclusive=self.random.random() < 0.4,
        )
        self.lists.append((owner, made.id))
        for member in self.random.sample(self.everybody, 3):
            try:
                await lists.add_members(
                    self.world.ctx, actor=owner, list_id=made.id, members=[member]
                )
            except RostraError:
                continue

    async def tag(self) -> None:
        act = self.random.choice((tags.follow, tags.follow, tags.unfollow))
        await act(self.world.ctx, actor=self.one(), name=self.random.choice(TAGS))

    async def enforce(self) -> None:
        target = self.one()
        if self.random.random() < 0.5:
            await self.world.reinstate(target)
            return
        kind = self.random.choice((ActionKind.LIMIT, ActionKind.SUSPEND))
        await enforcing.act(
            self.world.ctx, moderator=None, target=target, kind=kind, ground="noise"
        )

    async def step(self) -> None:
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            *[self.post] * 10,
            *[self.follow] * 8,
            *[self.boost] * 3,
            *[self.turn_away] * 3,
            self.arrange,
            *[self.tag] * 2,
            self.enforce,
        )
        with contextlib.suppress(RostraError):
            await self.random.choice(kinds)()

    def check(self) -> None:
        with self.world.read() as snap:
            found = snap.statuses.many(self.posted)
            everybody = BitMap(snap.gate.active_among(self.everybody))
            homes = {one: timelines.home(snap, one, limit=400) for one in everybody}
            publics = {one: timelines.public(snap, one, limit=400) for one in everybody}
            anybody = timelines.public(snap, None, limit=400)
            held = {
                list_id: timelines.in_list(snap, owner, list_id, limit=400)
                for owner, list_id in self.lists
                if owner in everybody
            }
            values = [
                lists.show(snap, owner, list_id) for owner, list_id in self.lists if list_id in held
            ]

            def stands(page: list[int], status_id: int) -> bool:
                """Return whether a page has it, or a newer boost of the same in its place."""
                shown = found[status_id].reblog_of or status_id
                return any(
                    one >= status_id and (found[one].reblog_of or one) == shown for one in page
                )

            for status_id, status in found.items():
                at_home = audience.at_home(snap, status, everybody)
                in_public = audience.in_public(snap, status, everybody)
                in_lists = {each.id for each in audience.in_lists(snap, status, values)}
                for one in everybody:
                    assert (one in at_home) >= (status_id in homes[one])
                    assert (one in at_home) <= stands(homes[one], status_id)
                    assert (one in in_public) == (status_id in publics[one])
                assert audience.is_public(snap, status) == (status_id in anybody)
                for list_id, page in held.items():
                    assert (list_id in in_lists) >= (status_id in page)
                    assert (list_id in in_lists) <= stands(page, status_id)


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_read_is_what_is_delivered(tmp_path: Path, seed: int) -> None:
    crowd = Crowd(tmp_path, seed)
    for step in range(160):
        await crowd.step()
        if step % 20 == 19:
            crowd.check()
    assert crowd.posted
    await crowd.world.store.close()
