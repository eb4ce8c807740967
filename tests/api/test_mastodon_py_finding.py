"""Mastodon.py against a real server: search, trends, suggestions, announcements, the instance."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from mastodon import return_types
from mastodon.errors import MastodonAPIError, MastodonNotFoundError
from PIL import Image
from tests.api.apps import App, check_entity, missing
from tests.api.server import Server

from rostra.config import Settings
from rostra.ops.opening import context_of, open_store
from rostra.services.discovery import trends

NAMES = ("alice", "bob", "carol", "dora")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def people(server: Server) -> Iterator[dict[str, App]]:
    apps = {}
    for name, role in (*((name, "user") for name in NAMES), ("mod", "moderator")):
        server.account(name, "--role", role)
        apps[name] = App(
            access_token=server.token(name),
            api_base_url=server.url,
            version_check_mode="created",
        )
    yield apps
    for app in apps.values():
        app.session.close()


def count_trends(server: Server) -> None:
    """Count what trends now, as the job process does every five minutes."""

    async def count() -> None:
        settings = Settings(data=server.data, base_url=server.url)
        store = open_store(settings)
        try:
            await trends.count(context_of(settings, store))
        finally:
            await store.close()

    asyncio.run(count())


def test_search(people: dict[str, App]) -> None:
    alice, bob = people["alice"], people["bob"]
    posted = alice.status_post("The quinquereme is at sea #fleet")
    bob.status_favourite(posted)
    found = bob.search_v2("quinquereme", result_type="statuses")
    assert [one.id for one in found.statuses] == [posted.id]
    assert bob.search_v2("quinquereme from:carol").statuses == []
    by_address = bob.search_v2(posted.url)
    assert [one.id for one in by_address.statuses] == [posted.id]
    assert [one.acct for one in bob.account_search("ali")] == ["alice"]
    raw = bob.raw("/api/v2/search", q="fleet")
    assert missing(return_types.SearchV2, raw) == []
    check_entity(return_types.Tag, raw["hashtags"], bob.search_v2("fleet").hashtags)
    edited = alice.status_update(posted, "The trireme is in port")
    assert alice.search_v2("quinquereme").statuses == []
    assert [one.id for one in alice.search_v2("trireme").statuses] == [edited.id]


def test_trends(server: Server, people: dict[str, App]) -> None:
    mod = people["mod"]
    for name in NAMES:
        people[name].status_post(f"#regatta by {name} https://paper.example/news")
    posted = people["alice"].status_post("worth a look")
    for name in NAMES[1:]:
        people[name].status_favourite(posted)
    count_trends(server)
    bob = people["bob"]
    check_entity(return_types.Tag, bob.raw("/api/v1/trends/tags"), bob.trending_tags())
    check_entity(return_types.Status, bob.raw("/api/v1/trends/statuses"), bob.trending_statuses())
    links = bob.trending_links()
    check_entity(return_types.PreviewCard, bob.raw("/api/v1/trends/links"), links)
    assert bob.trending_tags()[0].name == "regatta"
    assert bob.trending_statuses()[0].id == posted.id
    assert links[0].url == "https://paper.example/news"
    assert links[0].history[0].accounts == 4
    assert len(bob.timeline_link(links[0].url)) == 4
    assert mod.admin_reject_trending_link(mod.admin_trending_links()[0].id).url == links[0].url
    assert bob.trending_links() == []
    mod.admin_approve_trending_link(mod.admin_trending_links()[0].id)
    assert len(bob.trending_links()) == 1
    mod.admin_reject_trending_status(posted)
    assert bob.trending_statuses() == []
    mod.admin_approve_trending_status(posted)
    assert mod.admin_trending_tags()[0].requires_review
    assert mod.admin_trending_links()[0].url == links[0].url
    assert mod.admin_trending_statuses()[0].id == posted.id
    mod.admin_reject_trending_tag(mod.admin_trending_tags()[0].id)
    assert bob.trending_tags() == []
    mod.admin_approve_trending_tag(mod.admin_trending_tags()[0].id)
    assert bob.trending_tags()[0].name == "regatta"
    with pytest.raises(MastodonAPIError):
        bob.admin_trending_tags()


def test_suggestions_and_the_directory(server: Server, people: dict[str, App]) -> None:
    dora, carol = people["dora"], people["carol"].me()
    server.run("feature", "add", "carol")
    assert server.run("feature", "list") == "carol"
    suggested = dora.suggestions_v2()
    check_entity(return_types.Suggestion, dora.raw("/api/v2/suggestions"), suggested)
    assert suggested[0].account.id == carol.id
    assert suggested[0].sources[0] == "featured"
    assert dora.suggestions_v1()[0].id == carol.id
    dora.suggestion_delete(carol)
    assert carol.id not in [one.account.id for one in dora.suggestions_v2()]
    server.run("feature", "remove", "carol")
    listed = dora.directory(order="new", local=True, limit=2)
    check_entity(return_types.Account, dora.raw("/api/v1/directory", limit=2), listed)
    assert [one.acct for one in listed] == ["mod", "dora"]


def test_announcements_and_emojis(server: Server, people: dict[str, App], tmp_path: Path) -> None:
    alice = people["alice"]
    file = tmp_path / "prow.png"
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "PNG")
    file.write_bytes(out.getvalue())
    server.run("emoji", "add", "prow", str(file), "--category", "Ships")
    assert server.run("emoji", "list") == "prow\timage/png\tShips"
    check_entity(
        return_types.CustomEmoji, alice.raw("/api/v1/custom_emojis"), alice.custom_emojis()
    )
    said = alice.status_post("ahoy :prow:")
    check_entity(
        return_types.CustomEmoji, alice.raw(f"/api/v1/statuses/{said.id}")["emojis"], said.emojis
    )
    number = server.run("announcement", "publish", "A :prow: for all", "--ends", "2d", "--all-day")
    assert number in server.run("announcement", "list")
    (one,) = alice.announcements()
    alice.announcement_reaction_create(one, "👍")
    alice.announcement_reaction_create(one, "prow")
    check_entity(
        return_types.Announcement, alice.raw("/api/v1/announcements"), alice.announcements()
    )
    assert [each.name for each in alice.announcements()[0].reactions] == ["👍", "prow"]
    alice.announcement_reaction_delete(one, "👍")
    alice.announcement_dismiss(one)
    assert alice.announcements() == []
    server.run("announcement", "withdraw", number)
    server.run("emoji", "remove", "prow")
    assert alice.custom_emojis() == []


def test_what_the_server_says_of_itself(
    server: Server, people: dict[str, App], tmp_path: Path
) -> None:
    # The terms came with Mastodon 4.4, which the library would else not ask this server for.
    alice = App(
        access_token=people["alice"].access_token,
        api_base_url=server.url,
        version_check_mode="none",
    )
    with pytest.raises(MastodonNotFoundError):
        alice.instance_terms_of_service()
    assert server.run("rule", "add", "Be kind", "--hint", "Always") == "1"
    server.run("rule", "change", "1", "Be kinder")
    assert server.run("rule", "list") == "1\tBe kinder"
    file = tmp_path / "text"
    file.write_text("About us: https://us.example", encoding="utf-8")
    for name in ("extended_description", "terms_of_service", "privacy_policy"):
        server.run("text", "set", name, str(file))
        assert server.run("text", "show", name).startswith("About us")
    at = "/api/v1/instance"
    for kind, path, found in (
        (return_types.InstanceV2, "/api/v2/instance", alice.instance_v2()),
        (return_types.Instance, at, alice.instance_v1()),
        (return_types.Rule, f"{at}/rules", alice.instance_rules()),
        (return_types.Activity, f"{at}/activity", alice.instance_activity()),
        (
            return_types.ExtendedDescription,
            f"{at}/extended_description",
            alice.instance_extended_description(),
        ),
        (
            return_types.TermsOfService,
            f"{at}/terms_of_service",
            alice.instance_terms_of_service(),
        ),
        (return_types.SupportedLocale, f"{at}/languages", alice.instance_languages()),
        (return_types.Nodeinfo, "/nodeinfo/2.0", alice.instance_nodeinfo()),
    ):
        check_entity(kind, alice.raw(path), found)
    assert alice.instance_peers() == alice.instance_domain_blocks() == []
    assert alice.instance_translation_languages() == {}
    assert alice.instance_v2().rules[0].text == "Be kinder"
    server.run("rule", "remove", "1")
    server.run("search", "rebuild")
