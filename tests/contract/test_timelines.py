"""Timelines against a brute-force reading of everything there is, in random worlds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest
from pyroaring import BitMap

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import State
from rostra.domain.events import AnyEvent, EverythingReplaced
from rostra.domain.ids import snowflake, snowflake_ms
from rostra.domain.lists import AccountList, RepliesPolicy
from rostra.domain.masks import Masks
from rostra.domain.relationships import FollowOptions
from rostra.domain.statuses import Status, Visibility
from rostra.domain.tags import TagFollow
from rostra.domain.visibility import Gate
from rostra.storage import recent_tags
from rostra.storage.accounts import AccountStoreWriter
from rostra.storage.database.sqlite import Database
from rostra.storage.enforcement import EnforcementStoreWriter
from rostra.storage.lists import ListStoreWriter
from rostra.storage.status_writer import StatusStoreWriter
from rostra.storage.tags import TagStoreWriter
from rostra.storage.timelines import TimelineIndex
from rostra.testing.memory_sets import MemorySets

ACCOUNTS = [*range(1, 12), 70_000, 4_000_000_000]
TAGS = ("ships", "oars", "sails", "masts")
START = 1_700_000_000_000


class World:
    """Statuses and relationships that change at random, and what each timeline should be."""

    def __init__(self, database: Database, capacity: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.database = database
        self.index = TimelineIndex(capacity)
        self.sets = MemorySets()
        self.masks = Masks()
        self.enforcement = EnforcementStoreWriter(
            database, lambda _: None, self.sets, lambda: self.now
        )
        self.gate = Gate(self.masks, self.sets, self.enforcement.veiled)
        self.timelines = self.index.bind(self.gate, self.sets, database)
        self.events: list[AnyEvent] = []
        self.writer = StatusStoreWriter(database, self.events.append)
        self.accounts = AccountStoreWriter(database, lambda _: None)
        self.tags = TagStoreWriter(database, self.events.append)
        self.lists = ListStoreWriter(database, self.events.append)
        self.followed: set[tuple[int, str]] = set()
        self.made: dict[int, AccountList] = {}
        self.statuses: dict[int, Status] = {}
        self.quiet: set[tuple[int, int]] = set()
        self.now = START

    def one(self) -> int:
        # Most that happens, happens among the first few.
        among = self.random.choice((4, len(ACCOUNTS)))
        account: int = ACCOUNTS[self.random.randrange(among)]
        return account

    def publish(self) -> None:
        for event in self.events:
            self.index.apply(event)
        self.events.clear()

    def post(self, *, late: bool = False) -> None:
        self.now += 1000
        at = START + self.random.randrange(self.now - START) if late else self.now
        status_id = snowflake(at, self.random.randrange(1, 60_000) if late else 0)
        kind = self.random.random()
        author = self.one()
        fields: dict[str, object] = {
            "visibility": Visibility(self.random.choice((0, 0, 0, 1, 2, 3)))
        }
        others = [s for s in self.statuses.values() if not s.reblog_of and s.id < status_id]
        if others and kind < 0.35:
            other = self.random.choice(others[-12:])
            fields = {"reblog_of": other.id, "visibility": Visibility.PUBLIC}
        elif others and kind < 0.6:
            other = self.random.choice(others[-12:])
            fields |= {"in_reply_to": other.id, "in_reply_to_author": other.author}
        elif kind < 0.63:
            fields |= {"in_reply_to": 5}  # to something that is gone
        if fields["visibility"] == Visibility.DIRECT:
            fields["mentions"] = tuple({self.one() for _ in range(self.random.randrange(3))})
        if "reblog_of" not in fields and self.random.random() < 0.3:
            fields["tags"] = tuple(self.random.sample(TAGS, self.random.randrange(1, 3)))
        status = Status(id=status_id, author=author, created_at=at, **fields)  # type: ignore[arg-type]
        if status_id not in self.statuses:
            self.writer.create(status)
            self.statuses[status_id] = status

    def delete(self) -> None:
        if self.statuses:
            status = self.random.choice([*self.statuses.values()])
            self.writer.delete(status)
            for boost in self.writer.boosts(status.id, limit=1000):  # as a job does
                self.writer.delete(boost)
            self.statuses = {
                key: other
                for key, other in self.statuses.items()
                if key != status.id and other.reblog_of != status.id
            }

    def relate(self) -> None:
        kind = self.random.choice((SetKind.FOLLOWING,) * 6 + (SetKind.MUTING, SetKind.BLOCKING))
        actor, target = self.one(), self.one()
        if actor == target:
            return
        change: Callable[[SetKey, int], bool] = self.random.choice(
            (self.sets.add, self.sets.add, self.sets.remove)
        )
        change(SetKey(actor, kind), target)
        if kind == SetKind.BLOCKING:
            self.sets.remove(SetKey(actor, SetKind.FOLLOWING), target)
            self.sets.remove(SetKey(target, SetKind.FOLLOWING), actor)

    def enforce(self) -> None:
        self.masks.apply(
            self.one(),
            State(suspended=self.random.random() < 0.3, limited=self.random.random() < 0.3),
        )

    def prefer(self) -> None:
        actor, target = self.one(), self.one()
        quiet = self.random.random() < 0.5
        self.accounts.set_follow_options(actor, target, FollowOptions(reblogs=not quiet))
        (self.quiet.add if quiet else self.quiet.discard)((actor, target))

    def follow_tag(self) -> None:
        viewer, tag = self.one(), self.random.choice(TAGS)
        if (viewer, tag) in self.followed:
            self.tags.unfollow(viewer, tag)
        else:
            self.tags.follow(viewer, TagFollow(len(self.statuses) * 10 + len(self.followed), tag))
        self.followed ^= {(viewer, tag)}

    def arrange(self) -> None:
        if self.made and self.random.random() < 0.7:
            value = self.random.choice([*self.made.values()])
            key = SetKey(value.id, SetKind.LIST_MEMBERS)
            self.random.choice((self.sets.add, self.sets.add, self.sets.remove))(key, self.one())
            return
        replies = self.random.choice(list(RepliesPolicy))
        exclusive = self.random.random() < 0.4
        id_, owner = len(self.made) + 1, self.one()
        if len(self.made) > 8:
            id_, owner = (value := self.random.choice([*self.made.values()])).id, value.account
        self.made[id_] = AccountList(
            account=owner, id=id_, title="x", replies=replies, exclusive=exclusive
        )
        self.lists.put(self.made[id_])

    def veil(self) -> None:
        since = START + self.random.randrange(self.now - START + 1)
        self.enforcement.veil(self.one(), self.one(), since, since + 20_000)

    def step(self) -> None:
        kinds = (self.post,) * 12 + (self.relate,) * 4
        others = (
            self.delete,
            self.enforce,
            self.prefer,
            self.veil,
            self.follow_tag,
            self.arrange,
            self.arrange,
        )
        self.random.choice((*kinds, *others))()
        self.publish()

    # -- the oracle ----------------------------------------------------------------------------

    def unwanted(self, viewer: int) -> BitMap:
        kinds = (SetKind.BLOCKING, SetKind.BLOCKED_BY, SetKind.MUTING)
        gone = BitMap([account for account in ACCOUNTS if not self.gate.active(account)])
        return gone.union(*(self.sets.bitmap(SetKey(viewer, kind)) for kind in kinds))

    def listed(self, viewer: int | None, author: int) -> bool:
        followed = SetKey(viewer or 0, SetKind.FOLLOWING)
        limited = self.gate.state(author).limited
        if viewer is None:
            return self.gate.active(author) and not limited
        welcome = author == viewer or self.sets.contains(followed, author)
        return author not in self.unwanted(viewer) and (welcome or not limited)

    def members(self, value: AccountList) -> BitMap:
        return self.sets.bitmap(SetKey(value.id, SetKind.LIST_MEMBERS))

    def in_home(self, viewer: int, status: Status) -> bool:
        if self.by_tag(viewer, status):
            return True
        apart = BitMap().union(
            *(
                self.members(value)
                for value in self.made.values()
                if value.account == viewer and value.exclusive
            )
        )
        if status.author in apart and status.author != viewer:
            return False
        return self.by_friend(viewer, status)

    def by_tag(self, viewer: int, status: Status) -> bool:
        return (
            status.visibility == Visibility.PUBLIC
            and status.reblog_of is None
            and any((viewer, tag) in self.followed for tag in status.tags)
            and self.listed(viewer, status.author)
        )

    def in_list(self, value: AccountList, status: Status) -> bool:
        owner, answered = value.account, status.in_reply_to_author
        if status.author not in self.members(value) or not self.by_friend(owner, status):
            return False
        if status.in_reply_to is None or answered in (status.author, owner):
            return True
        if value.replies == RepliesPolicy.LIST:
            return answered is not None and answered in self.members(value)
        return value.replies == RepliesPolicy.FOLLOWED

    def by_friend(self, viewer: int, status: Status) -> bool:
        unwanted = self.unwanted(viewer)
        friends = self.sets.bitmap(SetKey(viewer, SetKind.FOLLOWING)) - unwanted
        friends.add(viewer)
        if status.author not in friends:
            return False
        if status.reblog_of is not None:
            original = self.statuses[status.reblog_of].author
            if original in unwanted or (viewer, status.author) in self.quiet:
                return False
        if status.author == viewer:
            return True
        if status.visibility == Visibility.DIRECT and viewer not in status.mentions:
            return False
        if status.visibility == Visibility.PRIVATE and self.enforcement.veiled(
            viewer, status.author, snowflake_ms(status.id)
        ):
            return False
        if status.in_reply_to is None:
            return True
        answered = status.in_reply_to_author
        return answered is not None and (answered == status.author or answered in friends)

    def in_public(self, viewer: int | None, status: Status) -> bool:
        return (
            status.visibility == Visibility.PUBLIC
            and status.reblog_of is None
            and (status.in_reply_to is None or status.in_reply_to_author == status.author)
            and self.listed(viewer, status.author)
        )

    def page(
        self,
        fits: Callable[[Status], bool],
        limit: int,
        max_id: int | None,
        since_id: int | None,
        min_id: int | None,
    ) -> list[int]:
        span = [
            status
            for key, status in sorted(self.statuses.items())
            if (max_id is None or key < max_id)
            and key > (since_id or 0)
            and key > (min_id or 0)
            and fits(status)
        ]
        if min_id is None:
            span.reverse()
        shown: dict[int, int] = {}
        for status in span:
            if len(shown) == limit:
                break
            what = status.reblog_of or status.id
            shown[what] = max(status.id, shown.get(what, 0))
        return sorted(shown.values(), reverse=True)

    def check(self, viewers: Iterable[int]) -> None:
        for viewer in viewers:
            bound = {
                name: self.bound()
                for name in ("max_id", "since_id", "min_id")
                if self.random.random() < 0.4
            }
            limit = self.random.choice((1, 3, 20, 40))
            whole = {"max_id": None, "since_id": None, "min_id": None} | bound
            home = self.page(lambda s, v=viewer: self.in_home(v, s), limit, **whole)  # type: ignore[misc]
            assert self.timelines.home(viewer, limit=limit, **bound) == home
            for value in self.made.values():
                if value.account == viewer:
                    page = self.page(lambda s, v=value: self.in_list(v, s), limit, **whole)  # type: ignore[misc]
                    assert self.timelines.in_list(value, limit=limit, **bound) == page
            one = self.random.choice((viewer, None))
            public = self.page(lambda s, v=one: self.in_public(v, s), limit, **whole)  # type: ignore[misc]
            assert self.timelines.public(one, limit=limit, **bound) == public

    def bound(self) -> int:
        if not self.statuses:
            return snowflake(START)
        return self.random.choice([*self.statuses]) + self.random.choice((-1, 0, 1))


@pytest.mark.parametrize("capacity", [7, 60, 100_000])
@pytest.mark.parametrize("seed", range(4))
def test_every_page_is_what_the_rules_say(
    database: Database, capacity: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_tags, "HELD", 5)
    monkeypatch.setattr(recent_tags, "LOT", 3)
    world = World(database, capacity, seed)
    for step in range(400):
        world.step()
        if step % 4 == 0:
            world.check([world.one()])
    world.check(ACCOUNTS)
    world.index.apply(EverythingReplaced())
    world.check(ACCOUNTS)


@pytest.mark.parametrize("seed", range(2))
def test_statuses_older_than_the_newest_take_their_places(database: Database, seed: int) -> None:
    world = World(database, 100_000, seed)
    for step in range(200):
        world.step()
        if step % 5 == 0:
            world.post(late=True)
            world.publish()
        if step % 10 == 0:
            world.check([world.one()])
    world.check(ACCOUNTS)


def test_a_home_is_read_in_pages_without_a_gap_or_a_repetition(database: Database) -> None:
    world = World(database, 300, seed=9)
    for other in ACCOUNTS[1:]:
        world.sets.add(SetKey(1, SetKind.FOLLOWING), other)
    for _ in range(500):
        world.now += 1000
        status = Status(id=snowflake(world.now), author=world.one(), created_at=world.now)
        world.writer.create(status)
        world.statuses[status.id] = status
        world.publish()
    down: list[int] = []
    while page := world.timelines.home(1, limit=20, max_id=down[-1] if down else None):
        down += page
    up: list[int] = []
    while page := world.timelines.home(1, limit=20, min_id=up[0] if up else 0):
        up = page + up
    assert down == up == sorted(world.statuses, reverse=True)


def test_many_followed_authors_give_the_newest_of_all_of_them(database: Database) -> None:
    world = World(database, 100_000, seed=3)
    authors = list(range(10, 1_510))
    world.sets.add_many(SetKey(1, SetKind.FOLLOWING), authors)
    for author in [*authors, *authors[:700:7], *[authors[3]] * 60]:
        world.now += world.random.randrange(1, 5)
        status = Status(id=snowflake(world.now), author=author, created_at=world.now)
        world.writer.create(status)
        world.statuses[status.id] = status
    newest = sorted(world.statuses, reverse=True)
    assert world.timelines.home(1, limit=40) == newest[:40]
    assert world.timelines.home(1, limit=1000) == newest[:1000]
    assert world.timelines.home(1, limit=40, max_id=newest[500]) == newest[501:541]


def test_new_authors_are_found_however_many_there_are(database: Database) -> None:
    world = World(database, 100_000, seed=4)
    assert world.timelines.home(1, limit=5) == []
    authors = list(range(3_000, 0, -1))
    world.sets.add_many(SetKey(9_999, SetKind.FOLLOWING), authors)
    for author in authors:
        world.now += 1
        world.writer.create(Status(id=snowflake(world.now), author=author, created_at=world.now))
        world.publish()
    found = world.timelines.home(9_999, limit=3_000)
    assert len(found) == 3_000
    assert world.gate.wanted(9_999, BitMap(authors)) == BitMap(authors)


def test_nothing_is_shown_for_a_limit_of_nothing(database: Database) -> None:
    world = World(database, 10, seed=5)
    world.post()
    world.publish()
    assert world.timelines.home(1, limit=0) == world.timelines.public(None, limit=0) == []


def test_a_veiled_followers_only_status_does_not_shorten_the_page(database: Database) -> None:
    world = World(database, 100_000, seed=6)
    world.sets.add(SetKey(1, SetKind.FOLLOWING), 2)
    for visibility in (Visibility.PRIVATE, Visibility.PRIVATE, Visibility.PUBLIC) * 2:
        world.now += 1000
        status = Status(
            id=snowflake(world.now), author=2, created_at=world.now, visibility=visibility
        )
        world.writer.create(status)
        world.statuses[status.id] = status
    first, second, third, fourth, fifth, sixth = sorted(world.statuses)
    world.enforcement.veil(1, 2, snowflake_ms(second), snowflake_ms(fifth))
    assert world.timelines.home(1, limit=4) == [sixth, fifth, third, first]
    assert world.timelines.home(2, limit=4) == [sixth, fifth, fourth, third]
