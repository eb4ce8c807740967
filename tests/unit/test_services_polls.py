"""Asking, voting and the end of a poll, through the services on a real store."""

import pytest
from tests.unit.world import World

from rostra.domain.errors import Invalid, NotFound
from rostra.services.publishing import polls
from rostra.services.publishing.polls import PollDraft
from rostra.services.reading import hydration

POLL = PollDraft(options=["yes", "no"], expires_in_s=300)


async def test_a_vote_and_its_result(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    id_ = await world.post(a, "?", poll=POLL)
    await polls.vote(world.ctx, actor=b, poll_id=id_, choices=[0])
    await polls.vote(world.ctx, actor=c, poll_id=id_, choices=[1])
    with world.read() as snap:
        found = polls.show(snap, None, id_)
        assert (found.votes, found.voters, found.expired) == ((1, 1), 2, False)
        assert hydration.viewer_flags(snap, b, [id_])[id_].own_votes == (0,)
        assert hydration.viewer_flags(snap, a, [id_])[id_].own_votes == ()


async def test_several_choices_count_one_voter(world: World) -> None:
    a, b, c = world.people("a", "b", "c")
    draft = PollDraft(options=["x", "y", "z"], expires_in_s=300, multiple=True)
    id_ = await world.post(a, "?", poll=draft)
    await polls.vote(world.ctx, actor=b, poll_id=id_, choices=[0, 2, 2])
    await polls.vote(world.ctx, actor=c, poll_id=id_, choices=[0])
    with world.read() as snap:
        found = polls.show(snap, a, id_)
    assert (found.votes, found.voters) == ((2, 0, 1), 2)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([2], "Validation failed: The chosen vote option does not exist"),
        ([-1], "Validation failed: The chosen vote option does not exist"),
        ([], "Validation failed: The chosen vote option does not exist"),
        ([0, 1], "Validation failed: You can choose only one option of this poll"),
    ],
)
async def test_votes_that_are_refused(world: World, choices: list[int], message: str) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a, "?", poll=POLL)
    with pytest.raises(Invalid) as refused:
        await polls.vote(world.ctx, actor=b, poll_id=id_, choices=choices)
    assert refused.value.message == message


async def test_when_nobody_votes(world: World) -> None:
    a, b = world.people("a", "b")
    id_ = await world.post(a, "?", poll=POLL)

    async def refusal(actor: int) -> str:
        with pytest.raises(Invalid) as refused:
            await polls.vote(world.ctx, actor=actor, poll_id=id_, choices=[0])
        return refused.value.message

    assert await refusal(a) == "Validation failed: You cannot vote in your own polls"
    await polls.vote(world.ctx, actor=b, poll_id=id_, choices=[1])
    assert await refusal(b) == "Validation failed: You have already voted on this poll"
    world.clock.advance(seconds=300)
    assert await refusal(b) == "Validation failed: The poll has already ended"
    plain = await world.post(a)
    with pytest.raises(NotFound):
        await polls.vote(world.ctx, actor=b, poll_id=plain, choices=[0])


@pytest.mark.parametrize(
    ("options", "seconds", "message"),
    [
        (["a"], 300, "Poll options must have more than one item"),
        (["a", " "], 300, "Poll options must have more than one item"),
        (list("abcde"), 300, "Poll options can't contain more than 4 items"),
        (["a", "b" * 51], 300, "Poll options can't be longer than 50 characters each"),
        (["a", "a "], 300, "Poll options contain duplicate items"),
        (["a", "b"], None, "Expires at can't be blank"),
        (["a", "b"], 299, "Expires at is too soon"),
        (["a", "b"], 2_629_747, "Expires at is too far into the future"),
    ],
)
async def test_polls_that_are_refused(
    world: World, options: list[str], seconds: int | None, message: str
) -> None:
    [a] = world.people("a")
    with pytest.raises(Invalid) as refused:
        await world.post(a, poll=PollDraft(options=options, expires_in_s=seconds))
    assert refused.value.message == f"Validation failed: {message}"


async def test_the_end_of_a_poll_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polls, "TOLD_AT_ONCE", 2)
    a, *voters = world.people("a", "b", "c", "d", "e")
    id_ = await world.post(a, "?", poll=POLL)
    for voter in voters:
        await polls.vote(world.ctx, actor=voter, poll_id=id_, choices=[0])
    assert await world.jobs() == []
    world.clock.advance(seconds=300)
    assert await world.jobs() == ["close_poll"]
    assert all(world.notified(one) == [("poll", a)] for one in (a, *voters))
    assert await polls.close_poll(world.ctx, poll=id_) == 0
