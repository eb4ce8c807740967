"""The table of what suspending and reinstating does to each thing, row by row.

Every row whose subject exists has its test, named in the test's docstring; each looks at what a
visitor sees before, while and after the account is suspended.
"""

import pytest
from tests.unit.world import World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.enforcement import ActionKind, LiftReason
from rostra.domain.errors import Forbidden, Invalid, NotFound
from rostra.domain.statuses import Visibility
from rostra.ports import Application, Token, Transaction
from rostra.services import accounts, statuses
from rostra.services.authentication import sessions
from rostra.services.authentication.sign_in import by_password
from rostra.services.moderation import enforcing
from rostra.services.notifying import notifications
from rostra.services.publishing import polls
from rostra.services.publishing.polls import PollDraft
from rostra.services.reading import hydration, timelines
from rostra.services.social_graph import relationships


async def followed(world: World, *names: str) -> tuple[int, list[int]]:
    """Return a star and those who follow it, the newest last."""
    star = world.account("star")
    people = world.people(*names)
    for one in people:
        await world.follow(one, star)
    return star, people


async def accepted(world: World, follower: int, author: int) -> None:
    await world.follow(follower, author)
    await relationships.authorize_request(world.ctx, actor=author, follower=follower)


def home(world: World, viewer: int) -> list[int]:
    with world.read() as snap:
        return timelines.home(snap, viewer, limit=40)


def public(world: World) -> list[int]:
    with world.read() as snap:
        return timelines.public(snap, None, limit=40)


def counts(world: World, status_id: int) -> tuple[int, int, int] | None:
    """Return replies, boosts and likes as shown, or None when the status is not."""
    with world.read() as snap:
        found = hydration.status_views(snap, [status_id]).get(status_id)
    return None if found is None else (found.replies, found.boosts, found.likes)


async def test_follower_count_and_list(world: World) -> None:
    """Row "Follower count, list"."""
    star, [b, c] = await followed(world, "b", "c")
    await world.suspend(star)
    assert world.followers(star) == (0, [])
    with world.read() as snap:
        found = enforcing.figures(snap, star)
    assert (found.followers, found.public_followers) == (2, 0)
    await world.reinstate(star)
    assert world.followers(star) == (2, [c, b])


async def test_following_counts_of_followers(world: World) -> None:
    """Row "Following counts of all its followers"."""
    star, [b, c] = await followed(world, "b", "c")
    await world.follow(b, c)
    with world.read() as snap:
        version = snap.sets.version(SetKey(b, SetKind.FOLLOWING))
    await world.suspend(star)
    assert world.following(b) == (1, [c])
    assert world.following(c) == (0, [])
    await world.reinstate(star)
    assert world.following(b) == (2, [c, star])
    assert world.following(c) == (1, [star])
    with world.read() as snap:  # by the mask, never by writes
        assert snap.sets.version(SetKey(b, SetKind.FOLLOWING)) == version


async def test_follow_button(world: World) -> None:
    """Row "Follow button, relationship": left out, not followable, and right at the first read."""
    star, [b] = await followed(world, "b")
    c = world.account("c")
    before = world.relationship(b, star)
    await world.suspend(star)
    assert world.relationship(b, star) is None
    assert world.relationship(b, star, with_suspended=True).following
    with pytest.raises(NotFound):
        await world.follow(c, star)
    await world.reinstate(star)
    assert world.relationship(b, star) == before
    again = await world.follow(b, star)
    assert again == before
    assert world.followers(star) == (1, [b])


async def test_acts_toward_a_suspended_account_that_still_work(world: World) -> None:
    """Row "Follow button, relationship": unfollow, block, mute, remove-follower still work."""
    star, [b, c, d] = await followed(world, "b", "c", "d")
    await world.follow(star, d)
    await world.suspend(star)
    await relationships.unfollow(world.ctx, actor=b, target=star)
    await relationships.block(world.ctx, actor=c, target=star)
    await relationships.mute(world.ctx, actor=d, target=star)
    await relationships.remove_follower(world.ctx, actor=d, target=star)
    await world.reinstate(star)
    assert world.followers(star) == (1, [d])
    assert world.following(star) == (0, [])
    assert world.relationship(c, star).blocking
    assert world.relationship(d, star).muting


async def test_an_unfollow_meanwhile_is_for_good(world: World) -> None:
    """Row "Unfollow made meanwhile"."""
    star, [b, c] = await followed(world, "b", "c")
    await world.suspend(star)
    await relationships.unfollow(world.ctx, actor=b, target=star)
    await world.reinstate(star)
    assert not world.relationship(b, star).following
    assert world.followers(star) == (1, [c])


async def test_a_block_meanwhile_beats_reinstatement(world: World) -> None:
    """Row "Block made meanwhile, either way"."""
    star, [b, c] = await followed(world, "b", "c")
    await world.follow(star, b)
    await relationships.mute(world.ctx, actor=b, target=star)
    await world.suspend(star)
    await relationships.block(world.ctx, actor=b, target=star)
    await world.reinstate(star)
    assert world.followers(star) == (1, [c])
    assert world.following(star) == (0, [])
    found = world.relationship(b, star)
    assert found.blocking
    assert found.muting
    assert not found.following
    await relationships.unblock(world.ctx, actor=b, target=star)
    assert not world.relationship(b, star).following


async def test_a_deleted_follower_is_gone_for_good(world: World) -> None:
    """Row "Follower deleted"."""
    star, [b, c] = await followed(world, "b", "c")
    await world.suspend(star)
    await accounts.delete_account(world.ctx, by=b, target=b)
    await world.reinstate(star)
    assert world.followers(star) == (1, [c])
    await world.jobs()
    assert world.followers(star) == (1, [c])
    with world.read() as snap:
        assert enforcing.figures(snap, star).followers == 1


async def test_a_follower_that_is_suspended_itself(world: World) -> None:
    """Row "Follower itself suspended": the edge shows only when both are active."""
    star, [b, c] = await followed(world, "b", "c")
    await world.suspend(star)
    await world.suspend(b)
    await world.reinstate(star)
    assert world.followers(star) == (1, [c])
    await world.reinstate(b)
    assert world.followers(star) == (2, [c, b])


async def test_pending_requests(world: World) -> None:
    """Row "Pending follow requests, both ways": kept, hidden, not approvable."""
    a = world.account("a")
    locked = world.account("locked", locked=True)

    def waiting() -> list[int]:
        with world.read() as snap:
            return [e.member for e in relationships.follow_requests(snap, locked, limit=10)]

    await world.follow(a, locked)
    await world.suspend(a)
    assert waiting() == []
    assert world.notified(locked) == []
    with pytest.raises(NotFound):
        await relationships.authorize_request(world.ctx, actor=locked, follower=a)
    await world.reinstate(a)
    assert waiting() == [a]
    await world.suspend(locked)
    assert waiting() == []
    assert world.relationship(a, locked) is None
    with pytest.raises(Forbidden):
        await relationships.authorize_request(world.ctx, actor=locked, follower=a)
    await world.reinstate(locked)
    assert waiting() == [a]
    await world.suspend(locked)
    await relationships.unfollow(world.ctx, actor=a, target=locked)  # takes it back
    await world.reinstate(locked)
    assert waiting() == []


async def test_a_dormant_follower_of_a_locked_account_asks_again(world: World) -> None:
    """Row "Locked account, a dormant follower returns"."""
    a = world.account("a")
    locked, open_ = world.account("locked", locked=True), world.account("open")
    await accepted(world, a, locked)
    await world.follow(a, open_)
    before = await world.post(locked, visibility=Visibility.PRIVATE)
    assert world.sees(a, before)
    await world.suspend(a)
    with world.read() as snap:
        assert relationships.dormant_followers(snap, locked) == [a]
    world.clock.advance(days=10)
    meanwhile = await world.post(locked, visibility=Visibility.PRIVATE)
    world.clock.advance(days=21)
    await world.reinstate(a)
    found = world.relationship(a, locked)
    assert not found.following
    assert found.requested
    assert world.relationship(a, open_).following
    assert world.followers(locked) == (0, [])
    assert world.notified(locked) == [("follow_request", a)]
    await relationships.authorize_request(world.ctx, actor=locked, follower=a)
    after = await world.post(locked, visibility=Visibility.PRIVATE)
    assert world.sees(a, before)
    assert world.sees(a, after)
    assert not world.sees(a, meanwhile)
    assert meanwhile not in home(world, a)
    assert after in home(world, a)


async def test_a_follower_of_a_locked_account_that_was_away_for_days_only(world: World) -> None:
    """Row "Locked account, a dormant follower returns": not dormant within the setting's days."""
    a = world.account("a")
    locked = world.account("locked", locked=True)
    await accepted(world, a, locked)
    await world.suspend(a)
    world.clock.advance(days=29)
    meanwhile = await world.post(locked, visibility=Visibility.PRIVATE)
    await world.reinstate(a)
    assert world.relationship(a, locked).following
    assert world.sees(a, meanwhile)


async def test_dormancy_is_counted_over_suspensions_that_join(world: World) -> None:
    """Row "Locked account, a dormant follower returns": away is away, by however many actions."""
    a = world.account("a")
    locked = world.account("locked", locked=True)
    await accepted(world, a, locked)
    await world.suspend(a, days=20)
    world.clock.advance(days=19)
    await world.suspend(a)
    world.clock.advance(days=13)
    assert len(await world.reinstate(a)) == 1
    assert world.relationship(a, locked).requested


async def test_the_owner_of_a_locked_account_removes_a_dormant_follower(world: World) -> None:
    """Row "Locked account, a dormant follower returns": owner can see and remove them."""
    a = world.account("a")
    locked = world.account("locked", locked=True)
    await accepted(world, a, locked)
    await world.suspend(a)
    assert world.relationship(locked, a, with_suspended=True).followed_by
    await relationships.remove_follower(world.ctx, actor=locked, target=a)
    with world.read() as snap:
        assert relationships.dormant_followers(snap, locked) == []
    world.clock.advance(days=31)
    await world.reinstate(a)
    found = world.relationship(a, locked)
    assert not found.following
    assert not found.requested


async def test_statuses_boosts_and_likes(world: World) -> None:
    """Row "Statuses, boosts of them, likes by it"."""
    star, [b] = await followed(world, "b")
    c = world.account("c")
    await world.follow(c, b)
    own = await world.post(star, "#tag hello")
    boost_by_b = await world.boost(b, own)
    await world.like(b, own)
    others = await world.post(b, "a thought")
    await world.like(star, others)
    boost_by_star = await world.boost(star, others)
    reply = await world.post(star, "@b indeed", in_reply_to_id=others)
    shown = [own, boost_by_b, boost_by_star, reply]
    assert counts(world, others) == (1, 1, 1)

    def found() -> tuple[list[int], list[int], list[int], list[int]]:
        with world.read() as snap:
            thread = statuses.context(snap, c, others)[1]
            tagged = timelines.tag(snap, None, "tag", limit=9)
        return public(world), home(world, c), thread, tagged

    before = found()
    assert before == ([others, own], [others, boost_by_b], [reply], [own])
    await world.suspend(star)
    assert not any(world.sees(viewer, id_) for id_ in shown for viewer in (None, b, c))
    assert counts(world, others) == (0, 0, 0)
    assert found() == ([others], [others], [], [])
    with world.read() as snap:
        assert statuses.favourited_by(snap, None, others, limit=9) == []
        assert statuses.reblogged_by(snap, None, others, limit=9) == []
        assert statuses.by_account(snap, c, star, limit=9) == []
        assert statuses.by_account(snap, c, b, limit=9) == [others]
        assert hydration.status_views(snap, shown) == {}
    for act in (statuses.favourite, statuses.reblog, statuses.bookmark):
        with pytest.raises(NotFound):
            await act(world.ctx, actor=c, status_id=own)
    with pytest.raises(NotFound):
        await world.post(c, in_reply_to_id=own)
    await world.reinstate(star)
    assert found() == before
    assert counts(world, others) == (1, 1, 1)
    assert counts(world, own) == (0, 1, 1)
    with world.read() as snap:
        assert set(statuses.by_account(snap, None, star, limit=9)) == {own, boost_by_star, reply}


async def test_a_like_of_a_suspended_accounts_status_can_be_taken_back(world: World) -> None:
    """Row "Statuses, boosts of them, likes by it": what others did themselves stays theirs."""
    star, [b] = await followed(world, "b")
    own = await world.post(star)
    await world.like(b, own)
    await world.boost(b, own)
    await world.suspend(star)
    await statuses.unfavourite(world.ctx, actor=b, status_id=own)
    await statuses.unreblog(world.ctx, actor=b, status_id=own)
    with pytest.raises(NotFound):
        await statuses.unfavourite(world.ctx, actor=b, status_id=own)
    await world.reinstate(star)
    assert counts(world, own) == (0, 0, 0)


async def test_home_timelines_of_followers(world: World) -> None:
    """Row "Home timelines of followers": a read-time predicate, in place on the next read."""
    star, [b] = await followed(world, "b")
    c = world.account("c")
    await world.follow(b, c)
    order = [await world.post(one) for one in (star, c, star, c, star)][::-1]
    assert home(world, b) == order
    await world.suspend(star)
    assert home(world, b) == [order[1], order[3]]
    await world.reinstate(star)
    assert home(world, b) == order
    with world.read() as snap:
        assert timelines.home(snap, b, limit=2, max_id=order[1]) == order[2:4]


async def test_polls(world: World) -> None:
    """Row "Polls": the clock runs, votes are hidden, no late burst of "poll ended"."""
    star, [b] = await followed(world, "b")
    c = world.account("c")
    question = PollDraft(options=["x", "y"], expires_in_s=600)
    of_star = await world.post(star, "?", poll=question)
    of_b = await world.post(b, "?", poll=question)
    for voter in (star, c):
        await polls.vote(world.ctx, actor=voter, poll_id=of_b, choices=[0])
    await polls.vote(world.ctx, actor=c, poll_id=of_star, choices=[1])

    def votes(poll: int) -> tuple[tuple[int, ...], int]:
        with world.read() as snap:
            found = polls.show(snap, None, poll)
        return found.votes, found.voters

    await world.suspend(star)
    assert votes(of_b) == ((1, 0), 1)
    with pytest.raises(NotFound):
        votes(of_star)
    world.clock.advance(seconds=700)
    await world.jobs()
    assert ("poll", b) in world.notified(c)
    assert ("poll", star) not in world.notified(c)
    await world.reinstate(star)
    await world.jobs()
    assert votes(of_b) == ((2, 0), 2)
    assert votes(of_star) == ((0, 1), 1)
    with world.read() as snap:
        assert polls.show(snap, None, of_star).expired
    assert ("poll", star) not in world.notified(c)
    assert [kind for kind, _ in world.notified(star)] == ["moderation_warning", "follow"]


async def test_notifications_by_the_suspended(world: World) -> None:
    """Row "Notifications": hidden at the other end, shown again, the owner gets one message."""
    star, [b] = await followed(world, "b")
    id_ = await world.post(b)
    await world.follow(star, b)
    await world.like(star, id_)
    await world.boost(star, id_)
    await world.post(star, "@b hello")
    before = world.notified(b)
    assert len(before) == 4
    with world.read() as snap:
        ids = [one.id for one in notifications.page(snap, b, limit=9)]
    await world.suspend(star)
    assert world.notified(b) == []
    with world.read() as snap:
        for one in ids:
            with pytest.raises(NotFound):
                notifications.get(snap, b, one)
    await world.reinstate(star)
    assert world.notified(b) == before
    with world.read() as snap:
        assert [one.id for one in notifications.page(snap, b, limit=9)] == ids
    assert [kind for kind, _ in world.notified(star)].count("moderation_warning") == 1


async def test_sessions_and_tokens(world: World) -> None:
    """Row "Sessions, tokens, streams": revoked at once, app grants kept, then normal."""
    made = await accounts.register(
        world.ctx, username="star", email="star@x.example", password="long enough"
    )
    star = made.ordinal

    def sign_in(tx: Transaction) -> int:
        application = Application(
            id=tx.next_id(),
            client_id="client",
            client_secret=b"s" * 32,
            name="App",
            website=None,
            redirect_uris=("urn:ietf:wg:oauth:2.0:oob",),
            scopes="read",
            created_at=tx.now,
        )
        tx.access.create_application(application)
        tx.access.create_token(
            Token(
                hash=b"t" * 32,
                account=star,
                application=application.id,
                scopes="read",
                created_at=tx.now,
            )
        )
        tx.access.create_session(b"w" * 32, star, tx.now, tx.now + 10**9)
        return application.id

    application = world.store.write_now(sign_in)
    await world.suspend(star)
    with world.read() as snap:
        assert snap.access.token(b"t" * 32) is None
        assert snap.access.session(b"w" * 32) is None
        assert snap.access.application(application) is not None
    dormant = await by_password(world.ctx, login="star", password="long enough")
    token = await sessions.create(world.ctx, dormant.ordinal)
    with world.read() as snap:  # enough for the page that says why, and nothing else
        assert sessions.account_of(snap, token) is None
        assert sessions.owner_of(snap, token) == star
    with pytest.raises(Forbidden):
        await world.post(star)
    await world.reinstate(star)
    signed_in = await by_password(world.ctx, login="star", password="long enough")
    assert signed_in.ordinal == star
    await world.post(star)


async def test_handle(world: World) -> None:
    """Row "Handle": reserved, also after a purge; the same one afterwards."""
    star, _ = await followed(world)
    gone = world.account("gone")
    await world.suspend(star)
    await accounts.delete_account(world.ctx, by=None, target=gone)
    await world.jobs()
    for name in ("star", "Star", "gone"):
        with pytest.raises(Invalid, match="taken"):
            await accounts.register(
                world.ctx, username=name, email="new@x.example", password="long enough"
            )
    await world.reinstate(star)
    with world.read() as snap:
        assert accounts.lookup(snap, "star").ordinal == star


async def test_profile(world: World) -> None:
    """Row "Profile page, API": suspended, without figures; its statuses are not found."""
    star, _ = await followed(world, "b")
    id_ = await world.post(star)
    await world.suspend(star)
    with world.read() as snap:
        account = accounts.lookup(snap, "star")
        view = hydration.account_views(snap, [star])[star]
        assert accounts.show(snap, None, account.id) == account
        with pytest.raises(NotFound):
            statuses.show(snap, star, id_)
    assert view.state.suspended
    assert (view.followers, view.following, view.statuses) == (0, 0, 0)
    await world.reinstate(star)
    with world.read() as snap:
        view = hydration.account_views(snap, [star])[star]
    assert not view.state.suspended
    assert (view.followers, view.statuses) == (1, 1)


async def test_search(world: World) -> None:
    """Row "Search, suggestions, trends": filtered when queried, found at once."""
    star, [b] = await followed(world, "starling")

    def found() -> list[int]:
        with world.read() as snap:
            return [one.ordinal for one in accounts.search(snap, b, "star", limit=5)]

    assert found() == [star, b]
    await world.suspend(star)
    assert found() == [b]
    await world.reinstate(star)
    assert found() == [star, b]


@pytest.mark.parametrize("reason", [r for r in LiftReason if r != LiftReason.EXPIRED])
async def test_strikes(world: World, reason: LiftReason) -> None:
    """Row "Strikes": recorded with the statement of reasons; the lifting says why."""
    star = world.account("star")
    moderator = world.moderator()
    taken = await enforcing.suspend(
        world.ctx, moderator=moderator, target=star, ground="spam", text="120 times in an hour"
    )
    world.tick()
    await enforcing.reinstate(world.ctx, moderator=moderator, target=star, reason=reason)
    with world.read() as snap:
        found = enforcing.figures(snap, star)
    assert found.actions == (taken,)
    assert (taken.ground, taken.text, taken.moderator) == (
        "spam",
        "120 times in an hour",
        moderator,
    )
    [lifting] = found.liftings
    assert (lifting.reason, lifting.moderator) == (reason, moderator)
    assert found.in_force == ()


async def test_timed_suspension(world: World) -> None:
    """Row "Timed suspension": lifted by the clock, at its instant."""
    star, [b] = await followed(world, "b")
    taken = await world.suspend(star, days=1)
    world.clock.set(taken.until - 1)
    assert world.followers(star) == (0, [])
    world.clock.set(taken.until)
    assert world.followers(star) == (1, [b])
    assert world.relationship(b, star).following
    await world.jobs()
    assert world.followers(star) == (1, [b])
    with world.read() as snap:
        assert enforcing.figures(snap, star).liftings[0].reason == LiftReason.EXPIRED


async def test_purge(world: World) -> None:
    """Row "Purge": never deletes others' blocks or mutes of the account."""
    star, [b] = await followed(world, "b")
    c, d = world.people("c", "d")
    await relationships.block(world.ctx, actor=c, target=star)
    await relationships.mute(world.ctx, actor=d, target=star)
    await accounts.delete_account(world.ctx, by=None, target=star)
    await world.jobs()
    with world.read() as snap:
        assert snap.gate.blocks(c, star)
        assert snap.sets.contains(SetKey(d, SetKind.MUTING), star)
        assert not snap.sets.contains(SetKey(b, SetKind.FOLLOWING), star)


async def test_flapping(world: World) -> None:
    """Row "Flapping": however often, the last word counts and nothing drifts."""
    star, people = await followed(world, "b", "c", "d")
    for _ in range(5):
        await world.suspend(star)
        await world.suspend(star)
        assert world.followers(star) == (0, [])
        await world.reinstate(star)
        assert world.followers(star) == (3, people[::-1])
    await enforcing.act(
        world.ctx, moderator=None, target=star, kind=ActionKind.LIMIT, ground="noise"
    )
    await world.suspend(star)
    await world.reinstate(star)
    with world.read() as snap:
        assert snap.gate.state(star).limited
        assert not snap.gate.state(star).suspended


async def test_suspending_writes_nothing_to_any_edge_or_status(world: World) -> None:
    """Row "Follower count, list": suspension and reinstatement touch no set but the server's."""
    star, people = await followed(world, *(f"p{n}" for n in range(20)))
    id_ = await world.post(star)
    for one in people:
        await world.like(one, id_)
    keys = [
        SetKey(star, SetKind.FOLLOWERS),
        SetKey(id_, SetKind.LIKES),
        *(SetKey(one, SetKind.FOLLOWING) for one in people),
    ]

    def versions() -> list[int]:
        with world.read() as snap:
            return [snap.sets.version(key) for key in keys]

    before = versions()
    await world.suspend(star)
    await world.reinstate(star)
    assert versions() == before
