"""What else Mastodon.py can be asked to do; and that all of it is called in some test, or why not.

Each answer is held against the types the library declares, by ``tests.api.apps``.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mastodon import Mastodon, StreamListener, return_types
from mastodon.errors import (
    MastodonAPIError,
    MastodonIllegalArgumentError,
    MastodonNotFoundError,
)
from tests.api.apps import App, methods, missing
from tests.api.server import Server
from tests.api.world import PASSWORD

from rostra.testing import uploads
from rostra.testing.server import PATIENCE

TESTS = Path(__file__).parents[1]

UNCALLED = {
    "account_collections": "collections came with Mastodon 4.6; this server speaks 4.5",
    "account_in_collections": "collections",
    "collection": "collections",
    "collection_create": "collections",
    "collection_delete": "collections",
    "collection_item_add": "collections",
    "collection_item_delete": "collections",
    "collection_item_revoke": "collections",
    "collection_update": "collections",
    "profile": "came with Mastodon 4.6; apps of 4.5 use verify_credentials and update_credentials",
    "profile_update": "profile",
    "annual_report": "an optional feature that this server does not have, answered with 404",
    "annual_report_generate": "annual_report",
    "annual_report_read": "annual_report",
    "annual_report_state": "annual_report",
    "annual_reports": "annual_report",
    "decode_blurhash": "needs another package for blurhash than the server has",
    "get_status_length": "reckons by itself, with another package; the server is not asked",
    "get_async_refresh_status": "only for who was told the id of a refresh; nobody is",
    "reports": "taken out of Mastodon in 2.5; the library refuses to call it",
    "search_v1": "taken out of Mastodon in 3.0; apps use the second version",
    "stream_open_websocket": "needs another package for WebSockets than our tests have",
}
"""What of the library no test calls, and why (or the method whose reason is the same)."""


def called() -> set[str]:
    """Return the names of the methods that tests with Mastodon.py call."""
    found: set[str] = set()
    for file in TESTS.glob("*/*.py"):
        text = file.read_text(encoding="utf-8")
        if "mastodon" not in text or file.name == "apps.py":
            continue
        tree = ast.parse(text)
        imports = {name.module for name in ast.walk(tree) if isinstance(name, ast.ImportFrom)}
        if not imports & {"mastodon", "tests.api.apps"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found.add(node.func.attr)
            elif isinstance(node, ast.Attribute) and node.attr.startswith("stream_"):
                found.add(node.attr)
    return found


def test_every_method_is_called_or_has_its_reason() -> None:
    known, used = set(methods()), called()
    assert known - used - set(UNCALLED) == set()
    assert set(UNCALLED) & used == set()
    assert set(UNCALLED) <= known
    assert all(" " in why or why in UNCALLED or f"{why}s" for why in UNCALLED.values())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"), registrations="approval")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def people(server: Server) -> Iterator[dict[str, App]]:
    apps = {}
    for name, role in (("alice", "user"), ("bob", "user"), ("mod", "moderator")):
        server.account(name, "--role", role)
        scopes = "read write follow push profile admin:read admin:write"
        apps[name] = App(
            access_token=server.token(name, scopes),
            api_base_url=server.url,
            version_check_mode="created",
        )
    yield apps
    for app in apps.values():
        app.session.close()


# -- people and what they say ----------------------------------------------------------------------


def test_relationships(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    her, him = alice.account_verify_credentials(), bob.account_verify_credentials()
    assert bob.follows("alice").following
    assert [one.id for one in bob.account_following(him)] == [her.id]
    assert not alice.account_remove_from_followers(him).followed_by
    bob.account_follow(her)
    assert not bob.account_unfollow(her).following
    assert alice.account_block(him).blocking
    assert [one.id for one in alice.blocks()] == [him.id]
    assert not alice.account_unblock(him).blocking
    alice.account_update_credentials(locked=True)
    assert bob.account_follow(her).requested
    assert not alice.follow_request_reject(him).followed_by
    assert not bob.account_relationships([her])[0].requested
    alice.account_update_credentials(locked=False)
    assert alice.accounts([her, him])[0].id == her.id
    assert alice.set_language("la") is None


def test_what_is_done_with_statuses(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    posted = alice.toot("Hail #harbour, a link to nowhere")
    bob.status_reblog(posted)
    assert [one.acct for one in alice.status_reblogged_by(posted)] == ["bob"]
    assert not bob.status_unreblog(posted).reblogged
    bob.status_bookmark(posted)
    assert not bob.status_unbookmark(posted).bookmarked
    assert bob.status_card(posted) is None
    assert bob.timeline_hashtag("harbour")[0].id == posted.id
    assert bob.timeline_local()[0].id == bob.timeline("local")[0].id
    assert bob.timeline_is_available("public")
    asked = alice.status_post("Shall we?", poll=alice.make_poll(["aye", "nay"], 600))
    assert bob.poll(asked.poll).id == asked.poll.id
    later = datetime.now(UTC) + timedelta(days=1)
    kept = alice.status_post("tomorrow", scheduled_at=later)
    assert alice.scheduled_status(kept).id == kept.id
    alice.scheduled_status_delete(kept)
    assert alice.trends() == []
    assert bob.suggestions() == [one.account for one in bob.suggestions_v2()]


def test_pages_both_ways(people: dict[str, App]) -> None:
    alice = people["alice"]
    posted = [alice.status_post(f"leaf {number}").id for number in range(5)][::-1]
    page = alice.account_statuses(alice.me(), limit=2)
    info = alice.get_pagination_info(page, "next")
    assert info is not None
    second = alice.fetch_next(page)
    assert [one.id for one in alice.fetch_previous(second)] == posted[:2]
    assert [one.id for one in alice.fetch_remaining(page)][:5] == posted
    assert [one.id for one in alice.pagination_iterator(page)][:5] == posted
    pages = list(alice.pagination_page_iterator(page))
    assert [one.id for one in pages[1]] == posted[2:4]


def test_pictures(people: dict[str, App]) -> None:
    alice = people["alice"]
    media = alice.media_post(uploads.picture(), mime_type="image/jpeg", synchronous=True)
    assert alice.media(media).id == media.id
    posted = alice.status_post("look", media_ids=[media])
    change = alice.generate_media_edit_attributes(media, description="a ship", focus=(0.5, 0))
    after = alice.status_update(posted, "look", media_attributes=[change])
    assert after.media_attachments[0].description == "a ship"


def test_filters_of_the_first_version_are_applied_by_apps(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    said = [bob.status_post("a galley"), bob.status_post("a barge")]
    old = alice.filter_create("galley", ["home"])
    assert alice.filters_apply(said, alice.filters(), "home") == said[1:]
    alice.filter_delete(old)
    made = alice.create_filter_v2("One", ["home"], "hide")
    entry = alice.add_filter_status_v2(made, said[0])
    assert alice.filter_status_v2(entry).status_id == said[0].id
    alice.delete_filter_v2(made)


def test_notifications(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    alice.notifications_clear()
    bob.status_post("@alice one")
    bob.status_post("@alice two")
    newest = alice.notifications()[0]
    alice.notifications_dismiss(newest)
    assert newest.id not in [one.id for one in alice.notifications()]
    alice.notifications_clear()
    assert alice.notifications() == []
    assert alice.notifications_policy().for_not_following == "accept"
    alice.update_notifications_policy(for_not_following="filter")
    bob.status_post("@alice held back")
    alice.dismiss_multiple_notification_requests([alice.notification_requests()[0].id])
    assert alice.notification_requests() == []
    bob.status_post("@alice held back again")
    alice.accept_notification_request(alice.notification_requests()[0].id)
    assert alice.notification_requests() == []
    alice.update_notifications_policy(for_not_following="accept")


# -- the server and the app ------------------------------------------------------------------------


def test_what_is_told_of_the_server(server: Server, people: dict[str, App]) -> None:
    alice = people["alice"]
    assert alice.verify_minimum_version("4.5.0")
    assert alice.retrieve_mastodon_version().startswith("4.5")
    assert Mastodon.get_supported_version() >= "4.5"
    alice.clear_caches()
    there = alice.get_approx_server_time().replace(tzinfo=UTC)
    assert abs(there - datetime.now(UTC)) < timedelta(minutes=5)
    # The manual of Mastodon says {"status": "UP"}; the library looks for the bare word OK.
    assert alice.instance_health() is False
    assert httpx2.get(f"{server.url}/health", timeout=PATIENCE).json()["status"] == "UP"
    assert alice.instance().title == alice.instance_v2().title
    assert alice.instance_nodeinfo().software.name == "rostra"
    assert alice.instance_languages() != []
    assert alice.instance_translation_languages() == {}
    assert alice.instance_domain_blocks() == []
    assert alice.instance_extended_description().content is not None
    with pytest.raises(MastodonNotFoundError):
        alice.instance_terms_of_service()
    answered = alice.timeline_home()
    assert alice.get_async_refresh_info(answered) is None
    assert alice.await_async_refresh(answered) == answered


def test_who_an_app_is(server: Server, people: dict[str, App]) -> None:
    alice = people["alice"]
    info = alice.oauth_authorization_server_info()
    assert info.issuer.rstrip("/") == server.url
    assert info.token_endpoint == f"{server.url}/oauth/token"
    with pytest.raises(MastodonIllegalArgumentError):
        alice.oauth_userinfo()  # the library wants https, even on the loopback interface
    raw = alice.raw("/oauth/userinfo")
    assert missing(return_types.OAuthUserInfo, raw) == []
    client_id, secret = Mastodon.create_app("Gazette", api_base_url=server.url)
    app = Mastodon(client_id, secret, access_token=alice.access_token, api_base_url=server.url)
    assert app.me().acct == "alice"
    assert app.persistable_login_credentials().split("\n")[0] == alice.access_token


# -- moderation ------------------------------------------------------------------------------------


def test_reports(people: dict[str, App]) -> None:
    alice, bob, mod = people["alice"], people["bob"], people["mod"]
    said = bob.status_post("buy my amphorae")
    told = alice.report(bob.me(), [said], "again and again", category="spam")
    assert (told.category, told.action_taken, told.rule_ids) == ("spam", False, [])
    assert [one.id for one in mod.admin_reports()] == [told.id]
    assert mod.admin_report_assign(told).assigned_account.username == "mod"
    assert mod.admin_report_unassign(told).assigned_account is None
    assert mod.admin_report_resolve(told).action_taken
    assert not mod.admin_report_reopen(told).action_taken
    assert [one.id for one in mod.admin_report(told).statuses] == [said.id]


def test_accounts_under_moderation(server: Server, people: dict[str, App]) -> None:
    mod, bob = people["mod"], people["bob"].me()
    assert mod.admin_accounts(status="active") != []
    assert mod.admin_accounts_v1(status="active") != []
    assert mod.admin_account(bob).username == "bob"
    mod.admin_account_moderate(bob, action="silence")
    assert mod.admin_account(bob).silenced
    assert not mod.admin_account_unsilence(bob).silenced
    mod.admin_account_moderate(bob, action="sensitive")
    assert not mod.admin_account_unsensitive(bob).sensitized
    mod.admin_account_moderate(bob, action="disable")
    assert mod.admin_account(bob).disabled
    assert not mod.admin_account_enable(bob).disabled
    for name in ("first", "second"):
        _sign_up(server, name)
    pending = {one.username: one.id for one in mod.admin_accounts_v2(status="pending")}
    waiting = [pending["first"], pending["second"]]
    assert all(not mod.admin_account(id_).approved for id_ in waiting)
    assert mod.admin_account_approve(waiting[0]).approved
    assert mod.admin_account_reject(waiting[1]).username == "second"
    with pytest.raises(MastodonNotFoundError):
        mod.admin_account(waiting[1])
    mod.admin_account_moderate(waiting[0], action="suspend")
    assert mod.admin_account_delete(waiting[0]).username == "first"
    with pytest.raises(MastodonAPIError):
        people["bob"].admin_account(bob)


def _sign_up(server: Server, name: str) -> None:
    """Sign somebody up who waits to be approved."""
    client_id, secret = Mastodon.create_app("Gazette", api_base_url=server.url)
    app = Mastodon(client_id=client_id, client_secret=secret, api_base_url=server.url)
    email = f"{name}@mail.example"
    app.create_account(name, PASSWORD, email, agreement=True, reason="to see the world")


def test_who_may_not_sign_up(people: dict[str, App]) -> None:
    mod = people["mod"]
    block = mod.admin_create_ip_block("192.0.2.0/24", "sign_up_block", "a farm", 3600)
    assert [one.id for one in mod.admin_ip_blocks()] == [block.id]
    mod.admin_update_ip_block(block, severity="no_access")
    assert mod.admin_ip_block(block).severity == "no_access"
    mod.admin_delete_ip_block(block)
    domain = mod.admin_create_email_domain_block("spam.example")
    assert mod.admin_email_domain_block(domain.id).domain == "spam.example"
    assert len(mod.admin_email_domain_blocks()) == 1
    mod.admin_delete_email_domain_block(domain.id)
    mailbox = mod.admin_create_canonical_email_block(email="some.one@mail.example")
    assert mod.admin_canonical_email_block(mailbox.id).id == mailbox.id
    assert mailbox.id in [one.id for one in mod.admin_canonical_email_blocks()]
    tested = mod.admin_test_canonical_email_block("someone@mail.example")
    assert [one.id for one in tested] == [mailbox.id]
    mod.admin_delete_canonical_email_block(mailbox.id)
    assert mod.admin_test_canonical_email_block("someone@mail.example") == []


def test_other_domains(people: dict[str, App]) -> None:
    mod = people["mod"]
    made = mod.admin_create_domain_block("spam.example", severity="silence", public_comment="why")
    assert [one.id for one in mod.admin_domain_blocks()] == [made.id]
    assert mod.admin_domain_blocks(made.id).severity == "silence"
    assert mod.admin_update_domain_block(made.id, severity="suspend").severity == "suspend"
    mod.admin_delete_domain_block(made.id)
    allowed = mod.admin_create_domain_allow("friends.example")
    assert [one.id for one in mod.admin_domain_allows()] == [allowed.id]
    assert mod.admin_domain_allow(allowed).domain == "friends.example"
    mod.admin_delete_domain_allow(allowed)


def test_statistics(people: dict[str, App]) -> None:
    mod = people["mod"]
    end = datetime.now(UTC)
    start = end - timedelta(days=2)
    measured = mod.admin_measures(start, end, active_users=True, new_users=True, interactions=True)
    assert {one["key"] for one in measured} == {"active_users", "new_users", "interactions"}
    found = mod.admin_dimensions(start, end, languages=True, software_versions=True)
    assert {one["key"] for one in found} == {"languages", "software_versions"}
    assert len(mod.admin_retention(start, end)) > 0


# -- streams ---------------------------------------------------------------------------------------


class HeardError(Exception):
    """Ends a stream: it has told what it was asked for."""


class Ears(StreamListener):
    """Ends a stream at the first thing it tells."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.heard: list[Any] = []

    def handle_heartbeat(self) -> None:
        self.begun.set()

    def on_any_event(self, name: str, data: Any) -> None:
        self.heard.append((name, data))
        raise HeardError


def listen(stream: Callable[[Ears], Any], act: Callable[[], Any]) -> tuple[str, Any]:
    """Open a stream, do something, and return the first that the stream tells."""
    ears = Ears()

    def run() -> None:
        with pytest.raises(HeardError):
            stream(ears)

    thread = threading.Thread(target=run)
    thread.start()
    while not ears.begun.wait(0.1):
        assert thread.is_alive(), "the stream ended before it began"
    act()
    thread.join()
    (told,) = ears.heard
    return told


def test_every_stream(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    bob.account_follow(alice.me())
    friends = bob.list_create("Friends")
    bob.list_accounts_add(friends, [alice.me()])
    streams: list[tuple[Callable[[Ears], Any], str, str]] = [
        (bob.stream_public, "to all", "update"),
        (bob.stream_local, "to all here", "update"),
        (lambda ears: bob.stream_hashtag("quay", ears), "at the #quay", "update"),
        (lambda ears: bob.stream_list(friends.id, ears), "to friends", "update"),
        (bob.stream_user_notifications, "@bob hail", "notification"),
    ]
    for stream, text, event in streams:
        name, told = listen(stream, lambda text=text: alice.status_post(text))
        status = told.status if event == "notification" else told
        assert (name, status.account.acct) == (event, "alice"), text
        assert text.split()[-1].strip("#@") in status.content
    name, told = listen(
        bob.stream_direct, lambda: alice.status_post("@bob a word", visibility="direct")
    )
    assert name == "conversation"
    assert told.last_status.account.acct == "alice"
