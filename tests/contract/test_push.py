"""Push subscriptions as they are stored: one a token, and gone with it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from rostra.domain.push import Policy, PushSubscription, retry_delay
from rostra.ports import Token, Transaction
from rostra.storage.store import SqliteStore
from rostra.testing.clock import FakeClock


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore.open(tmp_path, FakeClock())


def token(tx: Transaction, account: int, name: bytes) -> bytes:
    made = Token(hash=name * 32, account=account, application=None, scopes="push", created_at=1)
    tx.access.create_token(made)
    return made.hash


def subscription(account: int, id_: int, token: bytes) -> PushSubscription:
    return PushSubscription(
        account=account,
        id=id_,
        token=token,
        endpoint="https://push.example/1",
        p256dh=b"point",
        auth=b"secret",
        access=b"sealed",
        standard=True,
        policy=Policy.FOLLOWED,
        alerts=frozenset({"mention", "admin.report"}),
        through=5,
    )


async def test_one_a_token_and_gone_with_it(store: SqliteStore) -> None:
    first, second, third = (
        store.write_now(lambda tx, a=account, n=name: token(tx, a, n))  # type: ignore[misc]
        for account, name in ((1, b"a"), (1, b"b"), (2, b"c"))
    )
    for id_, account, hash_ in ((1, 1, first), (2, 1, second), (3, 2, third), (4, 1, first)):
        made = subscription(account, id_, hash_)
        store.write_now(lambda tx, made=made: tx.push.put(made))  # type: ignore[misc]
    with store.read() as snap:
        assert snap.push.of_token(first) == subscription(1, 4, first)
        assert [one.id for one in snap.push.of(1)] == [2, 4]
        assert snap.push.accounts() == [1, 2]

    def note(tx: Transaction) -> None:
        tx.push.note(1, 4, through=9, attempts=2, due_at=7, failing_since=6)
        tx.push.note(1, 2, through=3, attempts=0, due_at=0, failing_since=0)
        tx.push.note(9, 9, through=3, attempts=0, due_at=0, failing_since=0)

    store.write_now(note)
    with store.read() as snap:
        noted = msgspec.structs.replace(
            subscription(1, 4, first), through=9, attempts=2, due_at=7, failing_since=6
        )
        assert snap.push.of_token(first) == noted
        assert snap.push.of(1)[0].through == 5  # it never goes back
    store.write_now(lambda tx: tx.push.delete(1, 2))
    store.write_now(lambda tx: tx.access.revoke_token(third))
    with store.read() as snap:
        assert snap.push.accounts() == [1]
    store.write_now(lambda tx: tx.access.revoke_all(1))
    with store.read() as snap:
        assert snap.push.accounts() == []
    await store.close()


def test_retries_wait_longer_each_time() -> None:
    assert [retry_delay(n) // 1000 for n in (0, 1, 2, 9, 10, 99)] == [5, 10, 20, 2560, 3600, 3600]
