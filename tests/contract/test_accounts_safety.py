"""Standings, tries, links in mails, factors and blocks: what is kept, and for how long."""

from __future__ import annotations

import pytest

from rostra.domain.accounts import SignUp, Standing
from rostra.domain.events import ActionTaken, AnyEvent
from rostra.domain.factors import Challenge, ChallengePurpose, OneTime, Passkey
from rostra.domain.mail import MailPurpose, MailToken
from rostra.domain.sign_up import CanonicalEmailBlock, EmailDomainBlock, IpBlock, Severity
from rostra.domain.throttle import Tries
from rostra.storage.database.sqlite import Database
from rostra.storage.factors import FactorStore, FactorStoreWriter
from rostra.storage.mail_tokens import MailTokenStore, MailTokenStoreWriter
from rostra.storage.sign_up_blocks import SignUpBlockStore, SignUpBlockStoreWriter
from rostra.storage.standings import StandingStore, StandingStoreWriter
from rostra.storage.tries import TriesStoreWriter
from rostra.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(10_000)


def test_a_standing_is_a_row_only_while_something_is_the_matter(
    database: Database, events: list[AnyEvent]
) -> None:
    writer, reader = StandingStoreWriter(database, events.append), StandingStore(database)
    assert reader.get(7) == Standing(account=7)
    waiting = Standing(account=7, unconfirmed_at=5, pending_at=5)
    writer.put(waiting)
    writer.put(Standing(account=8, pending_at=6))
    writer.put(Standing(account=9, deactivated_at=7))
    assert reader.get(7) == waiting
    assert reader.of_accounts([6, 7]) == {7: waiting}
    assert {name: list(members) for name, members in reader.all().items()} == {
        "unconfirmed": [7],
        "pending": [7, 8],
        "deactivated": [9],
    }
    assert reader.pending(limit=5) == [8]  # who has not confirmed does not wait for moderators yet
    assert reader.pending(limit=5, below=8) == []
    assert reader.unconfirmed_before(6, limit=5) == [7]
    assert reader.unconfirmed_before(5, limit=5) == []
    assert reader.deactivated_before(8, limit=5) == [9]
    for account in (7, 8, 9):
        writer.put(Standing(account=account))
    assert database.value("SELECT COUNT(*) FROM standings") == 0
    assert events == [ActionTaken(account) for account in (7, 8, 9, 7, 8, 9)]


def test_how_an_account_came_to_be(database: Database, events: list[AnyEvent]) -> None:
    writer = StandingStoreWriter(database, events.append)
    made = SignUp(
        account=7, application=3, address="192.0.2.1", locale="de", reason="why", created_at=5
    )
    writer.keep_sign_up(made)
    assert writer.sign_up(7) == made
    writer.forget(7)
    assert writer.sign_up(7) is None


def test_tries_are_kept_and_cleared_away(database: Database) -> None:
    writer = TriesStoreWriter(database)
    assert writer.get(b"a") == Tries()
    writer.put(b"a", Tries(1, 100), 200)
    writer.put(b"a", Tries(2, 150), 250)
    assert writer.get(b"a") == Tries(2, 150)
    writer.put(b"b", Tries(1, 250), 350)
    assert writer.get(b"a") == Tries()
    writer.forget(b"b")
    assert writer.get(b"b") == Tries()


def test_a_link_is_found_until_it_is_spent_or_too_old(database: Database, clock: FakeClock) -> None:
    writer, reader = (
        MailTokenStoreWriter(database, clock.now),
        MailTokenStore(database, clock.now),
    )

    def token(name: bytes, purpose: MailPurpose, expires_at: int) -> MailToken:
        return MailToken(
            hash=name, account=7, purpose=purpose, email="a@b.example", expires_at=expires_at
        )

    first = token(b"1", MailPurpose.RESET, clock.now() + 100)
    writer.create(first)
    writer.create(token(b"2", MailPurpose.RESET, clock.now() + 900))
    writer.create(token(b"3", MailPurpose.CONFIRM, clock.now() + 900))
    assert reader.token(b"1") == first
    clock.advance(100)
    assert reader.token(b"1") is None
    writer.spend(7, MailPurpose.RESET)
    assert reader.token(b"2") is None
    assert reader.token(b"3") is not None
    writer.want_email(7, "old@b.example", 1)
    writer.want_email(7, "new@b.example", 2)
    assert reader.wanted_email(7) == "new@b.example"
    writer.forget_email(7)
    assert reader.wanted_email(7) is None


def test_factors_are_kept_by_account(database: Database, clock: FakeClock) -> None:
    writer, reader = FactorStoreWriter(database, clock.now), FactorStore(database, clock.now)
    secret = OneTime(account=7, secret=b"sealed", last_step=4, enabled_at=5)
    passkey = Passkey(
        account=7,
        id=b"\x00id",
        name="Key",
        public_key=b"pk",
        sign_count=1,
        transports=("usb", "nfc"),
        created_at=5,
    )
    writer.put_one_time(secret)
    writer.set_recovery_codes(7, [b"a", b"b"])
    writer.put_handle(7, b"handle")
    writer.put_passkey(passkey)
    writer.begin(
        Challenge(
            hash=b"c",
            purpose=ChallengePurpose.SECOND_FACTOR,
            account=7,
            expires_at=clock.now() + 10,
        )
    )
    assert reader.one_time(7) == secret
    assert reader.passkeys(7) == [passkey] == [reader.passkey(b"\x00id")]
    assert reader.handle(7) == b"handle"
    assert reader.challenge(b"c") is not None
    writer.spend_recovery_code(7, b"a")
    assert reader.recovery_codes(7) == {b"b"}
    assert reader.recovery_codes(8) == set()
    clock.advance(10)
    assert reader.challenge(b"c") is None
    writer.forget(7)
    assert reader.one_time(7) is None
    assert reader.passkeys(7) == []
    assert reader.handle(7) is None
    assert reader.recovery_codes(7) == set()


def test_blocks_are_found_by_what_they_name(database: Database) -> None:
    writer, reader = SignUpBlockStoreWriter(database), SignUpBlockStore(database)
    network = IpBlock(
        id=1,
        network="192.0.2.0/24",
        severity=Severity.SIGN_UP_BLOCK,
        comment="c",
        created_at=5,
        expires_at=50,
    )
    domain = EmailDomainBlock(id=2, domain="b.example", allow_with_approval=True, created_at=5)
    mailbox = CanonicalEmailBlock(id=3, hash="f" * 64, account=None, created_at=5)
    writer.put_ip_block(network)
    writer.put_domain_block(domain)
    writer.put_mailbox_block(mailbox)
    assert reader.networks(49) == [network] == [reader.ip_block(1)]
    assert reader.networks(50) == []
    assert reader.domains(["a.b.example", "b.example"]) == [domain] == [reader.domain_block(2)]
    assert reader.mailboxes("f" * 64) == [mailbox] == [reader.mailbox_block(3)]
    assert reader.ip_blocks(limit=5) == [network]
    assert reader.domain_blocks(limit=5, max_id=2) == []
    assert reader.mailbox_blocks(limit=5, min_id=2) == [mailbox]
    writer.delete_ip_block(1)
    writer.delete_domain_block(2)
    writer.delete_mailbox_block(3)
    assert reader.ip_blocks(limit=5) == []
    assert reader.domain_blocks(limit=5) == []
    assert reader.mailbox_blocks(limit=5) == []
