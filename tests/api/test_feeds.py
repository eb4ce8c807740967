"""Feeds for feed readers."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.api.world import World


async def test_no_text_makes_a_feed_unreadable(world: World) -> None:
    alice = await world.person("alice", display_name="<b>&\"']]>\x01\uffff")
    for text in ("<x> &amp; ]]> #rome", "a\uffffb \ufffe #rome", "\U0001f600 \u2028 \x85 #rome"):
        await alice.status(text)
    for path in ("/@alice.rss", "/tags/rome.rss"):
        feed = await world.get(path)
        assert feed.status_code == 200
        items = ElementTree.fromstring(feed.content).findall("channel/item")
        assert len(items) == 3, path
        assert "<p>ab  <a" in (items[1].findtext("description") or "")
