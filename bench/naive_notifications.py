"""The alternative to groups that are sets: a row for each notification, grouped when read.

Served as ``bench.naive`` serves timelines: one worker of the same HTTP server a core, plain tables,
indexes for what is asked, and no authorization to check.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import apsw

from bench.naive import DATABASE, account_entity, status_entity

LAYOUT: Final = """
CREATE TABLE accounts (
    ordinal INTEGER PRIMARY KEY, id INTEGER, username TEXT, display_name TEXT, note TEXT,
    locked INTEGER, bot INTEGER, created_at INTEGER, followers INTEGER NOT NULL DEFAULT 0,
    following INTEGER NOT NULL DEFAULT 0, statuses INTEGER NOT NULL DEFAULT 0);
CREATE TABLE statuses (
    id INTEGER PRIMARY KEY, author INTEGER, created_at INTEGER, visibility INTEGER, content TEXT,
    spoiler_text TEXT, sensitive INTEGER, language TEXT, in_reply_to INTEGER,
    replies INTEGER NOT NULL DEFAULT 0, boosts INTEGER NOT NULL DEFAULT 0,
    likes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY, account INTEGER, type TEXT, source INTEGER, status INTEGER,
    created_at INTEGER, group_key TEXT);
"""
INDEX: Final = """
CREATE INDEX newest ON notifications (account, id);
CREATE INDEX groups ON notifications (account, group_key, id);
ANALYZE;
"""
FILL: Final = """
INSERT INTO accounts (ordinal, id, username, display_name, note, locked, bot, created_at)
    SELECT ordinal, id, username, display_name, note, locked, bot, created_at FROM old.accounts;
INSERT INTO statuses (id, author, created_at, visibility, content, spoiler_text, sensitive,
        language, in_reply_to)
    SELECT id, author, created_at, visibility, content, spoiler_text, sensitive, language,
        in_reply_to FROM old.statuses;
"""
ACCOUNT: Final = (
    "a.id, a.username, a.display_name, a.note, a.locked, a.bot, a.created_at, a.followers, "
    "a.following, a.statuses"
)
STATUS: Final = (
    "s.id, s.created_at, s.visibility, s.content, s.spoiler_text, s.sensitive, s.language, "
    "s.in_reply_to, s.replies, s.boosts, s.likes, "
) + ACCOUNT.replace("a.", "o.")
ABOUT: Final = (
    "JOIN accounts a ON a.ordinal = n.source LEFT JOIN statuses s ON s.id = n.status "
    "LEFT JOIN accounts o ON o.ordinal = s.author"
)
NEWEST: Final = (
    f"SELECT n.id, n.type, n.created_at, n.group_key, {ACCOUNT}, {STATUS} "
    f"FROM notifications n {ABOUT} WHERE n.account = ? ORDER BY n.id DESC LIMIT 40"
)
GROUPS: Final = (
    "SELECT group_key, COUNT(*), MAX(id), MIN(id) FROM notifications WHERE account = ? "
    "GROUP BY group_key ORDER BY MAX(id) DESC LIMIT 40"
)
SAMPLE: Final = (
    f"SELECT n.type, n.created_at, {ACCOUNT}, {STATUS} FROM notifications n {ABOUT} "
    "WHERE n.account = ? AND n.group_key = ? ORDER BY n.id DESC LIMIT 8"
)
UNREAD: Final = (
    "SELECT COUNT(*) FROM (SELECT DISTINCT group_key FROM notifications "
    "WHERE account = ? AND id > 0 LIMIT 100)"
)


def export(folder: Path, path: Path, likes: Iterable[tuple[int, int, int, int]]) -> None:
    """Make the tables from a data folder, with a row for each like.

    Args:
        folder: the data folder.
        path: where to make them.
        likes: (account told, who likes, status, when in ms), oldest first.
    """
    database = apsw.Connection(str(path))
    database.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL")
    database.execute(LAYOUT)
    database.execute("ATTACH ? AS old", (str(folder / "rostra.db"),))
    with database:
        database.execute(FILL)
        database.executemany(
            "INSERT INTO notifications (account, source, status, created_at, type, group_key) "
            "VALUES (?1, ?2, ?3, ?4, 'favourite', 'favourite-' || ?3)",
            likes,
        )
        database.execute(INDEX)
    database.execute("DETACH old")
    database.close()


_database: apsw.Connection | None = None


def answer(path: str) -> Any:
    """Return what is asked for by /v1/ORDINAL, /v2/ORDINAL or /unread/ORDINAL."""
    global _database
    if _database is None:
        _database = apsw.Connection(os.environ[DATABASE], flags=apsw.SQLITE_OPEN_READONLY)
        _database.execute("PRAGMA cache_size = -262144; PRAGMA mmap_size = 1073741824")
    _, kind, *rest = path.split("/")
    if kind == "public":  # whether the server is up
        return []
    account = int(rest[0])
    if kind == "v1":
        return [_single(row) for row in _database.execute(NEWEST, (account,))]
    if kind == "v2":
        return _grouped(_database, account)
    return {"count": next(iter(_database.execute(UNREAD, (account,))))[0]}


def _single(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, type_, created_at, key, *rest = row
    return {
        "id": str(id_),
        "type": type_,
        "created_at": created_at,
        "group_key": key,
        "account": account_entity(tuple(rest[:10])),
        "status": status_entity(tuple(rest[10:])),
    }


def _grouped(database: apsw.Connection, account: int) -> dict[str, Any]:
    accounts: dict[str, Any] = {}
    statuses: dict[str, Any] = {}
    groups = []
    for key, count, newest, oldest in list(database.execute(GROUPS, (account,))):
        sampled = []
        for type_, created_at, *rest in database.execute(SAMPLE, (account, key)):
            who, status = account_entity(tuple(rest[:10])), status_entity(tuple(rest[10:]))
            accounts[who["id"]], statuses[status["id"]] = who, status
            sampled.append(who["id"])
            about = {"type": type_, "status_id": status["id"], "at": created_at}
        groups.append(
            {
                "group_key": key,
                "notifications_count": count,
                "most_recent_notification_id": str(newest),
                "page_min_id": str(oldest),
                "sample_account_ids": sampled,
                **about,
            }
        )
    return {
        "accounts": list(accounts.values()),
        "statuses": list(statuses.values()),
        "notification_groups": groups,
    }


async def app(
    scope: dict[str, Any], receive: object, send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer a request (ASGI)."""
    body = json.dumps(answer(scope["path"])).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
