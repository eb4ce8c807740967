"""What is answered while something else happens: kept answers, slow requests, two at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pyotp
import pytest
from tests.api.test_sign_in import sign_in
from tests.api.world import PASSWORD, World

from rostra.domain.errors import Invalid, Unauthenticated
from rostra.domain.mail import MailPurpose, MailToken
from rostra.domain.media import Media
from rostra.ports import Context, Transaction
from rostra.services import statuses
from rostra.services.authentication import credentials, factors, oauth, passkeys, passwords
from rostra.services.authentication.sign_in import prove
from rostra.services.membership import confirmations, departures
from rostra.services.moderation import enforcing
from rostra.services.portability import transfers
from rostra.services.publishing import marking, scheduling
from rostra.services.publishing.posting import Draft
from rostra.storage.store import SqliteStore

Call = Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]
Act = Callable[[Context, int], Awaitable[object]]


async def test_a_kept_home_follows_the_options_of_a_follow(world: World) -> None:
    ann, bob, cyd = await world.people("ann", "bob", "cyd")
    await ann.follow(bob)
    status = await cyd.status("boosted")
    await bob.post(f"/api/v1/statuses/{status['id']}/reblog")
    assert len(await ann.get("/api/v1/timelines/home")) == 1
    assert len(await ann.get("/api/v1/timelines/home")) == 1
    await ann.follow(bob, reblogs=False)
    assert await ann.get("/api/v1/timelines/home") == []
    await ann.follow(bob, reblogs=True)
    assert len(await ann.get("/api/v1/timelines/home")) == 1


async def test_a_token_revoked_while_its_request_is_sent_does_nothing_any_more(
    world: World,
) -> None:
    ann = await world.person("ann")

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"status": "too '
        await world.store.write(lambda tx: tx.access.revoke_token(oauth.sha256(ann.token)))
        yield b'late"}'

    response = await ann.call(
        "POST",
        "/api/v1/statuses",
        content=slowly(),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 401
    assert response.json() == {"error": "The access token is invalid"}
    with world.store.read() as snap:
        assert snap.statuses.count() == 0


async def test_a_kept_answer_ends_with_its_token(world: World) -> None:
    ann = await world.person("ann")
    for _ in range(2):
        await ann.get("/api/v1/accounts/verify_credentials")
    other = SqliteStore.open(world.store.folder, world.clock)  # another worker
    other.write_now(lambda tx: tx.access.revoke_token(oauth.sha256(ann.token)))
    response = await ann.call("GET", "/api/v1/accounts/verify_credentials")
    assert response.status_code == 401
    other.close_now()


@pytest.fixture
async def worker(world: World) -> AsyncIterator[World]:
    """Another worker on the same data folder."""
    worker = World(world.store.folder)
    yield worker
    await worker.close()


async def _at_once(world: World, worker: World, call: Call) -> list[httpx2.Response]:
    """Send a request four times at once, by turns to both workers; return the answers by status."""
    worker.clock.set(world.clock.now())
    clients = [one.client for _ in range(2) for one in (world, worker)]
    answers = await asyncio.gather(*(call(client) for client in clients))
    return sorted(answers, key=lambda answer: answer.status_code)


async def test_what_another_worker_or_the_clock_does_outdates_what_is_kept(
    world: World, worker: World
) -> None:
    ann, bob = await world.people("ann", "bob")
    await ann.follow(bob)
    path = f"/api/v1/accounts/{bob.id}"
    for _ in range(2):
        assert (await bob.get(path))["followers_count"] == 1
    worker.clock.set(world.clock.now())
    until = world.clock.now() + 5_000
    await enforcing.suspend(
        worker.ctx, moderator=None, target=ann.ordinal, ground="spam", until=until
    )
    for now, count in ((until - 1, 0), (until, 1), (until + 1, 1)):
        world.clock.set(now)
        for _ in range(2):
            assert (await bob.get(path))["followers_count"] == count


async def test_one_of_those_who_register_a_name_at_once_gets_it(
    world: World, worker: World
) -> None:
    headers = await world.application_token("write")
    ann = {"username": "ann", "email": "ann@here.example", "password": PASSWORD, "agreement": True}
    answers = await _at_once(
        world, worker, lambda client: client.post("/api/v1/accounts", json=ann, headers=headers)
    )
    assert [answer.status_code for answer in answers] == [200, 422, 422, 422]
    assert "Username has already been taken" in answers[1].json()["error"]


def secrets(app: dict[str, str]) -> dict[str, str]:
    """Return what an application authenticates with."""
    return {"client_id": app["client_id"], "client_secret": app["client_secret"]}


async def test_an_authorization_code_is_exchanged_once(world: World, worker: World) -> None:
    ann = await world.person("ann")
    app = await world.application()
    with world.store.read() as snap:
        application = oauth.client(snap, app["client_id"])
    back = application.redirect_uris[0]
    code = await oauth.issue_code(
        world.ctx,
        account=ann.ordinal,
        application=application,
        redirect_uri=back,
        scopes="read",
        challenge=None,
    )
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, **secrets(app)}
    answers = await _at_once(world, worker, lambda client: client.post("/oauth/token", data=form))
    assert [answer.status_code for answer in answers] == [200, 400, 400, 400]
    assert {answer.json()["error"] for answer in answers[1:]} == {"invalid_grant"}


async def test_an_idempotency_key_makes_one_status(world: World, worker: World) -> None:
    ann = await world.person("ann")
    headers = {"Authorization": f"Bearer {ann.token}", "Idempotency-Key": "once"}
    answers = await _at_once(
        world,
        worker,
        lambda client: client.post("/api/v1/statuses", json={"status": "hello"}, headers=headers),
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await ann.get(f"/api/v1/accounts/{ann.id}/statuses")) == 1


async def test_a_vote_counts_once(world: World, worker: World) -> None:
    ann, bob = await world.people("ann", "bob")
    status = await ann.status("?", poll={"options": ["a", "b"], "expires_in": 600})
    headers = {"Authorization": f"Bearer {bob.token}"}
    path = f"/api/v1/polls/{status['poll']['id']}"
    answers = await _at_once(
        world,
        worker,
        lambda client: client.post(f"{path}/votes", json={"choices": [0]}, headers=headers),
    )
    assert [answer.status_code for answer in answers] == [200, 422, 422, 422]
    assert (await ann.get(path))["votes_count"] == 1


async def test_a_block_and_a_follow_at_once_leave_no_follow(world: World, worker: World) -> None:
    for turn in range(6):
        ann, bob = await world.people(f"ann{turn}", f"bob{turn}")
        worker.clock.set(world.clock.now())
        first, second = (worker, world) if turn % 2 else (world, worker)
        follow = first.client.post(
            f"/api/v1/accounts/{bob.id}/follow", headers={"Authorization": f"Bearer {ann.token}"}
        )
        block = second.client.post(
            f"/api/v1/accounts/{ann.id}/block", headers={"Authorization": f"Bearer {bob.token}"}
        )
        await asyncio.gather(follow, block)
        assert (await bob.relationship(ann))["blocking"]
        assert not (await ann.relationship(bob))["following"]
        assert (await bob.get(f"/api/v1/accounts/{bob.id}"))["followers_count"] == 0


async def test_only_one_of_those_who_reinstate_at_once_did(world: World, worker: World) -> None:
    ann, mod = await world.person("ann"), await world.moderator()
    await enforcing.suspend(world.ctx, moderator=None, target=ann.ordinal, ground="spam")
    headers = {"Authorization": f"Bearer {mod.token}"}
    path = f"/api/v1/admin/accounts/{ann.id}/unsuspend"
    answers = await _at_once(world, worker, lambda client: client.post(path, headers=headers))
    with world.store.read() as snap:
        assert snap.gate.active(ann.ordinal)
        _, liftings = snap.enforcement.of_account(ann.ordinal)
    assert len(liftings) == 1
    assert [answer.status_code for answer in answers] == [200, 403, 403, 403]


# -- passwords: hashing takes its time, in which somebody else may be faster ----------------------


async def _replaced_while_hashing(monkeypatch: pytest.MonkeyPatch, world: World, name: str) -> None:
    """Have the password of an account replaced once the next one typed was found right."""
    matches = passwords.matches
    monkeypatch.undo()

    async def slow(known: str | None, password: str) -> bool:
        found = await matches(known, password)
        monkeypatch.undo()
        with world.store.read() as snap:
            account = snap.accounts.by_username(name)
        assert account is not None
        await credentials.set_by_hand(
            world.ctx, target=account.ordinal, password="the new password of it"
        )
        return found

    monkeypatch.setattr(passwords, "matches", slow)


async def test_a_sign_in_by_a_password_that_was_replaced_meanwhile_makes_no_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await world.citizen("ann")
    await _replaced_while_hashing(monkeypatch, world, "ann")
    answer = await sign_in(world.browser(), "ann")
    assert answer.status_code == 422
    assert "The password was changed meanwhile" in answer.text
    with world.store.read() as snap:
        assert snap.access.sessions(ann.ordinal) == []


async def test_a_replaced_password_proves_nothing_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = (await world.citizen("ann")).ordinal
    ctx = world.ctx
    asked: list[Callable[[str], Awaitable[object]]] = [
        lambda old: credentials.change_password(
            ctx, actor=ann, current=old, password="of who knew the old one", token=""
        ),
        lambda old: credentials.change_email(
            ctx, actor=ann, email="other@here.example", password=old
        ),
        lambda old: factors.new_recovery_codes(ctx, actor=ann, password=old),
        lambda old: factors.disable_one_time(ctx, actor=ann, password=old),
        lambda old: passkeys.creation_options(ctx, actor=ann, password=old),
        lambda old: passkeys.remove(ctx, actor=ann, passkey="00", password=old),
        lambda old: departures.deactivate(ctx, actor=ann, password=old),
        lambda old: departures.delete(ctx, actor=ann, password=old),
    ]
    for ask in asked:
        await credentials.set_by_hand(ctx, target=ann, password=PASSWORD)
        await _replaced_while_hashing(monkeypatch, world, "ann")
        with pytest.raises(Invalid, match="The password was changed meanwhile"):
            await ask(PASSWORD)
        world.clock.advance(seconds=3600)


async def test_a_new_password_ends_sign_ins_that_wait_for_a_second_factor(world: World) -> None:
    ann = await world.citizen("ann")
    proof = await prove(world.ctx, login="ann", password=PASSWORD)
    waiting = await factors.begin_sign_in(world.ctx, proof)
    with world.store.read() as snap:
        assert factors.waiting_account(snap, waiting) == ann.ordinal
    await credentials.set_by_hand(world.ctx, target=ann.ordinal, password="the new password of it")
    with world.store.read() as snap, pytest.raises(Unauthenticated):
        factors.waiting_account(snap, waiting)
    with pytest.raises(Invalid, match="The password was changed meanwhile"):
        await factors.begin_sign_in(world.ctx, proof)


# -- what is good once -----------------------------------------------------------------------------


async def _all_at_once(world: World, worker: World, act: Act, times: int = 4) -> list[str]:
    """Do a thing several times at once, by turns in both workers; return what each came to."""
    worker.clock.set(world.clock.now())
    contexts = [(world.ctx, worker.ctx)[number % 2] for number in range(times)]
    done = await asyncio.gather(
        *(act(ctx, number) for number, ctx in enumerate(contexts)), return_exceptions=True
    )
    return sorted(type(one).__name__ if isinstance(one, Exception) else "done" for one in done)


async def test_codes_are_good_once(world: World, worker: World) -> None:
    ann = (await world.citizen("ann")).ordinal
    setup = await factors.begin_one_time(world.ctx, actor=ann)
    totp = pyotp.TOTP(setup.secret.replace(" ", ""))
    now = world.clock.now() // 1000
    recovery = await factors.confirm_one_time(world.ctx, actor=ann, code=totp.at(now))
    world.clock.advance(seconds=60)
    for code in (totp.at(now + 60), recovery[0]):
        done = await _all_at_once(
            world,
            worker,
            lambda ctx, _, code=code: factors.require_code(ctx, account=ann, code=code),
        )
        assert done == ["Invalid"] * 3 + ["done"]
        world.clock.advance(hours=2)  # wrong tries are forgotten; how many count varies


async def test_links_in_mails_are_good_once(world: World, worker: World) -> None:
    ann = await world.citizen("ann")
    bob = await world.citizen("bob")

    def change(tx: Transaction) -> None:
        for account, purpose, text, email in (
            (ann, MailPurpose.RESET, "reset", "ann@here.example"),
            (ann, MailPurpose.CHANGE, "ann wants", "both@here.example"),
            (bob, MailPurpose.CHANGE, "bob wants", "both@here.example"),
        ):
            tx.mail_tokens.create(
                MailToken(
                    hash=oauth.sha256(text),
                    account=account.ordinal,
                    purpose=purpose,
                    email=email,
                    expires_at=tx.now + 60_000,
                )
            )
            if purpose is MailPurpose.CHANGE:
                tx.mail_tokens.want_email(account.ordinal, email, tx.now)

    await world.store.write(change)
    wanted = ("ann wants", "bob wants")
    done = await _all_at_once(
        world, worker, lambda ctx, number: confirmations.confirm(ctx, wanted[number]), 2
    )
    assert done == ["Invalid", "done"]
    done = await _all_at_once(
        world,
        worker,
        lambda ctx, number: credentials.reset(ctx, token="reset", password=f"a new one: {number}"),
    )
    assert done in (["NotFound"] * 4, ["NotFound"] * 3 + ["done"])  # spent with the old address
    with world.store.read() as snap:
        found = snap.accounts.credentials(ann.ordinal)
    changed = found is not None and found.email == "both@here.example"
    assert (done[-1] == "done") is not changed


async def test_a_scheduled_status_is_published_once(world: World, worker: World) -> None:
    ann = await world.person("ann")
    at = world.clock.now() + 400_000
    planned = await scheduling.schedule(
        world.ctx, actor=ann.ordinal, draft=Draft(text="later"), at=at
    )
    world.clock.set(at)
    done = await _all_at_once(
        world,
        worker,
        lambda ctx, _: scheduling.publish(ctx, account=ann.ordinal, scheduled=planned.id),
    )
    assert done == ["done"] * 4
    assert len(await ann.get(f"/api/v1/accounts/{ann.id}/statuses")) == 1
    assert await ann.get("/api/v1/scheduled_statuses") == []


async def test_limits_hold_for_those_who_come_at_once(world: World, worker: World) -> None:
    ann = await world.person("ann")
    ids = [int((await ann.status(f"status {number}"))["id"]) for number in range(8)]
    done = await _all_at_once(
        world,
        worker,
        lambda ctx, number: marking.pin(ctx, actor=ann.ordinal, status_id=ids[number]),
        8,
    )
    assert done == ["Invalid"] * 3 + ["done"] * 5
    done = await _all_at_once(
        world,
        worker,
        lambda ctx, _: transfers.take_away(ctx, actor=ann.ordinal),
    )
    assert done == ["Conflict"] * 3 + ["done"]
    media = await world.store.write(
        lambda tx: tx.media.put(
            Media(id=5, owner=ann.ordinal, key="0", created_at=tx.now, since=tx.now)
        )
    )
    assert media is None
    done = await _all_at_once(
        world,
        worker,
        lambda ctx, number: statuses.post(
            ctx, actor=ann.ordinal, draft=Draft(text=f"with {number}", media=(5,))
        ),
    )
    assert done == ["Invalid"] * 3 + ["done"]
