"""Access: what was handed out is found by its hash until it is taken back or expires."""

from __future__ import annotations

import pytest

from rostra.domain.events import AnyEvent, TokenChanged
from rostra.ports import Application, AuthorizationCode, Token
from rostra.storage.access import AccessStore, AccessStoreWriter
from rostra.storage.database.sqlite import Database
from rostra.testing.clock import FakeClock

APPLICATION = Application(
    id=4,
    client_id="client",
    client_secret=b"\x00secret",
    name="Tusk",
    website=None,
    redirect_uris=("urn:ietf:wg:oauth:2.0:oob", "https://example.org/cb"),
    scopes="read write",
    created_at=5,
)


def token(name: bytes, account: int | None = 1) -> Token:
    return Token(hash=name, account=account, application=4, scopes="read", created_at=5)


def code(name: bytes, expires_at: int, account: int = 1) -> AuthorizationCode:
    return AuthorizationCode(
        hash=name,
        account=account,
        application=4,
        redirect_uri="https://example.org/cb",
        scopes="read",
        code_challenge="challenge",
        expires_at=expires_at,
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(10_000)


@pytest.fixture
def writer(database: Database, events: list[AnyEvent], clock: FakeClock) -> AccessStoreWriter:
    return AccessStoreWriter(database, events.append, clock.now)


@pytest.fixture
def reader(database: Database, clock: FakeClock) -> AccessStore:
    return AccessStore(database, clock.now)


def test_an_application_is_found_by_id_and_name(
    writer: AccessStoreWriter, reader: AccessStore
) -> None:
    writer.create_application(APPLICATION)
    for store in (writer, reader):
        assert store.application(4) == store.application_by_client_id("client") == APPLICATION
        assert store.application(5) is store.application_by_client_id("other") is None


def test_a_token_is_good_until_it_is_revoked(
    writer: AccessStoreWriter, reader: AccessStore, events: list[AnyEvent]
) -> None:
    writer.create_token(token(b"a"))
    writer.create_token(token(b"app", account=None))
    assert reader.token(b"a") == writer.token(b"a") == token(b"a")
    assert reader.token(b"app") == token(b"app", account=None)
    assert reader.token(b"b") is None
    assert events == []
    assert writer.revoke_token(b"a")
    assert not writer.revoke_token(b"a")
    assert events == [TokenChanged(None, b"a")]
    assert writer.token(b"a") is None
    reader.apply(events[0])
    assert reader.token(b"a") is None
    assert reader.token(b"app") is not None


def test_revoking_all_ends_everything_of_one_account(
    writer: AccessStoreWriter, reader: AccessStore, clock: FakeClock, events: list[AnyEvent]
) -> None:
    for account in (1, 2):
        writer.create_token(token(b"t%d" % account, account))
        writer.create_code(code(b"c%d" % account, clock.now() + 1, account))
        writer.create_session(b"s%d" % account, account, 0, clock.now() + 1)
        assert reader.token(b"t%d" % account) is not None
    writer.revoke_all(1)
    assert events == [TokenChanged(1)]
    reader.apply(events[0])
    assert [reader.token(b"t1"), reader.code(b"c1"), reader.session(b"s1")] == [None] * 3
    assert reader.token(b"t2") == token(b"t2", 2)
    assert reader.code(b"c2") is not None
    assert reader.session(b"s2") == 2


def test_a_code_is_there_until_it_is_cleared_away(
    writer: AccessStoreWriter, reader: AccessStore, clock: FakeClock
) -> None:
    first = code(b"first", clock.now() + 100)
    writer.create_code(first)
    assert reader.code(b"first") == first
    clock.advance(100)
    assert reader.code(b"first") == first  # to tell "expired" from "never heard of"
    writer.create_code(code(b"second", clock.now() + 100))
    assert reader.code(b"first") is None
    writer.use_code(b"second", 5)
    spent = reader.code(b"second")
    assert spent is not None
    assert spent.used_at == 5  # kept, to know it again when it is used twice


def test_a_session_lasts_until_its_time_or_its_end(
    writer: AccessStoreWriter, reader: AccessStore, clock: FakeClock, events: list[AnyEvent]
) -> None:
    writer.create_session(b"s", 1, clock.now(), clock.now() + 100)
    writer.create_session(b"t", 1, clock.now(), clock.now() + 500)
    assert reader.session(b"s") == 1
    clock.advance(100)
    assert reader.session(b"s") is None
    assert reader.session(b"t") == 1
    writer.delete_session(b"t")
    assert reader.session(b"t") is None
    assert events == [TokenChanged(None, b"t")]
