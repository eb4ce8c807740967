"""The rows of the table of reinstatement that notifications fill, beyond what stands beside."""

from __future__ import annotations

from tests.unit.world import DAY_MS, World

from rostra.domain.notifications import NotificationType
from rostra.services.moderation import enforcing
from rostra.services.notifying import grouping, notifications, warnings
from rostra.services.notifying.grouping import NotificationGroup
from rostra.services.notifying.notifications import Wanted
from rostra.services.publishing import polls
from rostra.services.publishing.polls import PollDraft
from rostra.services.social_graph import relationships


def groups(world: World, account: int) -> list[NotificationGroup]:
    with world.read() as snap:
        return grouping.page(snap, account, limit=40, wanted=Wanted(), cursors={})


async def test_groups_lose_and_regain_who_is_away(world: World) -> None:
    """Row "Notifications": hidden at the other end, shown again with their ids and times."""
    author, star, other = world.people("author", "star", "other")
    status = await world.post(author)
    for one in (other, star):
        await world.like(one, status)
        await world.boost(one, status)
        await world.follow(one, author)
    before = groups(world, author)
    assert [(one.count, one.sources) for one in before] == [(2, (star, other))] * 3
    await world.suspend(star)
    while_away = groups(world, author)
    assert [(one.count, one.sources) for one in while_away] == [(1, (other,))] * 3
    assert {one.key for one in while_away} == {one.key for one in before}
    await world.reinstate(star)
    assert groups(world, author) == before


async def test_what_was_undone_meanwhile_stays_undone(world: World) -> None:
    """Row "Notifications": a block made while one was away beats the return."""
    author, star = world.people("author", "star")
    status = await world.post(author)
    await world.like(star, status)
    await world.suspend(star)
    await relationships.block(world.ctx, actor=author, target=star)
    await world.reinstate(star)
    assert groups(world, author) == []


async def test_a_suspension_by_the_clock_tells_its_owner_once(world: World) -> None:
    """Row "Notifications": the owner gets one message, also when the clock ends it."""
    star = world.account("star")
    await world.suspend(star, days=2)
    world.tick(3 * DAY_MS)
    await world.jobs()
    await world.jobs()
    told = [kind for kind, _ in world.notified(star)]
    assert told == ["moderation_warning"]
    with world.read() as snap:
        (one,) = notifications.page(snap, star, limit=5)
        assert warnings.told_by(snap, one).text == warnings.LIFTED


async def test_a_return_from_two_suspensions_is_one_message(world: World) -> None:
    """Row "Notifications": the owner gets one message."""
    star = world.account("star")
    await world.suspend(star)
    await world.suspend(star)
    await world.reinstate(star)
    assert [kind for kind, _ in world.notified(star)] == ["moderation_warning"]


async def test_a_warning_says_why(world: World) -> None:
    star = world.account("star")
    await enforcing.act(
        world.ctx,
        moderator=None,
        target=star,
        kind=enforcing.ActionKind.NONE,
        ground="Rule 2",
        text="Please be kind.",
    )
    with world.read() as snap:
        (one,) = notifications.page(snap, star, limit=5)
        assert one.type == NotificationType.MODERATION_WARNING
        assert warnings.told_by(snap, one).text == "Rule 2\n\nPlease be kind."


async def test_poll_endings_of_that_time_do_not_come_late(world: World) -> None:
    """Row "Polls": no late burst of "poll ended", for the author, its voters or a voter away."""
    author, star, voter = world.people("author", "star", "voter")
    draft = PollDraft(options=("aye", "nay"), expires_in_s=600)
    asked = [await world.post(author, "?", poll=draft), await world.post(star, "?", poll=draft)]
    for poll in asked:
        for one in {author, star, voter} - {author if poll == asked[0] else star}:
            await polls.vote(world.ctx, actor=one, poll_id=poll, choices=[0])
    await world.suspend(star)
    world.tick(3_600_000)
    await world.jobs()
    heard = {one: world.notified(one) for one in (author, voter)}
    assert heard[author] == [("poll", author)]
    assert heard[voter] == [("poll", author)]
    await world.reinstate(star)
    await world.jobs()
    assert {one: world.notified(one) for one in (author, voter)} == heard
    assert [kind for kind, _ in world.notified(star)] == ["moderation_warning"]
