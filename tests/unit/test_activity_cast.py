"""The cast that tests and the demonstration share."""

from __future__ import annotations

from pathlib import Path
from random import Random

from rostra.config import Settings
from rostra.domain.accounts import Role
from rostra.ports import Context
from rostra.services.authentication.sign_in import by_password
from rostra.services.reading import timelines
from rostra.services.social_graph import relationships
from rostra.storage.store import SqliteStore
from rostra.testing.cast import CHARACTERS, PASSWORD, assemble, perform
from rostra.testing.clock import START, FakeClock
from rostra.testing.play import PLAY


async def test_the_cast_is_what_it_says_of_itself(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path, FakeClock())
    ctx = Context(Settings(data=tmp_path), store, store.clock, Random(1))
    cast = await assemble(ctx)
    assert set(cast.by_name) == {character.name for character in CHARACTERS}
    assert (cast.owner.role, cast.moderator.role) == (Role.OWNER, Role.MODERATOR)
    signed_in = await by_password(ctx, login="ines", password=PASSWORD)
    assert signed_in.ordinal == cast.teacher.ordinal

    def is_to(viewer: str, target: str) -> relationships.Relationship:
        with ctx.store.read() as snap:
            return relationships.relationships(
                snap, cast.named(viewer).ordinal, [cast.named(target).ordinal]
            )[0]

    assert is_to("ines", "luca").following
    assert is_to("kofi", "luca").requested
    assert is_to("ines", "rufus").blocking
    assert is_to("yuki", "clio").muting
    assert not is_to("pip", "ines").followed_by

    said = await perform(ctx, cast)
    assert set(said) == {line.key for line in PLAY}
    with ctx.store.read() as snap:
        public = timelines.public(snap, None, limit=40)
        home = timelines.home(snap, cast.teacher.ordinal, limit=40)
    assert said["secret"] not in public
    assert said["secret"] in home
    assert said["questions"] not in home
    await store.close()


def test_a_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock()
    assert clock.now() == clock.now() == START
    assert clock.advance(5, seconds=1, hours=1, days=1) == START + 5 + 1000 + 3_600_000 + 86_400_000
    clock.set(7)
    assert clock.now() == 7
    stepping = FakeClock(100, step=10)
    assert [stepping.now(), stepping.now()] == [100, 110]
