"""What a server is loaded with while it is killed: people who act over HTTP and keep a ledger."""

from __future__ import annotations

import http.client
import io
import threading
import time
from collections.abc import Sequence
from random import Random
from typing import Final

from PIL import Image

from rostra.domain.account_set import SetKey, SetKind
from rostra.testing.people import Person
from rostra.testing.server import Client

ON_WAY: Final = (OSError, http.client.HTTPException)
"""What a client meets when its server dies."""

COLLECTING: Final = (
    (SetKind.LIKES, "favourite", "unfavourite"),
    (SetKind.BOOKMARKS, "bookmark", "unbookmark"),
)

Name = tuple[SetKey, int]
"""A membership: which set, and which member."""


def _dot() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (2, 2), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


DOT: Final = _dot()


class Ledger:
    """What one writer knows of its own memberships and posts."""

    def __init__(self) -> None:
        self.members: dict[Name, set[bool]] = {}
        self.posts: dict[str, int | None] = {}  # text → id, None: on its way
        self.texts: dict[int, list[str]] = {}  # id → what it may say
        self.media: list[int] = []
        self.acknowledged = 0

    def begin(self, name: Name, wanted: bool) -> None:
        """Note that a membership is about to change, so that it may be either from now on."""
        self.members.setdefault(name, {False}).add(wanted)

    def settle(self, name: Name, value: bool) -> None:
        """Note that the server has answered."""
        self.members[name] = {value}
        self.acknowledged += 1


class Writer(threading.Thread):
    """Acts over HTTP until told to stop: follows, likes, keeps, posts, edits and uploads.

    The server may die at any time.

    Args:
        port: the server's port.
        own: the accounts it acts as; no other writer does.
        others: the accounts it follows and unfollows.
        statuses: the ids of statuses it likes and likes no longer.
        ledger: what it keeps over the server's lives.
        random: chance.
        over: set when it shall stop.
    """

    def __init__(
        self,
        port: int,
        own: Sequence[Person],
        others: Sequence[Person],
        statuses: Sequence[int],
        ledger: Ledger,
        random: Random,
        over: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self.failure: BaseException | None = None
        self._port = port
        self._own = own
        self._others = others
        self._statuses = statuses
        self._ledger = ledger
        self._random = random
        self._over = over

    def run(self) -> None:
        """Act, connecting anew each time the connection breaks."""
        try:
            while not self._over.is_set():
                client = Client(self._port)
                try:
                    self._finish_posts(client)
                    while not self._over.is_set():
                        self._act(client)
                except ON_WAY:
                    time.sleep(0.002)
                finally:
                    client.close()
        except BaseException as error:
            self.failure = error

    def _act(self, client: Client) -> None:
        actor = self._random.choice(self._own)
        chance = self._random.random()
        if chance < 0.15:
            self._post(client, actor, f"{actor.username} {self._random.getrandbits(60):x}")
        elif chance < 0.25:
            self._edit(client)
        elif chance < 0.27:
            self._upload(client, actor)
        elif chance < 0.65:
            status = self._random.choice(self._statuses)
            kind, *names = self._random.choice(COLLECTING)
            name = (SetKey(status, kind), actor.ordinal)
            both = dict(zip((True, False), names, strict=True))
            self._change(client, actor, name, f"/api/v1/statuses/{status}", both)
        else:
            target = self._random.choice(self._others)
            if target.ordinal != actor.ordinal:
                name = (SetKey(target.ordinal, SetKind.FOLLOWERS), actor.ordinal)
                acts = {True: "follow", False: "unfollow"}
                self._change(client, actor, name, f"/api/v1/accounts/{target.id}", acts)

    def _change(
        self, client: Client, actor: Person, name: Name, path: str, acts: dict[bool, str]
    ) -> None:
        wanted = self._random.random() < 0.7
        self._ledger.begin(name, wanted)
        answer = client.post(f"{path}/{acts[wanted]}", token=actor.token)
        if answer.status != 200:
            raise RuntimeError(f"{path}/{acts[wanted]} gave {answer.status}: {answer.data}")
        self._ledger.settle(name, wanted)

    def _post(self, client: Client, actor: Person, text: str) -> None:
        """Post; the text is the idempotency key too, so that trying again posts nothing twice."""
        self._ledger.posts[text] = None
        body = {"status": text}
        answer = client.post(
            "/api/v1/statuses", body, token=actor.token, headers={"Idempotency-Key": text}
        )
        if answer.status != 200:
            raise RuntimeError(f"a post gave {answer.status}: {answer.data}")
        id_ = int(answer.data["id"])
        self._ledger.posts[text] = id_
        self._ledger.texts.setdefault(id_, [text])
        self._ledger.acknowledged += 1

    def _edit(self, client: Client) -> None:
        """Edit a status; what was being written when the server died may be there or not."""
        if not self._ledger.texts:
            return
        id_ = self._random.choice(list(self._ledger.texts)[-20:])
        said = self._ledger.texts[id_]
        first = said[0].splitlines()[0]
        text = f"{first}\nedited {self._random.getrandbits(60):x}"
        [actor] = [one for one in self._own if one.username == first.split()[0]]
        said.append(text)
        answer = client.send("PUT", f"/api/v1/statuses/{id_}", {"status": text}, token=actor.token)
        if answer.status != 200:
            raise RuntimeError(f"an edit gave {answer.status}: {answer.data}")
        said[:] = [text]
        self._ledger.acknowledged += 1

    def _upload(self, client: Client, actor: Person) -> None:
        """Upload a small picture."""
        head = 'Content-Disposition: form-data; name="file"; filename="dot.png"'
        body = b"\r\n".join(
            (b"--dot", head.encode(), b"Content-Type: image/png", b"", DOT, b"--dot--", b"")
        )
        headers = {"Content-Type": "multipart/form-data; boundary=dot"}
        answer = client.send("POST", "/api/v2/media", body, token=actor.token, headers=headers)
        if answer.status == 422 and "takes too much to read" in answer.data["error"]:
            return  # the process that read it was the one killed
        if answer.status not in (200, 202):
            raise RuntimeError(f"an upload gave {answer.status}: {answer.data}")
        self._ledger.media.append(int(answer.data["id"]))
        self._ledger.acknowledged += 1

    def _finish_posts(self, client: Client) -> None:
        """Try again what was on its way when the server died."""
        by_name = {person.username: person for person in self._own}
        for text in [text for text, id_ in self._ledger.posts.items() if id_ is None]:
            self._post(client, by_name[text.split()[0]], text)
