"""The alternative to Rostra's timelines: one SQL query with joins for each request, and json.dumps.

Served by the same HTTP server over the same statuses, accounts and follows, with counters stored in
columns and no authorization to check: what a small server does, at its best.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from bench.results import ROOT
from rostra.domain.account_set import SetKey, SetKind
from rostra.storage.store import SqliteStore
from rostra.testing.server import Client, free_port

DATABASE: Final = "NAIVE_DATABASE"

LAYOUT: Final = """
CREATE TABLE accounts (
    ordinal INTEGER PRIMARY KEY, id INTEGER, username TEXT UNIQUE, display_name TEXT, note TEXT,
    locked INTEGER, bot INTEGER, created_at INTEGER,
    followers INTEGER NOT NULL DEFAULT 0, following INTEGER NOT NULL DEFAULT 0,
    statuses INTEGER NOT NULL DEFAULT 0);
CREATE TABLE statuses (
    id INTEGER PRIMARY KEY, author INTEGER, created_at INTEGER, visibility INTEGER, content TEXT,
    spoiler_text TEXT, sensitive INTEGER, language TEXT, in_reply_to INTEGER, reblog_of INTEGER,
    replies INTEGER NOT NULL DEFAULT 0, boosts INTEGER NOT NULL DEFAULT 0,
    likes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE follows (source INTEGER, target INTEGER, PRIMARY KEY (source, target)) WITHOUT ROWID;
"""
FILL: Final = """
INSERT INTO accounts (ordinal, id, username, display_name, note, locked, bot, created_at)
    SELECT ordinal, id, username, display_name, note, locked, bot, created_at FROM old.accounts;
INSERT INTO statuses (id, author, created_at, visibility, content, spoiler_text, sensitive,
        language, in_reply_to, reblog_of)
    SELECT id, author, created_at, visibility, content, spoiler_text, sensitive, language,
        in_reply_to, reblog_of FROM old.statuses;
"""
INDEX: Final = """
CREATE INDEX statuses_author ON statuses (author, id);
CREATE INDEX statuses_public ON statuses (id) WHERE visibility = 0 AND reblog_of IS NULL;
CREATE INDEX follows_target ON follows (target);
CREATE TABLE made AS SELECT reblog_of AS id, count(*) AS boosts FROM statuses
    WHERE reblog_of IS NOT NULL GROUP BY 1;
UPDATE statuses SET boosts = made.boosts FROM made WHERE made.id = statuses.id;
UPDATE accounts SET
    followers = (SELECT count(*) FROM follows WHERE target = ordinal),
    following = (SELECT count(*) FROM follows WHERE source = ordinal),
    statuses = (SELECT count(*) FROM statuses WHERE author = ordinal);
ANALYZE;
"""

ACCOUNT_COLUMNS: Final = (
    "id, username, display_name, note, locked, bot, created_at, followers, following, statuses"
)
STATUS_COLUMNS: Final = (
    "id, created_at, visibility, content, spoiler_text, sensitive, language, in_reply_to, "
    "replies, boosts, likes"
)
SELECT: Final = "SELECT {columns} FROM statuses s JOIN accounts a ON a.ordinal = s.author {joins}"


def _columns(alias: str, names: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in names.split(", "))


BOOSTED: Final = (
    "LEFT JOIN statuses o ON o.id = s.reblog_of LEFT JOIN accounts b ON b.ordinal = o.author"
)
ALL: Final = ", ".join(
    (
        _columns("s", STATUS_COLUMNS),
        _columns("a", ACCOUNT_COLUMNS),
        _columns("o", STATUS_COLUMNS),
        _columns("b", ACCOUNT_COLUMNS),
    )
)
STATUS: Final = SELECT.format(columns=ALL, joins=BOOSTED)
HOME: Final = (
    STATUS
    + " WHERE s.id IN (SELECT t.id FROM follows f JOIN statuses t ON t.author = f.target "
    + "WHERE f.source = ? AND t.visibility < 3 ORDER BY t.id DESC LIMIT 20) ORDER BY s.id DESC"
)
PUBLIC: Final = (
    STATUS + " WHERE s.visibility = 0 AND s.reblog_of IS NULL ORDER BY s.id DESC LIMIT 20"
)
ONE: Final = STATUS + " WHERE s.id = ?"
LOOKUP: Final = f"SELECT {_columns('a', ACCOUNT_COLUMNS)} FROM accounts a WHERE a.username = ?"


def export(folder: Path, path: Path) -> None:
    """Copy a data folder's accounts, statuses and follows into tables of the plain kind."""
    database = apsw.Connection(str(path))
    database.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL")
    database.execute(LAYOUT)
    database.execute("ATTACH ? AS old", (str(folder / "rostra.db"),))
    with database:
        database.execute(FILL)
    database.execute("DETACH old")
    ordinals = [row[0] for row in database.execute("SELECT ordinal FROM accounts")]
    store = SqliteStore.open(folder)
    with store.read() as snapshot, database:

        def follows() -> Iterator[tuple[int, int]]:
            for ordinal in ordinals:
                for _, members in snapshot.sets.entries(SetKey(ordinal, SetKind.FOLLOWING)):
                    yield from ((ordinal, member) for member in sorted(members.tolist()))

        database.executemany("INSERT INTO follows VALUES (?, ?)", follows())
    store.close_now()
    with database:
        database.execute(INDEX)
    database.close()


def account_entity(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return an account as Mastodon's API has it."""
    id_, username, display_name, note, locked, bot, created_at, followers, following, posts = row
    url = f"http://localhost/@{username}"
    return {
        "id": str(id_),
        "username": username,
        "acct": username,
        "display_name": display_name,
        "locked": bool(locked),
        "bot": bool(bot),
        "discoverable": True,
        "indexable": False,
        "group": False,
        "created_at": _time(created_at),
        "note": f"<p>{note}</p>",
        "url": url,
        "uri": url,
        "avatar": f"{url}/avatar",
        "avatar_static": f"{url}/avatar",
        "header": f"{url}/header",
        "header_static": f"{url}/header",
        "followers_count": followers,
        "following_count": following,
        "statuses_count": posts,
        "hide_collections": False,
        "noindex": False,
        "emojis": [],
        "roles": [],
        "fields": [],
    }


def status_entity(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a status as Mastodon's API has it, with the one it boosts."""
    (id_, created_at, visibility, content, spoiler, sensitive, language, reply_to, *counts) = row[
        :11
    ]
    replies, boosts, likes = counts
    url = f"http://localhost/@{row[12]}/{id_}"
    boosted = row[21:]
    return {
        "id": str(id_),
        "created_at": _time(created_at),
        "in_reply_to_id": reply_to and str(reply_to),
        "in_reply_to_account_id": None,
        "sensitive": bool(sensitive),
        "spoiler_text": spoiler,
        "visibility": ("public", "unlisted", "private", "direct")[visibility],
        "language": language,
        "uri": url,
        "url": url,
        "replies_count": replies,
        "reblogs_count": boosts,
        "favourites_count": likes,
        "edited_at": None,
        "favourited": False,
        "reblogged": False,
        "muted": False,
        "bookmarked": False,
        "content": content,
        "filtered": [],
        "reblog": status_entity(boosted) if boosted and boosted[0] is not None else None,
        "application": None,
        "account": account_entity(row[11:21]),
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "card": None,
        "poll": None,
    }


def _time(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) + f".{ms % 1000:03}Z"


_database: apsw.Connection | None = None


def answer(path: str) -> Any:
    """Return what is asked for by /home/ORDINAL, /public, /status/ID or /account/NAME."""
    global _database
    if _database is None:
        _database = apsw.Connection(os.environ[DATABASE], flags=apsw.SQLITE_OPEN_READONLY)
        _database.execute("PRAGMA cache_size = -262144; PRAGMA mmap_size = 1073741824")
    _, kind, *rest = path.split("/")
    if kind == "home":
        return [status_entity(row) for row in _database.execute(HOME, (int(rest[0]),))]
    if kind == "public":
        return [status_entity(row) for row in _database.execute(PUBLIC)]
    if kind == "status":
        return status_entity(next(iter(_database.execute(ONE, (int(rest[0]),)))))
    return account_entity(next(iter(_database.execute(LOOKUP, (rest[0],)))))


async def app(
    scope: dict[str, Any], receive: object, send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer a request (ASGI)."""
    body = json.dumps(answer(scope["path"])).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serve(path: Path, *, workers: int, app: str = "bench.naive:app") -> Iterator[str]:
    """Serve the tables at ``path`` by an app and give the address; stopped when left."""
    port = free_port()
    program = Path(sys.executable).with_name("granian")
    with (path.parent / "naive.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(program, "--interface", "asginl", "--loop", "uvloop", "--no-ws"),
                *("--workers", str(workers), "--port", str(port), app),
            ],
            env=os.environ | {DATABASE: str(path), "PYTHONPATH": f"{ROOT}/src:{ROOT}"},
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_up(port, process, path.parent / "naive.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait_until_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        try:
            with Client(port) as client:
                client.get("/public")
            return
        except OSError as error:
            if process.poll() is not None:
                raise RuntimeError(f"granian does not start:\n{log.read_text()}") from error
        time.sleep(0.05)
