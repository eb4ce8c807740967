"""Building a world, in a process of its own that tells on its output how far it is.

``python -m rostra.ops.rehearsal.build FOLDER FOLLOWERS PEOPLE SEED`` makes ``FOLDER/data`` and, as
its last act, ``FOLDER/world.json``.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from rostra.config import Settings
from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Role
from rostra.ops.opening import context_of, make_folder, open_store
from rostra.ops.processes import die_with
from rostra.ops.rehearsal import marker, world
from rostra.ops.rehearsal.world import Sizes, World
from rostra.ports import Context
from rostra.services import accounts, statuses
from rostra.services.attachments import uploads
from rostra.services.statuses import Draft
from rostra.storage.bulk import load_edges, load_set
from rostra.storage.store import SqliteStore
from rostra.testing import pictures
from rostra.testing.people import Person, settle, write_statuses
from rostra.testing.worlds import Members, Times, arrivals, sample

WATCHERS: Final = 2
AUTHORS: Final = 30
FOLLOWED: Final = 10
NEWEST: Final = 20
YEARS: Final = 4.0
TELL_SECONDS: Final = 0.2

Tell = Callable[[str, int, int], None]
"""(what is done, how much of it, of how much)."""


class Cast(Struct, frozen=True):
    """The people of a world that can sign in."""

    star: Person
    moderator: Person
    watchers: list[Person]
    authors: list[Person]
    comers: list[Person]
    bystanders: list[Person]
    fans: list[Person]


def build(folder: Path, sizes: Sizes, tell: Tell) -> World:
    """Make the world, and write down who is who in it."""
    started = time.monotonic()
    rng = np.random.default_rng(sizes.seed)
    data = folder / world.DATA
    make_folder(data)
    marker.mark(data)
    settings = Settings(data=data)
    store = open_store(settings)
    tell("people", 0, sizes.people)
    cast = _settle(store, sizes)
    tell("people", sizes.people, sizes.people)
    visible = _edges(store, sizes, cast, rng, tell)
    ctx = context_of(settings, store)
    said, picture = asyncio.run(_speak(ctx, cast))
    others = write_statuses(store, [one.ordinal for one in cast.authors] * 3, "Seen from here")
    store.close_now()
    found = World(
        sizes=sizes,
        star=cast.star,
        moderator=cast.moderator,
        fans=tuple(cast.fans),
        comers=tuple(cast.comers),
        bystanders=tuple(cast.bystanders),
        watchers=tuple(cast.watchers),
        authors=tuple(cast.authors),
        visible=visible,
        newest=tuple(one.id for one in reversed(cast.fans[-NEWEST:])),
        statuses=tuple(reversed(said)),
        others=tuple(others),
        picture=picture,
        built_at=time.time(),
        built_seconds=round(time.monotonic() - started, 1),
        built_peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1),
        bytes=sum(path.stat().st_size for path in data.rglob("*") if path.is_file()),
    )
    world.write(folder, found)
    return found


def _settle(store: SqliteStore, sizes: Sizes) -> Cast:
    star = settle(store, ["star"])[0]
    moderator = settle(store, ["moderator"], role=Role.MODERATOR)[0]
    watchers = settle(store, [f"watcher{n}" for n in range(WATCHERS)])
    authors = settle(store, [f"author{n}" for n in range(AUTHORS)])
    each = sizes.people // 4
    comers = settle(store, [f"comer{n}" for n in range(each)])
    bystanders = settle(store, [f"bystander{n}" for n in range(each)])
    fans = settle(store, [f"fan{n}" for n in range(sizes.people - 2 * each)])
    return Cast(star, moderator, watchers, authors, comers, bystanders, fans)


# -- who follows whom ------------------------------------------------------------------------------


def _edges(
    store: SqliteStore, sizes: Sizes, cast: Cast, rng: np.random.Generator, tell: Tell
) -> int:
    """Load the followers and the mask; return how many of the star's followers can be seen."""
    first = cast.fans[-1].ordinal + 1
    last = first + sizes.ordinals
    store.write_now(lambda tx: tx.accounts.reserve_ordinals(last + 1 - first))
    own = np.array([one.ordinal for one in (*cast.watchers, *cast.fans)], dtype=np.uint32)
    tell("a crowd", 0, 1)
    crowd = np.concatenate([sample(rng, sizes.followers - len(own), first, last), own])
    hidden = sample(rng, sizes.hidden, first, last)
    load_set(
        store, SetKey(SERVER, SetKind.SUSPENDED), hidden, arrivals(rng, len(hidden), years=YEARS)
    )
    is_hidden = np.zeros(last + 1, dtype=bool)
    is_hidden[hidden] = True
    visible = int(np.count_nonzero(~is_hidden[crowd]))
    del is_hidden, hidden
    owners, members, times = _with_authors(cast, crowd, rng)
    tell("a crowd", 1, 1)
    del crowd
    load_edges(
        store,
        SetKind.FOLLOWERS,
        owners,
        members,
        times,
        lambda done, total: tell("edges, both sides", done, total),
    )
    return visible


def _with_authors(
    cast: Cast, crowd: Members, rng: np.random.Generator
) -> tuple[Members, Members, Times]:
    """Return all edges: those to the star, and those of people to some authors each."""
    ordinals = np.array([one.ordinal for one in cast.authors], dtype=np.uint32)
    readers = [*cast.comers, *cast.bystanders, *cast.fans]
    chosen = np.stack([rng.permutation(ordinals)[:FOLLOWED] for _ in readers])
    followers = np.repeat(np.array([one.ordinal for one in readers], dtype=np.uint32), FOLLOWED)
    owners = np.concatenate([np.full(len(crowd), cast.star.ordinal, np.uint32), chosen.ravel()])
    members = np.concatenate([crowd, followers])
    times: NDArray[np.int64] = np.concatenate(
        [
            arrivals(rng, len(crowd), years=YEARS),
            arrivals(rng, len(followers), years=YEARS),
        ]
    )
    return owners, members, times


# -- what was said ---------------------------------------------------------------------------------


async def _speak(ctx: Context, cast: Cast) -> tuple[list[int], str]:
    """Let the star show a face and talk; return its statuses, and the path of a picture."""
    star = cast.star.ordinal
    folder = await ctx.files.workplace()
    try:
        await accounts.update_profile(
            ctx, actor=star, display_name="The star", note="Somebody very many people follow."
        )
        face = pictures.saved(pictures.portrait("stella"), folder / "face")
        made = await uploads.prepare_picture(ctx, which="avatar", file=face)
        await uploads.use_picture(ctx, actor=star, prepared=made)
        shown = pictures.saved(pictures.portrait("ada"), folder / "shown")
        media = await uploads.upload(ctx, actor=star, file=shown, description="A portrait")
        said = []
        for number in range(NEWEST):
            draft = Draft(
                text=f"Number {number + 1} of what I have to say #rehearsal",
                language="en",
                media=(media.id,) if number == 0 else (),
            )
            said.append(await statuses.post(ctx, actor=star, draft=draft))
    finally:
        await ctx.files.discard(folder)
    return said, f"/media/{media.key}/{media.file}"


def main(arguments: list[str]) -> None:
    """Build, and print a line of JSON at each step."""
    folder, *numbers = arguments
    followers, people, seed = map(int, numbers)

    told = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal told
        if 0 < done < total and time.monotonic() - told < TELL_SECONDS:
            return
        told = time.monotonic()
        line: dict[str, Any] = {"what": what, "done": done, "total": total}
        print(msgspec.json.encode(line).decode(), flush=True)

    die_with(os.getppid())
    build(Path(folder), Sizes(followers=followers, people=people, seed=seed), tell)


if __name__ == "__main__":
    main(sys.argv[1:])
