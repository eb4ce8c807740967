"""The doctor and what hangs on polls and appeals: each row that was changed is named."""

from __future__ import annotations

from contextlib import closing
from random import Random

import apsw
import pytest
from tests.unit.test_services_appeals import SAID, acted
from tests.unit.test_services_decisions import HOUR_MS, bound, vote
from tests.unit.world import World

from rostra.services import appeals
from rostra.services.appeals import deciding
from rostra.services.membership import account_deletion
from rostra.services.moderation import decision_polls
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE
from rostra.storage.verifier import verify


async def decided(world: World) -> None:
    """Leave three accounts to polls (missed, void and unbound, open), and have three appeal."""
    mod, second = world.moderator(), world.moderator("second")
    voter, *stars = world.people("voter", "a", "b", "c", "d", "e", "f")
    await vote(world, await bound(world, mod, stars[0]), [], [voter])
    undone = await bound(world, mod, stars[1])
    world.clock.advance(HOUR_MS)
    await world.jobs()
    await decision_polls.unbind(world.ctx, moderator=mod, decision=undone.id, why="A court.")
    await bound(world, mod, stars[2])
    for number, star in enumerate(stars[3:]):
        action = await acted(world, star, moderator=mod)
        made = await appeals.open_appeal(world.ctx, actor=star, action=action.id, text=SAID)
        if number < 2:
            judge = deciding.accept if number else deciding.reject
            await judge(world.ctx, moderator=second, appeal_id=made.id, reply="So it is.")
    await appeals.edit(world.ctx, actor=stars[5], appeal_id=made.id, text="Better said.")
    await world.jobs()


def named(world: World, *statements: str) -> list[str]:
    """Change what no code changes, and return what the doctor says of it."""
    folder = world.settings.data
    with closing(apsw.Connection(str(folder / DATABASE_FILE))) as database:
        for sql in statements:
            database.execute(sql)
            assert database.changes(), "the damage was not done"
    database = Database(folder / DATABASE_FILE, writable=False)
    try:
        differences = verify(database, random=Random(1), now=world.clock.now())
        return [one.detail for one in differences if one.problem.startswith("ledger")]
    finally:
        database.close()


async def test_what_the_ledger_tells_of_polls_and_appeals_is_so(world: World) -> None:
    await decided(world)
    assert named(world) == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE decisions SET state = 'reached', data = replace(data, '\"missed\"', "
            "'\"reached\"') WHERE state = 'missed'",
            "differ in outcome",
        ),
        ("UPDATE decisions SET state = 'reached' WHERE state = 'missed'", "differ in state"),
        (
            "UPDATE decisions SET data = replace(data, '\"votes\":1,', '\"votes\":9,') "
            "WHERE state = 'missed'",
            "differ in result",
        ),
        (
            "UPDATE decisions SET data = replace(data, '\"share\":5001,', '\"share\":50,') "
            "WHERE state = 'open'",
            "differ in share",
        ),
        (
            "UPDATE decisions SET data = replace(data, 'A court.', 'A whim.') "
            "WHERE state = 'unbound'",
            "differ in why",
        ),
        ("DELETE FROM decisions WHERE state = 'missed'", "it is gone"),
        ("UPDATE appeals SET reply = 'Never.' WHERE state = 'accepted'", "differ in reply"),
        ("UPDATE appeals SET state = 'accepted' WHERE state = 'rejected'", "differ in state"),
        (
            "UPDATE appeals SET state = 'rejected' WHERE state = 'open'",
            "does not tell how the appeal",
        ),
        ("UPDATE appeals SET text = 'I did it.' WHERE state = 'open'", "differ in text"),
        (
            "UPDATE appeals SET evidence = replace(evidence, 'Spam', 'Span') "
            "WHERE state = 'rejected'",
            "differ in evidence",
        ),
        ("DELETE FROM appeals WHERE state = 'rejected'", "it is gone"),
    ],
)
async def test_what_was_changed_in_the_database_is_named(
    world: World, statement: str, says: str
) -> None:
    await decided(world)
    (told,) = named(world, statement)
    assert says in told


async def test_what_was_erased_with_an_account_is_no_difference(world: World) -> None:
    await decided(world)
    with world.read() as snap:
        (gone,) = [one.account for one in snap.appeals.page(limit=9) if one.text == "Better said."]
    await account_deletion.delete_account(world.ctx, by=gone, target=gone)
    await world.jobs()
    assert named(world) == []
