"""What a crowd does: reads and writes of people who care for the star, and of all others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec
from msgspec import Struct

from rostra.ops.rehearsal.http import BROKEN
from rostra.ops.rehearsal.world import World
from rostra.testing.people import Person

FOLLOW: Final = "follow the star"
UNFOLLOW: Final = "unfollow the star"


class Request(Struct, frozen=True):
    """A request to send; ``comer`` is who begins or ends to follow the star by it, if anybody."""

    method: str
    path: str
    token: str
    body: bytes = b""
    comer: Person | None = None
    follows: bool = False


class Scene(Struct, frozen=True):
    """One thing somebody does: its name, how often (a weight), and whether it is about the star."""

    name: str
    weight: int
    star: bool
    play: Callable[[Actor], Request | None]


class Scenes:
    """Scenes to choose from by their weights."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.all = tuple(scenes)
        self._weights = [scene.weight for scene in scenes]

    def choose(self, random: Random) -> Scene:
        """Return one by chance."""
        return random.choices(self.all, self._weights)[0]


class Actor:
    """The people one process plays, and what they know of their own follows of the star.

    Args:
        world: who is who.
        random: chance.
        number: which process this is.
        of: how many there are; comers belong to one process each.
    """

    def __init__(self, world: World, random: Random, number: int, of: int) -> None:
        self.world = world
        self.random = random
        self._away = deque(world.comers[number::of])
        self._here: deque[Person] = deque()
        self._unsure: dict[int, Person] = {}

    def begin(self, scene: Scene) -> Request | None:
        """Return the request of a scene; None when nobody is free to play it."""
        return scene.play(self)

    def end(self, request: Request, status: int) -> None:
        """Note what came of a request."""
        comer = request.comer
        if comer is None:
            return
        if status == BROKEN or status >= 500:
            self._unsure[comer.ordinal] = comer  # it may have been done: ask nothing of them again
        elif (status == 200) == request.follows:
            self._here.append(comer)
        else:
            self._away.append(comer)

    def ending(self) -> tuple[list[int], list[int]]:
        """Return who follows the star, and of whom that is not known."""
        return [one.ordinal for one in self._here], list(self._unsure)

    # -- people and things -------------------------------------------------------------------------

    def fan(self) -> str:
        """Return a token of somebody who follows the star."""
        return self.random.choice(self.world.fans).token

    def bystander(self) -> str:
        """Return a token of somebody who does not."""
        return self.random.choice(self.world.bystanders).token

    def author(self) -> Person:
        """Return somebody else whom people follow."""
        return self.random.choice(self.world.authors)

    def comes(self) -> Request | None:
        """Return the request of a comer who begins to follow the star."""
        return self._follow(self._away, "follow", True)

    def leaves(self) -> Request | None:
        """Return the request of a comer who follows it no more."""
        return self._follow(self._here, "unfollow", False)

    def _follow(self, people: deque[Person], act: str, follows: bool) -> Request | None:
        if not people:
            return None
        comer = people.popleft()
        path = f"/api/v1/accounts/{self.world.star.id}/{act}"
        return Request("POST", path, comer.token, comer=comer, follows=follows)


# -- what they do ----------------------------------------------------------------------------------


def _get(path: Callable[[Actor], str], who: Callable[[Actor], str]) -> Callable[[Actor], Request]:
    return lambda actor: Request("GET", path(actor), who(actor))


def _post(path: Callable[[Actor], str], who: Callable[[Actor], str]) -> Callable[[Actor], Request]:
    return lambda actor: Request("POST", path(actor), who(actor))


def _say(actor: Actor) -> Request:
    body = msgspec.json.encode({"status": f"Overheard {actor.random.getrandbits(40):x}"})
    return Request("POST", "/api/v1/statuses", actor.bystander(), body)


def _one(actor: Actor) -> int:
    return actor.author().id


def _said(actor: Actor) -> int:
    return actor.random.choice(actor.world.others)


_Way = tuple[str, int, Callable[[Actor], str]]
_QUIET_READS: Final[tuple[_Way, ...]] = (
    ("home of others", 30, lambda _: "/api/v1/timelines/home?limit=20"),
    ("public timeline", 10, lambda _: "/api/v1/timelines/public?limit=20"),
    ("profile of others", 10, lambda a: f"/api/v1/accounts/{_one(a)}"),
    ("statuses of others", 8, lambda a: f"/api/v1/accounts/{_one(a)}/statuses?limit=20"),
    ("lookup of others", 10, lambda a: f"/api/v1/accounts/lookup?acct={a.author().username}"),
    ("button of others", 8, lambda a: f"/api/v1/accounts/relationships?id[]={_one(a)}"),
    ("search for others", 3, lambda a: f"/api/v2/search?q={a.author().username}&limit=5"),
    ("page of others", 4, lambda a: f"/@{a.author().username}"),
    ("notifications", 5, lambda _: "/api/v1/notifications?limit=20"),
)
_QUIET_WRITES: Final[tuple[_Way, ...]] = (
    ("like others", 4, lambda a: f"/api/v1/statuses/{_said(a)}/favourite"),
    ("unlike others", 3, lambda a: f"/api/v1/statuses/{_said(a)}/unfavourite"),
    ("follow others", 3, lambda a: f"/api/v1/accounts/{_one(a)}/follow"),
    ("unfollow others", 2, lambda a: f"/api/v1/accounts/{_one(a)}/unfollow"),
)
UNRELATED_READS: Final = frozenset(name for name, _, _ in _QUIET_READS)
"""The names of the reads that have nothing to do with the star."""


def quiet_scenes() -> Scenes:
    """Return what goes on whoever is suspended: nothing of it is about the star."""
    someone = Actor.bystander
    return Scenes(
        [
            *(Scene(name, w, False, _get(path, someone)) for name, w, path in _QUIET_READS),
            *(Scene(name, w, False, _post(path, someone)) for name, w, path in _QUIET_WRITES),
            Scene("post", 4, False, _say),
        ]
    )


def audience_scenes() -> Scenes:
    """Return what those do who come for the star."""

    def star(actor: Actor) -> str:
        return f"/api/v1/accounts/{actor.world.star.id}"

    def said(actor: Actor) -> int:
        return actor.random.choice(actor.world.statuses)

    reads: list[tuple[str, int, Callable[[Actor], str]]] = [
        ("profile", 20, star),
        ("lookup", 18, lambda a: f"/api/v1/accounts/lookup?acct={a.world.star.username}"),
        ("button", 15, lambda a: f"/api/v1/accounts/relationships?id[]={a.world.star.id}"),
        ("statuses", 15, lambda a: f"{star(a)}/statuses?limit=20"),
        ("home", 14, lambda _: "/api/v1/timelines/home?limit=20"),
        ("page", 6, lambda a: f"/@{a.world.star.username}"),
        ("followers", 4, lambda a: f"{star(a)}/followers?limit=20"),
    ]
    return Scenes(
        [
            *(Scene(name, weight, True, _get(path, Actor.fan)) for name, weight, path in reads),
            Scene(
                "like",
                5,
                True,
                _post(lambda a: f"/api/v1/statuses/{said(a)}/favourite", Actor.fan),
            ),
            Scene(FOLLOW, 6, True, Actor.comes),
            Scene(UNFOLLOW, 3, True, Actor.leaves),
        ]
    )
