"""People who do at random whatever the API lets them do, and what they may read afterwards."""

from __future__ import annotations

import io
from random import Random
from typing import Any

import httpx2
from msgspec.structs import replace
from PIL import Image
from tests.api.world import Person, World

from rostra.domain.media import Media
from rostra.ports import Transaction
from rostra.services.attachments import emojis
from rostra.services.discovery import trends

ACTS = """
    post post post direct reply reply poll vote vote vote like like unlike bookmark unbookmark
    boost boost unboost delete edit edit edit quote quote quote_policy revoke_quote pin unpin
    mute_thread picture describe describe schedule follow follow options unfollow mute block
    note endorse domain profile prefer filter filter change_filter tag tag feature arrange
    arrange members members relist emoji policy requests requests dismiss read_on conversation
    suspend limit leave leave trend later
"""
WORDS = ("hail", "ships", "nothing", "oars")


class Crowd:
    """People who do things at random.

    Args:
        world: where.
        people: who; the last one is a moderator and stays.
        random: what decides.
        clients: through which of several workers each thing is done.
    """

    def __init__(
        self,
        world: World,
        people: list[Person],
        random: Random,
        clients: list[httpx2.AsyncClient],
    ) -> None:
        self.world = world
        self.people = people
        self.random = random
        self.clients = clients
        self.posted: list[str] = []
        self.polls: list[str] = []
        self.scheduled: list[tuple[Person, str]] = []
        self.lists: list[tuple[Person, str]] = []
        self.filters: list[tuple[Person, str]] = []
        self.media: list[tuple[Person, str, str]] = []
        self.suspended: set[str] = set()
        self.away: set[str] = set()
        self.did: list[tuple[str, str, str, int]] = []

    async def act(self, often: Person | None = None) -> str:
        """Do one thing and return what; ``often`` is who does every other."""
        self.world.tick(self.random.choice((1, 10, 1000)))
        actor = self.random.choice(self.people)
        if often is not None and self.random.random() < 0.5:
            actor = often
        what = self.random.choice(ACTS.split())
        await getattr(self, what)(actor)
        return f"{actor.name} {what}"

    async def call(self, actor: Person, method: str, path: str, **options: Any) -> httpx2.Response:
        client = self.random.choice(self.clients)
        headers = {"Authorization": f"Bearer {actor.token}"}
        answer = await client.request(method, path, headers=headers, **options)
        assert answer.status_code < 500, (method, path, options, answer.text)
        self.did.append((actor.name, method, path, answer.status_code))
        return answer

    async def send(self, actor: Person, path: str, **body: Any) -> httpx2.Response:
        return await self.call(actor, "POST", path, json=body)

    def some(self) -> str:
        """Return the id of a status, one of the newest most of the time."""
        lately = self.random.random() < 0.7
        return self.random.choice(self.posted[-6:] if lately else self.posted)

    async def on_status(self, actor: Person, act: str) -> None:
        if self.posted:
            await self.send(actor, f"/api/v1/statuses/{self.some()}/{act}")

    def words(self) -> str:
        other = self.random.choice(self.people)
        tag = self.random.choice(("", "", "#ships", "#oars"))
        emoji = self.random.choice(("", "", ":wave:"))
        to = self.random.choice(("", f"@{other.name}"))
        return f"{self.random.choice(WORDS)} {self.random.randrange(1000)} {to} {tag} {emoji}"

    # -- statuses --------------------------------------------------------------------------------

    async def publish(self, actor: Person, **body: Any) -> None:
        body = {"status": self.words(), **body}
        answer = await self.send(actor, "/api/v1/statuses", **body)
        if answer.status_code == 200:
            self.posted.append(answer.json()["id"])

    async def post(self, actor: Person) -> None:
        await self.publish(
            actor,
            visibility=self.random.choice(("public", "public", "private", "unlisted")),
            quote_approval_policy=self.random.choice(("public", "followers", "nobody")),
        )

    async def direct(self, actor: Person) -> None:
        text = f"@{self.random.choice(self.people).name} a word"
        answering = self.some() if self.posted and self.random.random() < 0.5 else None
        await self.publish(actor, status=text, visibility="direct", in_reply_to_id=answering)

    async def reply(self, actor: Person) -> None:
        if self.posted:
            await self.publish(actor, in_reply_to_id=self.some())

    async def poll(self, actor: Person) -> None:
        count = len(self.posted)
        await self.publish(actor, poll={"options": ["a", "b"], "expires_in": 300})
        self.polls += self.posted[count:]

    async def vote(self, actor: Person) -> None:
        if self.polls:
            path = f"/api/v1/polls/{self.random.choice(self.polls[-3:])}/votes"
            await self.send(actor, path, choices=[self.random.randrange(2)])

    async def like(self, actor: Person) -> None:
        await self.on_status(actor, "favourite")

    async def unlike(self, actor: Person) -> None:
        await self.on_status(actor, "unfavourite")

    async def bookmark(self, actor: Person) -> None:
        await self.on_status(actor, "bookmark")

    async def unbookmark(self, actor: Person) -> None:
        await self.on_status(actor, "unbookmark")

    async def boost(self, actor: Person) -> None:
        if self.posted:
            answer = await self.send(actor, f"/api/v1/statuses/{self.some()}/reblog")
            if answer.status_code == 200:
                self.posted.append(answer.json()["id"])

    async def unboost(self, actor: Person) -> None:
        await self.on_status(actor, "unreblog")

    async def delete(self, actor: Person) -> None:
        if own := await self.own(actor):
            await self.call(actor, "DELETE", f"/api/v1/statuses/{own}")

    async def own(self, actor: Person) -> str | None:
        """Return the id of a status of the actor's."""
        answer = await self.call(actor, "GET", f"/api/v1/accounts/{actor.id}/statuses")
        found = [one["id"] for one in answer.json()] if answer.status_code == 200 else []
        return self.random.choice(found) if found else None

    async def edit(self, actor: Person) -> None:
        if own := await self.own(actor):
            body: dict[str, Any] = {"status": self.words()}
            if self.random.random() < 0.3:
                body["poll"] = {"options": ["a", self.random.choice("bc")], "expires_in": 300}
            await self.call(actor, "PUT", f"/api/v1/statuses/{own}", json=body)

    async def quote(self, actor: Person) -> None:
        if self.posted:
            await self.publish(actor, quoted_status_id=self.some())

    async def quote_policy(self, actor: Person) -> None:
        if own := await self.own(actor):
            policy = self.random.choice(("public", "followers", "nobody"))
            path = f"/api/v1/statuses/{own}/interaction_policy"
            await self.call(actor, "PUT", path, json={"quote_approval_policy": policy})

    async def revoke_quote(self, actor: Person) -> None:
        if own := await self.own(actor):
            quotes = await self.call(actor, "GET", f"/api/v1/statuses/{own}/quotes")
            for one in quotes.json()[:1] if quotes.status_code == 200 else ():
                await self.send(actor, f"/api/v1/statuses/{own}/quotes/{one['id']}/revoke")

    async def pin(self, actor: Person) -> None:
        if own := await self.own(actor):
            await self.send(actor, f"/api/v1/statuses/{own}/pin")

    async def unpin(self, actor: Person) -> None:
        if own := await self.own(actor):
            await self.send(actor, f"/api/v1/statuses/{own}/unpin")

    async def mute_thread(self, actor: Person) -> None:
        await self.on_status(actor, self.random.choice(("mute", "mute", "unmute")))

    async def picture(self, actor: Person) -> None:
        def change(tx: Transaction) -> str:
            media = Media(
                id=tx.next_id(),
                owner=actor.ordinal,
                key=f"{self.random.getrandbits(64):016x}",
                created_at=tx.now,
                since=tx.now,
            )
            tx.media.put(media)
            return str(media.id)

        media = await self.world.store.write(change)
        count = len(self.posted)
        await self.publish(actor, media_ids=[media])
        self.media += [(actor, status, media) for status in self.posted[count:]]

    async def describe(self, actor: Person) -> None:
        if self.media:
            owner, status, media = self.random.choice(self.media)
            said = {"id": media, "description": self.words()}
            body = {"status": "hail", "media_ids": [media], "media_attributes": [said]}
            await self.call(owner, "PUT", f"/api/v1/statuses/{status}", json=body)

    async def schedule(self, actor: Person) -> None:
        if self.scheduled and self.random.random() < 0.5:
            owner, id_ = self.random.choice(self.scheduled)
            await self.call(owner, "DELETE", f"/api/v1/scheduled_statuses/{id_}")
            return
        at = self.world.clock.now() // 1000 + 400
        answer = await self.send(
            actor, "/api/v1/statuses", status=self.words(), scheduled_at=str(at)
        )
        if answer.status_code == 200:
            self.scheduled.append((actor, answer.json()["id"]))

    # -- ties ------------------------------------------------------------------------------------

    async def toward(self, actor: Person, act: str, **body: Any) -> None:
        other = self.random.choice(self.people)
        await self.send(actor, f"/api/v1/accounts/{other.id}/{act}", **body)

    async def follow(self, actor: Person) -> None:
        await self.toward(actor, "follow")

    async def unfollow(self, actor: Person) -> None:
        await self.toward(actor, self.random.choice(("unfollow", "remove_from_followers")))

    async def options(self, actor: Person) -> None:
        wanted = self.random.random() < 0.5
        languages = self.random.choice(([], ["en"], ["de"]))
        await self.toward(actor, "follow", reblogs=wanted, languages=languages)

    async def mute(self, actor: Person) -> None:
        ends = self.random.choice((0, 100))
        await self.toward(actor, self.random.choice(("mute", "unmute")), duration=ends)

    async def block(self, actor: Person) -> None:
        await self.toward(actor, self.random.choice(("block", "unblock", "unblock")))

    async def note(self, actor: Person) -> None:
        await self.toward(actor, "note", comment=self.words())

    async def endorse(self, actor: Person) -> None:
        await self.toward(actor, self.random.choice(("endorse", "endorse", "unendorse")))

    async def domain(self, actor: Person) -> None:
        method = self.random.choice(("POST", "DELETE"))
        body = {"domain": "elsewhere.example"}
        await self.call(actor, method, "/api/v1/domain_blocks", json=body)

    async def requests(self, actor: Person) -> None:
        if self.random.random() < 0.5:
            answer = await self.call(actor, "GET", "/api/v1/follow_requests")
            for one in answer.json()[:1] if answer.status_code == 200 else ():
                act = self.random.choice(("authorize", "reject"))
                await self.send(actor, f"/api/v1/follow_requests/{one['id']}/{act}")
            return
        answer = await self.call(actor, "GET", "/api/v1/notifications/requests")
        for one in answer.json()[:1] if answer.status_code == 200 else ():
            act = self.random.choice(("accept", "dismiss"))
            await self.send(actor, f"/api/v1/notifications/requests/{one['id']}/{act}")

    # -- what one chooses for oneself ------------------------------------------------------------

    async def profile(self, actor: Person) -> None:
        name = f"name {self.random.randrange(100)} {self.random.choice(('', ':wave:'))}"
        body: dict[str, Any] = {"display_name": name, "note": f"I am {name} #ships"}
        if self.random.random() < 0.3:
            body["locked"] = self.random.random() < 0.5
            body["discoverable"] = body["indexable"] = self.random.random() < 0.7
        await self.call(actor, "PATCH", "/api/v1/accounts/update_credentials", json=body)

    async def prefer(self, actor: Person) -> None:
        body = {"source": {"privacy": self.random.choice(("public", "unlisted"))}}
        await self.call(actor, "PATCH", "/api/v1/accounts/update_credentials", json=body)
        reading = {"reading:expand:spoilers": self.random.random() < 0.5}
        await self.call(actor, "PATCH", "/api/v1/preferences", json=reading)

    async def filter(self, actor: Person) -> None:
        words = [{"keyword": self.random.choice(WORDS)}]
        where = self.random.sample(("home", "public", "notifications", "thread", "account"), 3)
        body = {"title": "x", "context": where, "keywords_attributes": words}
        body["filter_action"] = self.random.choice(("warn", "hide"))
        ends = self.random.choice((None, 30, 300))
        answer = await self.send(actor, "/api/v2/filters", expires_in=ends, **body)
        if answer.status_code == 200:
            self.filters.append((actor, answer.json()["id"]))
            if self.posted:
                path = f"/api/v2/filters/{answer.json()['id']}/statuses"
                await self.send(actor, path, status_id=self.some())

    async def change_filter(self, actor: Person) -> None:
        if self.filters:
            owner, id_ = self.random.choice(self.filters)
            path = f"/api/v2/filters/{id_}"
            match self.random.randrange(3):
                case 0:
                    await self.call(owner, "DELETE", path)
                case 1:
                    action = self.random.choice(("warn", "hide"))
                    await self.call(owner, "PUT", path, json={"filter_action": action})
                case _:
                    await self.send(owner, f"{path}/keywords", keyword=self.random.choice(WORDS))

    async def tag(self, actor: Person) -> None:
        name = self.random.choice(("ships", "oars"))
        await self.send(actor, f"/api/v1/tags/{name}/{self.random.choice(('follow', 'unfollow'))}")

    async def feature(self, actor: Person) -> None:
        act = self.random.choice(("feature", "unfeature"))
        await self.send(actor, f"/api/v1/tags/ships/{act}")

    async def arrange(self, actor: Person) -> None:
        exclusive = self.random.random() < 0.6
        answer = await self.send(actor, "/api/v1/lists", title="x", exclusive=exclusive)
        if answer.status_code == 200:
            self.lists.append((actor, answer.json()["id"]))
            await self.members(actor)

    async def members(self, actor: Person) -> None:
        if self.lists:
            owner, id_ = self.random.choice(self.lists)
            other = self.random.choice(self.people)
            body = {"account_ids": [other.id]}
            await self.send(owner, f"/api/v1/accounts/{other.id}/follow")
            method = self.random.choice(("POST", "POST", "DELETE"))
            await self.call(owner, method, f"/api/v1/lists/{id_}/accounts", json=body)

    async def relist(self, actor: Person) -> None:
        if self.lists:
            owner, id_ = self.random.choice(self.lists)
            path = f"/api/v1/lists/{id_}"
            if self.random.random() < 0.3:
                await self.call(owner, "DELETE", path)
                return
            policy = self.random.choice(("followed", "list", "none"))
            exclusive = self.random.random() < 0.5
            body = {"title": "y", "exclusive": exclusive, "replies_policy": policy}
            await self.call(owner, "PUT", path, json=body)

    async def policy(self, actor: Person) -> None:
        rule = self.random.choice(("for_not_following", "for_not_followers", "for_new_accounts"))
        verdict = self.random.choice(("accept", "filter", "drop"))
        await self.call(actor, "PATCH", "/api/v2/notifications/policy", json={rule: verdict})

    async def dismiss(self, actor: Person) -> None:
        answer = await self.call(actor, "GET", "/api/v1/notifications")
        found = answer.json() if answer.status_code == 200 else []
        if found and self.random.random() < 0.8:
            id_ = self.random.choice(found)["id"]
            await self.send(actor, f"/api/v1/notifications/{id_}/dismiss")
        elif found:
            await self.send(actor, "/api/v1/notifications/clear")

    async def read_on(self, actor: Person) -> None:
        answer = await self.call(actor, "GET", "/api/v1/notifications")
        found = answer.json() if answer.status_code == 200 else []
        if found:
            await self.send(
                actor, "/api/v1/markers", notifications={"last_read_id": found[0]["id"]}
            )

    async def conversation(self, actor: Person) -> None:
        answer = await self.call(actor, "GET", "/api/v1/conversations")
        for one in answer.json()[:1] if answer.status_code == 200 else ():
            act = self.random.choice(("read", "unread", ""))
            path = f"/api/v1/conversations/{one['id']}"
            if act:
                await self.send(actor, f"{path}/{act}")
            else:
                await self.call(actor, "DELETE", path)

    # -- the server ------------------------------------------------------------------------------

    async def emoji(self, actor: Person) -> None:
        with self.world.store.read() as snap:
            there = "wave" in snap.emojis.all()
        if there:
            await emojis.remove(self.world.ctx, shortcode="wave")
        else:
            picture = io.BytesIO()
            Image.new("RGB", (8, 8 + self.random.randrange(9))).save(picture, "PNG")
            await emojis.add(self.world.ctx, shortcode="wave", file=picture.getvalue())

    async def trend(self, actor: Person) -> None:
        await trends.count(self.world.ctx)

    async def suspend(self, actor: Person) -> None:
        if actor.id in self.away:
            return
        if actor.id in self.suspended:
            self.suspended.discard(actor.id)
            await self.world.reinstate(actor)
        elif not self.suspended and actor is not self.people[-1]:
            timed = self.random.random() < 0.3
            until = self.world.clock.now() + 5_000 if timed else None
            await self.world.suspend(actor, until=until)
            if until is None:
                self.suspended.add(actor.id)
            else:
                self.world.clock.advance(self.random.choice((10, 6_000)))
                actor.token = await self.token(actor)

    async def token(self, actor: Person) -> str:
        """Return a new token, once the account may have one again."""
        self.world.clock.advance(6_000)
        return await self.world.token(actor.ordinal)

    async def limit(self, actor: Person) -> None:
        mod = self.people[-1]
        path = f"/api/v1/admin/accounts/{actor.id}"
        if self.random.random() < 0.5:
            kind = self.random.choice(("silence", "sensitive"))
            await self.send(mod, f"{path}/action", type=kind)
        else:
            await self.send(mod, f"{path}/{self.random.choice(('unsilence', 'unsensitive'))}")

    async def leave(self, actor: Person) -> None:
        """Put an account away, or have it back; the same with one that waits for approval."""
        if actor.id in self.suspended or actor is self.people[-1]:
            return
        if actor.id in self.away:
            self.away.discard(actor.id)
            await self.stand(actor, deactivated_at=None, pending_at=None)
            actor.token = await self.world.token(actor.ordinal)
        elif not self.away:
            self.away.add(actor.id)
            why = self.random.choice(("deactivated_at", "pending_at"))
            await self.stand(actor, **{why: self.world.clock.now()})

    async def stand(self, actor: Person, **given: int | None) -> None:
        def change(tx: Transaction) -> None:
            tx.standings.put(replace(tx.standings.get(actor.ordinal), **given))

        await self.world.store.write(change)

    async def later(self, actor: Person) -> None:
        self.world.clock.advance(seconds=self.random.choice((1, 200, 400)))
        await self.world.jobs()

    # -- reading ---------------------------------------------------------------------------------

    def paths(self, reader: Person | None, count: int) -> list[str]:
        """Return some addresses to read."""
        found = [*EVERYBODYS, *(f"/api/v1/trends/{kind}" for kind in ("tags", "statuses"))]
        for person in self.people:
            account = f"/api/v1/accounts/{person.id}"
            found += [account, f"{account}/statuses", f"{account}/statuses?pinned=true"]
            found += [f"{account}/followers", f"{account}/following", f"{account}/endorsements"]
            found += [f"{account}/featured_tags", f"/api/v1/accounts/lookup?acct={person.name}"]
            found.append(f"/@{person.name}")
        for status in self.posted[-4:]:
            path = f"/api/v1/statuses/{status}"
            found += [path, path, f"{path}/context", f"{path}/history", f"{path}/quotes"]
            found += [f"{path}/favourited_by", f"{path}/reblogged_by", f"/api/v1/polls/{status}"]
            found += [f"/@{person.name}/{status}" for person in self.people[:2]]
        found = self.random.sample(found, count)
        if reader is not None:
            own = [*OWN]
            own += [f"/api/v1/timelines/list/{id_}" for who, id_ in self.lists if who is reader]
            own += [f"/api/v1/lists/{id_}/accounts" for who, id_ in self.lists if who is reader]
            own += [f"/api/v1/accounts/{one.id}/lists" for one in self.people[:2]]
            ids = "&".join(f"id[]={one.id}" for one in self.people)
            own.append(f"/api/v1/accounts/relationships?{ids}")
            own.append(f"/api/v1/accounts/familiar_followers?{ids}")
            if self.posted:  # kept since the step before, unless what was done since concerns it
                found.append(f"/api/v1/statuses/{self.posted[-1]}")
            found += [
                "/api/v1/timelines/home",
                "/api/v1/notifications",
                *self.random.sample(own, count // 2),
            ]
        return found


EVERYBODYS = (
    "/api/v1/timelines/public",
    "/api/v1/timelines/tag/ships",
    "/api/v1/timelines/tag/oars",
    "/api/v1/tags/ships",
    "/api/v1/directory",
    "/api/v1/custom_emojis",
    "/api/v2/search?q=hail",
    "/api/v2/search?q=name",
    "/api/v2/search?q=ships",
    "/public",
    "/tags/ships",
    "/explore",
)
OWN = (
    "/api/v1/accounts/verify_credentials",
    "/api/v1/timelines/home",
    "/api/v1/notifications",
    "/api/v1/notifications/unread_count",
    "/api/v1/notifications/requests",
    "/api/v2/notifications",
    "/api/v2/notifications/unread_count",
    "/api/v2/notifications/policy",
    "/api/v1/favourites",
    "/api/v1/bookmarks",
    "/api/v1/conversations",
    "/api/v1/lists",
    "/api/v2/filters",
    "/api/v1/filters",
    "/api/v1/followed_tags",
    "/api/v1/featured_tags",
    "/api/v1/follow_requests",
    "/api/v1/blocks",
    "/api/v1/mutes",
    "/api/v1/endorsements",
    "/api/v1/domain_blocks",
    "/api/v1/preferences",
    "/api/v1/markers?timeline[]=home&timeline[]=notifications",
    "/api/v1/scheduled_statuses",
    "/api/v2/suggestions",
)
