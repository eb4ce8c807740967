"""Mastodon.py, an app that exists, against a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx2
import pytest
from mastodon import Mastodon, return_types
from mastodon.errors import (
    MastodonAPIError,
    MastodonIllegalArgumentError,
    MastodonNotFoundError,
    MastodonServiceUnavailableError,
    MastodonUnauthorizedError,
)
from tests.api.apps import App, check_entity, missing
from tests.api.server import Server
from tests.api.world import PASSWORD

from rostra.testing.server import PATIENCE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def people(server: Server) -> Iterator[dict[str, App]]:
    apps = {}
    for name, options in (("alice", ()), ("bob", ()), ("mod", ("--role", "moderator"))):
        server.account(name, *options)
        apps[name] = App(
            access_token=server.token(name),
            api_base_url=server.url,
            version_check_mode="created",
        )
    yield apps
    for app in apps.values():
        app.session.close()


def test_every_field_of_every_entity_is_there(people: dict[str, App]) -> None:
    alice, bob, mod = people["alice"], people["bob"], people["mod"]
    me = bob.me()
    posted = alice.status_post(
        "Hail @bob #ships",
        poll=alice.make_poll(["aye", "nay"], 3600),
        idempotency_key="every field",
    )
    bob.status_reblog(posted.id)
    bob.account_follow(alice.me().id)
    status = alice.raw(f"/api/v1/statuses/{posted.id}")
    for kind, raw in (
        (return_types.Status, status),
        (return_types.Status, alice.raw("/api/v1/timelines/home")[0]),
        (return_types.Account, alice.raw("/api/v1/accounts/verify_credentials")),
        (return_types.Poll, status["poll"]),
        (return_types.Relationship, alice.raw("/api/v1/accounts/relationships", id=me.id)[0]),
        (return_types.Notification, bob.raw("/api/v1/notifications")[0]),
        (return_types.Notification, alice.raw("/api/v1/notifications")[0]),
        (return_types.Context, alice.raw(f"/api/v1/statuses/{posted.id}/context")),
        (return_types.SearchV2, alice.raw("/api/v2/search", q="#ships")),
        (return_types.InstanceV2, alice.raw("/api/v2/instance")),
        (return_types.Instance, alice.raw("/api/v1/instance")),
        (return_types.AdminAccount, mod.raw(f"/api/v1/admin/accounts/{me.id}")),
    ):
        assert missing(kind, raw) == []


def test_notifications_grouped_held_back_and_marked(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    posted = alice.status_post("to be liked")
    bob.status_favourite(posted)
    found = alice.grouped_notifications(expand_accounts="full")
    likes = found.notification_groups[0]
    assert (likes.type, likes.notifications_count) == ("favourite", 1)
    assert likes.sample_account_ids == [str(bob.me().id)]
    assert found.statuses[0].id == posted.id
    raw = alice.raw("/api/v2/notifications")
    assert missing(return_types.GroupedNotificationsResults, raw) == []
    raw = alice.raw("/api/v2/notifications", expand_accounts="partial_avatars")
    assert missing(return_types.GroupedNotificationsResults, raw) == []
    one = alice.grouped_notification(likes.group_key)
    assert one.notification_groups[0].group_key == likes.group_key
    assert [each.id for each in alice.grouped_notification_accounts(likes.group_key)] == [
        bob.me().id
    ]
    assert alice.unread_grouped_notifications_count() > 0
    assert alice.notifications_unread_count().count > 0
    alice.markers_set(["notifications"], [alice.notifications(limit=1)[0].id])
    assert alice.unread_grouped_notifications_count() == 0
    assert alice.notifications_unread_count().count == 0
    alice.dismiss_grouped_notification(likes.group_key)
    keys = [each.group_key for each in alice.grouped_notifications().notification_groups]
    assert likes.group_key not in keys

    alice.account_unfollow(bob.me())
    policy = alice.update_notifications_policy(for_not_following="filter")
    assert policy.for_not_following == "filter"
    said = bob.status_post("@alice hail")
    assert all(each.id != said.id for each in _mentions(alice))
    raw = alice.raw("/api/v2/notifications/policy")
    assert missing(return_types.NotificationPolicy, raw) == []
    (request,) = alice.notification_requests()
    raw = alice.raw(f"/api/v1/notifications/requests/{request.id}")
    assert missing(return_types.NotificationRequest, raw) == []
    assert alice.notification_request(request.id).last_status.id == said.id
    alice.dismiss_notification_request(request.id)
    assert alice.notification_requests() == []
    again = bob.status_post("@alice hail again")
    alice.accept_multiple_notification_requests([alice.notification_requests()[0].id])
    assert alice.notifications_merged()
    assert again.id in [each.id for each in _mentions(alice)]
    alice.update_notifications_policy(for_not_following="accept")


def _mentions(app: App) -> list[Any]:
    return [each.status for each in app.notifications(types=["mention"])]


def test_a_warning_is_told_whole(people: dict[str, App]) -> None:
    mod, bob = people["mod"], people["bob"]
    mod.admin_account_moderate(bob.me(), action="none", text="Please be kind")
    raw = bob.raw("/api/v1/notifications")[0]
    assert raw["type"] == "moderation_warning"
    assert missing(return_types.AccountWarning, raw["moderation_warning"]) == []
    assert missing(return_types.Notification, raw) == []
    grouped = bob.raw("/api/v2/notifications")["notification_groups"][0]
    assert grouped["moderation_warning"] == raw["moderation_warning"]
    assert bob.notifications(limit=1)[0].moderation_warning.action == "none"


def test_an_app_signs_in_with_a_code(server: Server, people: dict[str, App]) -> None:
    client_id, secret = Mastodon.create_app("Gazette", api_base_url=server.url)
    app = Mastodon(client_id=client_id, client_secret=secret, api_base_url=server.url)
    address = app.auth_request_url(scopes=["read", "write"], allow_http=True)
    with httpx2.Client(base_url=server.url, follow_redirects=True, timeout=PATIENCE) as browser:
        page = browser.get(address)
        page = _send(browser, page, act="sign_in", login="alice", password=PASSWORD)
        page = _send(browser, page, act="authorize")
    code = re.search(r'<code id="code">([^<]+)</code>', page.text)
    assert code is not None
    app.log_in(code=code.group(1), scopes=["read", "write"], allow_http=True)
    assert app.me().username == "alice"
    assert app.app_verify_credentials().name == "Gazette"
    app.status_post("signed in")
    app.revoke_access_token(allow_http=True)
    with pytest.raises(MastodonUnauthorizedError):
        App(access_token="gone", api_base_url=server.url).me()


def _send(browser: httpx2.Client, page: httpx2.Response, **typed: str) -> httpx2.Response:
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    form = {name: unescape(value) for name, value in hidden}
    answer = browser.post("/oauth/authorize", data={**form, **typed})
    assert answer.status_code == 200, answer.text
    return answer


def test_an_app_registers_somebody(server: Server) -> None:
    client_id, secret = Mastodon.create_app("Gazette", api_base_url=server.url)
    app = Mastodon(client_id=client_id, client_secret=secret, api_base_url=server.url)
    app.create_account("newcomer", PASSWORD, "newcomer@here.example", agreement=True)
    assert app.me().username == "newcomer"
    with pytest.raises(MastodonIllegalArgumentError, match="already been taken"):
        app.create_account("newcomer", PASSWORD, "other@here.example", agreement=True)


def test_posts_follows_timelines_and_notifications(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    her, him = alice.me(), bob.me()
    assert bob.account_follow(her).following
    before = alice.account(her).statuses_count
    posted = alice.status_post("to all", visibility="public", language="en")
    assert bob.timeline_home()[0].id == posted.id
    assert bob.timeline_public(limit=1)[0].id == posted.id
    assert alice.account(her).statuses_count == before + 1
    reply = bob.status_reply(posted, "heard")
    assert reply.in_reply_to_id == posted.id
    assert [one.id for one in alice.status_context(posted).descendants] == [reply.id]
    assert alice.notifications(types=["mention"])[0].status.id == reply.id
    assert bob.status_favourite(posted).favourites_count == 1
    assert alice.notifications()[0].type == "favourite"
    assert [one.id for one in alice.status_favourited_by(posted)] == [him.id]
    assert bob.status_unfavourite(posted).favourites_count == 0
    assert bob.account_relationships([her])[0].following
    assert [one.id for one in alice.account_followers(her)] == [him.id]
    alice.status_delete(posted)
    with pytest.raises(MastodonNotFoundError):
        alice.status(posted)


def test_pages_are_fetched_one_after_another(people: dict[str, App]) -> None:
    alice = people["alice"]
    posted = [alice.status_post(f"page {number}").id for number in range(5)]
    page = alice.account_statuses(alice.me(), limit=2)
    seen = [one.id for one in page]
    while len(seen) < 5:
        page = alice.fetch_next(page)
        seen += [one.id for one in page]
    assert seen[:5] == posted[::-1]


def test_polls(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    poll = alice.make_poll(["aye", "nay", "perhaps"], 3600, multiple=True)
    posted = alice.status_post("Shall we?", poll=poll)
    after = bob.poll_vote(posted.poll, [0, 2])
    assert [option.votes_count for option in after.options] == [1, 0, 1]
    assert (after.votes_count, after.voters_count) == (2, 1)
    assert after.own_votes == [0, 2]


def test_edits_pins_and_muted_conversations(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    posted = alice.status_post("first", spoiler_text="careful")
    edited = alice.status_update(posted, "second", spoiler_text="")
    assert edited.edited_at is not None
    assert [one.content for one in alice.status_history(posted)] == [
        "<p>first</p>",
        "<p>second</p>",
    ]
    raw = alice.raw(f"/api/v1/statuses/{posted.id}/history")
    assert missing(return_types.StatusEdit, {**raw[0], "poll": None}) == []
    assert alice.status_source(posted).text == "second"
    raw = alice.raw(f"/api/v1/statuses/{posted.id}/source")
    assert missing(return_types.StatusSource, raw) == []
    assert alice.status_pin(posted).pinned
    assert [one.id for one in bob.account_statuses(alice.me(), pinned=True)] == [posted.id]
    assert not alice.status_unpin(posted).pinned
    assert bob.status_mute(posted).muted
    assert not bob.status_unmute(posted).muted
    with pytest.raises(MastodonServiceUnavailableError):
        bob.status_translate(posted)


def test_favourites_and_bookmarks(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    posted = [alice.status_post(f"worth keeping {number}") for number in range(3)]
    for one in posted:
        bob.status_favourite(one)
        bob.status_bookmark(one)
    assert [one.id for one in bob.favourites(limit=3)] == [one.id for one in posted[::-1]]
    page = bob.bookmarks(limit=2)
    page = bob.fetch_next(page)
    assert page[0].id == posted[0].id
    assert [one.id for one in bob.statuses([one.id for one in posted])] == [
        one.id for one in posted
    ]


def test_scheduled_statuses(people: dict[str, App]) -> None:
    alice = people["alice"]
    later = datetime.now(UTC) + timedelta(days=1)
    kept = alice.status_post("tomorrow", scheduled_at=later, poll=alice.make_poll(["a", "b"], 600))
    assert kept.params.text == "tomorrow"
    raw = alice.raw(f"/api/v1/scheduled_statuses/{kept.id}")
    assert (
        missing(return_types.ScheduledStatus, {**raw, "params": {**raw["params"], "poll": None}})
        == []
    )
    assert [one.id for one in alice.scheduled_statuses()] == [kept.id]
    moved = alice.scheduled_status_update(kept, later + timedelta(days=1))
    assert moved.scheduled_at > kept.scheduled_at
    alice.scheduled_status_delete(kept)
    assert alice.scheduled_statuses() == []


def test_quotes(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    hers = alice.status_post("worth quoting")
    his = bob.status_post("look", quoted_status_id=hers)
    assert (his.quote.state, his.quote.quoted_status.id) == ("accepted", hers.id)
    raw = bob.raw(f"/api/v1/statuses/{his.id}")
    assert missing(return_types.Status, raw) == []
    assert missing(return_types.Quote, raw["quote"]) == []
    assert missing(return_types.QuoteApproval, raw["quote_approval"]) == []
    again = bob.status_post("and look at this", quoted_status_id=his)
    raw = bob.raw(f"/api/v1/statuses/{again.id}")["quote"]["quoted_status"]["quote"]
    assert missing(return_types.ShallowQuote, raw) == []
    assert alice.notifications(types=["quote"])[0].status.id == his.id
    assert [one.id for one in alice.status_quotes(hers)] == [his.id]
    assert alice.status_quote_revoke(hers, his).quote.state == "revoked"
    changed = alice.status_update_quote_approval_policy(hers, "nobody")
    assert changed.quote_approval.automatic == []


def test_conversations(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    said = alice.status_post("@bob a word", visibility="direct")
    found = bob.conversations()[0]
    assert (found.unread, found.last_status.id) == (True, said.id)
    assert missing(return_types.Conversation, bob.raw("/api/v1/conversations")[0]) == []
    assert not bob.conversations_read(found).unread


def test_profiles(people: dict[str, App]) -> None:
    alice = people["alice"]
    after = alice.account_update_credentials(
        display_name="Alice", note="A note", fields=[("Home", "https://alice.example")]
    )
    assert after.display_name == "Alice"
    assert after.source.fields[0].name == "Home"
    assert 'href="https://alice.example"' in after.fields[0].value
    assert alice.account_lookup("alice").id == after.id


def test_requests_of_a_locked_account(server: Server, people: dict[str, App]) -> None:
    server.account("shy", "--locked")
    shy = App(access_token=server.token("shy"), api_base_url=server.url)
    bob = people["bob"]
    assert bob.account_follow(shy.me()).requested
    asked = shy.follow_requests()
    assert [one.username for one in asked] == ["bob"]
    shy.follow_request_authorize(asked[0])
    assert bob.account_relationships([shy.me()])[0].following


def test_moderation(server: Server, people: dict[str, App]) -> None:
    mod, bob = people["mod"], people["bob"]
    server.account("carol")
    carol = mod.account_lookup("carol").id
    bob.account_follow(carol)
    mod.admin_account_moderate(carol, action="suspend", text="Spam")
    assert bob.account(carol).suspended
    assert bob.account_relationships([carol]) == []
    listed = mod.admin_accounts_v2(status="suspended")
    assert [one.id for one in listed] == [carol]
    assert not mod.admin_account_unsuspend(carol).suspended
    assert bob.account(carol).followers_count == 1
    assert bob.account_relationships([carol])[0].following
    with pytest.raises(MastodonAPIError):
        bob.admin_accounts_v2()


def test_what_apps_ask_at_the_start(people: dict[str, App]) -> None:
    alice = people["alice"]
    assert alice.preferences()["posting:default:visibility"] == "public"
    assert alice.filters() == alice.lists() == alice.custom_emojis() == []
    assert alice.announcements() == []
    assert alice.instance_v2().domain
    assert alice.instance_v1().uri
    assert alice.instance_peers() == alice.instance_rules() == []
    assert len(alice.instance_activity()) == 12


def test_both_workers_answer_alike(server: Server, people: dict[str, App]) -> None:
    alice = people["alice"]
    seen = set()
    for number in range(40):
        posted = alice.status_post(f"by any worker {number}")
        with httpx2.Client(base_url=server.url, timeout=PATIENCE) as client:
            answer = client.get(f"/api/v1/statuses/{posted.id}")
        assert answer.status_code == 200
        seen.add(answer.headers["x-rostra-worker"])
    assert seen == {"0", "1"}


def of_4_4(app: App) -> App:
    """Return the same app for what came after the version that the server says it speaks."""
    return App(
        access_token=app.access_token, api_base_url=app.api_base_url, version_check_mode="none"
    )


def test_lists_and_hashtags(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    him = bob.me()
    alice.account_follow(him)
    made = alice.list_create("Friends", replies_policy="followed", exclusive=True)
    made = alice.list_update(made, "Kin", replies_policy="list", exclusive=False)
    assert (made.title, made.exclusive) == ("Kin", False)
    alice.list_accounts_add(made, [him])
    check_entity(return_types.UserList, alice.raw("/api/v1/lists"), alice.lists())
    assert [one.id for one in alice.list_accounts(made)] == [him.id]
    assert [one.id for one in alice.account_lists(him)] == [made.id]
    posted = bob.status_post("in a list, with a #hashtag")
    assert alice.timeline_list(made)[0].id == posted.id
    alice.list_accounts_delete(made, [him])
    assert alice.list_accounts(made) == []
    alice.list_delete(made)
    with pytest.raises(MastodonNotFoundError):
        alice.list(made)
    assert alice.tag_follow("hashtag").following
    check_entity(return_types.Tag, alice.raw("/api/v1/tags/hashtag"), alice.tag("hashtag"))
    check_entity(return_types.Tag, alice.raw("/api/v1/followed_tags"), alice.followed_tags())
    days = alice.raw("/api/v1/tags/hashtag")["history"]
    check_entity(return_types.TagHistory, days, alice.tag("hashtag").history)
    assert not alice.tag_unfollow("hashtag").following
    assert of_4_4(alice).tag_feature("hashtag").featuring
    assert not of_4_4(alice).tag_unfeature("hashtag").featuring
    featured = bob.featured_tag_create("hashtag")
    assert bob.featured_tags()[0].id == featured.id
    raw = bob.raw("/api/v1/featured_tags")
    check_entity(return_types.FeaturedTag, raw, alice.account_featured_tags(him))
    bob.featured_tag_delete(featured)
    assert [one.name for one in bob.featured_tag_suggestions()] == ["hashtag"]


def test_filters(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    made = alice.create_filter_v2(
        "Ships",
        ["home"],
        "warn",
        expires_in=3600,
        keywords_attributes=[{"keyword": "galley", "whole_word": True}],
    )
    posted = bob.status_post("a galley")
    entry = alice.add_filter_status_v2(made, posted)
    word = alice.add_filter_keyword_v2(made, "trireme")
    check_entity(return_types.FilterV2, alice.raw("/api/v2/filters"), alice.filters_v2())
    path = f"/api/v2/filters/{made.id}"
    words = alice.filter_keywords_v2(made)
    check_entity(return_types.FilterKeyword, alice.raw(f"{path}/keywords"), words)
    named = alice.filter_statuses_v2(made)
    check_entity(return_types.FilterStatus, alice.raw(f"{path}/statuses"), named)
    check_entity(return_types.Filter, alice.raw("/api/v1/filters"), alice.filters())
    raw = alice.raw(f"/api/v1/statuses/{posted.id}")["filtered"]
    found = alice.status(posted).filtered
    check_entity(return_types.FilterResult, raw, found)
    assert found[0].keyword_matches == ["galley"]
    assert [str(one) for one in found[0].status_matches] == [str(posted.id)]
    alice.delete_filter_status_v2(entry)
    alice.delete_filter_keyword_v2(word)
    alice.update_filter_v2(made, title="Galleys", filter_action="hide")
    assert alice.filter_v2(made).title == "Galleys"
    alice.delete_filter_v2(made)
    old = alice.filter_create("oars", ["public"], whole_word=False, expires_in=60)
    assert alice.filter_update(old, phrase="sails", context=["home"]).phrase == "sails"
    assert alice.filter(old).context == ["home"]
    alice.filter_delete(old)
    assert alice.filters_v2() == []


def test_what_one_keeps_for_oneself(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    him = bob.me()
    marked = alice.markers_set(["home", "notifications"], [103, 9])
    check_entity(
        return_types.Marker, alice.raw("/api/v1/markers", timeline="home")["home"], marked["home"]
    )
    assert alice.markers_get(["home"])["home"].last_read_id == marked["home"].last_read_id
    check_entity(return_types.Preferences, alice.raw("/api/v1/preferences"), alice.preferences())
    alice.domain_block("spam.example")
    assert alice.domain_blocks() == ["spam.example"]
    alice.domain_unblock("spam.example")
    assert alice.domain_blocks() == []
    alice.account_follow(him)
    assert alice.account_pin(him).endorsed
    assert [one.id for one in alice.endorsements()] == [him.id]
    assert not alice.account_unpin(him).endorsed
    assert of_4_4(alice).account_endorse(him).endorsed
    assert not of_4_4(alice).account_unendorse(him).endorsed
    assert alice.account_note_set(him, "met in Ostia").note == "met in Ostia"
    alice.account_mute(him, duration=60)
    raw, listed = alice.raw("/api/v1/mutes"), alice.mutes()
    check_entity(return_types.Account, raw, listed)
    assert isinstance(listed[0].mute_expires_at, datetime)
    alice.account_unmute(him)
    raw = alice.raw("/api/v1/accounts/familiar_followers", id=him.id)
    check_entity(return_types.FamiliarFollowers, raw, alice.account_familiar_followers([him]))


def test_an_app_opens_an_account(server: Server) -> None:
    client_id, secret = Mastodon.create_app("Opener", api_base_url=server.url)
    app = Mastodon(client_id=client_id, client_secret=secret, api_base_url=server.url)
    token = app.create_account("opened", PASSWORD, "opened@mail.example", agreement=True)
    assert isinstance(token, str)
    opened = Mastodon(access_token=token, api_base_url=server.url)
    assert opened.me().username == "opened"
    with pytest.raises(MastodonAPIError, match="awaiting confirmation"):
        opened.email_resend_confirmation()
    again = Mastodon(client_id=client_id, client_secret=secret, api_base_url=server.url)
    # What is taken is told to those alone who have everything else right.
    for password, agreement, wrong in (
        ("short", False, {"password": "ERR_TOO_SHORT", "agreement": "ERR_ACCEPTED"}),
        (PASSWORD, True, {"username": "ERR_TAKEN", "email": "ERR_TAKEN"}),
    ):
        none, errors = again.create_account(
            "Opened",
            password,
            "opened@mail.example",
            agreement=agreement,
            return_detailed_error=True,
        )
        assert none is None
        found = {name: problems[0].error for name, problems in errors.details.items() if problems}
        assert found == wrong
