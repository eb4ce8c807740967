"""The index of words: what statuses and accounts are found by, kept with them by each commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pyroaring import BitMap

from rostra.domain import searching
from rostra.domain.accounts import Account
from rostra.domain.events import (
    AccountChanged,
    AnyEvent,
    StatusChanged,
    StatusCreated,
    StatusDeleted,
)
from rostra.domain.media import Media, MediaKind
from rostra.domain.searching import StatusQuery, spaced
from rostra.domain.statuses import Status, Visibility
from rostra.storage.accounts import AccountStore
from rostra.storage.database.sqlite import Database
from rostra.storage.media import MediaStore
from rostra.storage.statuses import StatusStore

MATCHES: Final = 5_000
"""How many accounts a word may find before the search is narrowed to the oldest of them."""

_PUT_STATUS: Final = "INSERT OR REPLACE INTO status_words (rowid, words, facts) VALUES (?, ?, ?)"
_PUT_ACCOUNT: Final = "INSERT OR REPLACE INTO account_words (rowid, words) VALUES (?, ?)"
_LINK: Final = re.compile(r'<a [^>]*rel="nofollow')  # as links in texts are marked up, no others
_KINDS: Final = {
    MediaKind.IMAGE: "hasimage",
    MediaKind.GIFV: "hasimage",
    MediaKind.VIDEO: "hasvideo",
    MediaKind.AUDIO: "hasaudio",
}


def quoted(phrase: str) -> str:
    """Return a phrase as FTS5 reads it: whatever is in it means itself."""
    return '"' + phrase.replace('"', '""') + '"'


def expression(query: StatusQuery) -> str:
    """Return a query in the language of FTS5 (https://sqlite.org/fts5.html#full_text_query_syntax).

    Each word is quoted, so that no word is read as part of that language.
    """
    groups = query.facts or (tuple(searching.seen_by(each) for each in Visibility),)
    needed = [f"words : {quoted(phrase)}" for phrase in query.words]
    needed += [f"facts : ({' OR '.join(map(quoted, group))})" for group in groups]
    refused = [f"words : {quoted(phrase)}" for phrase in query.without]
    refused += [f"facts : {quoted(fact)}" for fact in query.lacking]
    wanted = "(" + " AND ".join(needed) + ")"
    return f"{wanted} NOT ({' OR '.join(refused)})" if refused else wanted


def account_words(account: Account) -> str:
    """Return the words an account is found by; none where the beginning of its handle is all there
    is, which the index of handles finds.
    """
    if not account.display_name and "_" not in account.username:
        return ""
    return spaced(f"{account.username} {account.username.replace('_', ' ')} {account.display_name}")


def status_words(status: Status, media: Iterable[Media]) -> tuple[str, str]:
    """Return the words and the facts a status is found by."""
    attached = [one for one in media if one.id in status.media] if status.media else []
    facts = [searching.by(status.author), searching.seen_by(status.visibility)]
    facts += map(searching.mentions, status.mentions)
    words = status.text
    if status.spoiler_text or status.poll or attached:
        options = status.poll.options if status.poll else ()
        shown = (one.description for one in attached)
        words = "\n".join((status.spoiler_text, words, *options, *shown))
        facts += ["hasmedia"] if attached else []
        facts += {kind for one in attached if (kind := _KINDS.get(one.kind))}
        facts += ["haspoll"] if status.poll else []
    if "http" in words and _LINK.search(status.content):
        facts += ["haslink", "hasembed"]
    if status.in_reply_to is not None:
        facts.append("isreply")
    if status.sensitive:
        facts.append("issensitive")
    if status.language:
        facts.append(searching.language(status.language))
    return spaced(words), " ".join(facts)


class SearchIndex:
    """The index as one connection sees it.

    Args:
        database: the connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def statuses(self, query: StatusQuery, *, limit: int, below: int) -> list[int]:
        """Return the ids of statuses of anybody that match, below an id, newest first."""
        rows = self._database.rows(
            "SELECT rowid FROM status_words WHERE status_words MATCH ? AND rowid < ? "
            "AND rowid > ? ORDER BY rowid DESC LIMIT ?",
            (expression(query), min(below, query.below), query.above, limit),
        )
        return [row[0] for row in rows]

    def accounts(self, text: str) -> BitMap:
        """Return the ordinals of accounts whose names have words that begin like those of a text.

        An account that is not found among the many a short word matches is one made late.
        """
        words = [word for word in text.split() if searching.has_word(word)]
        if not words:
            return BitMap()
        rows = self._database.rows(
            "SELECT rowid FROM account_words WHERE account_words MATCH ? LIMIT ?",
            (" AND ".join(f"{quoted(spaced(word))} *" for word in words), MATCHES),
        )
        return BitMap([row[0] for row in rows])

    def named(self, prefix: str, *, limit: int) -> list[int]:
        """Return the ordinals of accounts whose handles begin with ``prefix``, shortest first."""
        key = prefix.lower()
        rows = self._database.rows(
            "SELECT ordinal FROM (SELECT ordinal, username_key FROM accounts "
            "WHERE username_key >= ? AND username_key < ? ORDER BY username_key LIMIT ?) "
            "ORDER BY LENGTH(username_key), username_key LIMIT ?",
            (key, key + "\U0010ffff", MATCHES, limit),
        )
        return [row[0] for row in rows]

    def hashtags(self, prefix: str, *, limit: int) -> list[str]:
        """Return hashtags in use that begin with ``prefix``, in order of the alphabet."""
        found: list[str] = []
        condition, bound = ">=", prefix
        while len(found) < limit:
            # One step of the index a hashtag, however many statuses have it.
            tag = self._database.value(
                f"SELECT MIN(tag) FROM status_tags WHERE tag {condition} ? AND tag < ?",
                (bound, prefix + "\U0010ffff"),
            )
            if tag is None:
                break
            found.append(tag)
            condition, bound = ">", tag
        return found


class SearchIndexWriter(SearchIndex):
    """The index within a transaction.

    Args:
        database: the connection that writes.
        accounts: accounts as the transaction sees them.
        statuses: statuses as the transaction sees them.
        media: media as the transaction sees them.
    """

    def __init__(
        self,
        database: Database,
        accounts: AccountStore,
        statuses: StatusStore,
        media: MediaStore,
    ) -> None:
        super().__init__(database)
        self._accounts = accounts
        self._statuses = statuses
        self._media = media

    def follow(self, events: Iterable[AnyEvent]) -> None:
        """Index what the events of a transaction name as it is at its end."""
        statuses: dict[int, None] = {}
        accounts: dict[int, None] = {}
        for event in events:
            match event:
                case StatusCreated(id=id_, reblog_of=None) | StatusChanged(id=id_):
                    statuses[id_] = None
                case StatusDeleted(id=id_, reblog_of=None):
                    statuses.pop(id_, None)
                    self._database.run("DELETE FROM status_words WHERE rowid = ?", (id_,))
                case AccountChanged(ordinal=ordinal):
                    accounts[ordinal] = None
                case _:
                    pass
        if statuses:
            self.put_statuses(list(self._statuses.many(statuses).values()))
        if accounts:
            self._database.run_many(
                "DELETE FROM account_words WHERE rowid = ?", ((one,) for one in accounts)
            )
            self.put_accounts(list(self._accounts.many(accounts).values()))

    def put_statuses(self, statuses: Sequence[Status]) -> None:
        """Index statuses, new or changed; boosts have no words of their own."""
        own = [status for status in statuses if status.reblog_of is None]
        attached = [id_ for status in own for id_ in status.media]
        media = list(self._media.many(attached).values()) if attached else []
        self._database.run_many(
            _PUT_STATUS, ((status.id, *status_words(status, media)) for status in own)
        )

    def put_accounts(self, accounts: Sequence[Account]) -> None:
        """Index accounts."""
        words = ((account.ordinal, account_words(account)) for account in accounts)
        self._database.run_many(_PUT_ACCOUNT, (row for row in words if row[1]))

    def clear(self) -> None:
        """Forget every word, to index all anew."""
        for table in ("status_words", "account_words"):
            self._database.run(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")

    def put_more_statuses(self, after: int, limit: int) -> int | None:
        """Index statuses with ids above ``after``; return the last one's id, None at the end."""
        rows = self._database.rows(
            "SELECT id FROM statuses WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        ids = [row[0] for row in rows]
        self.put_statuses(list(self._statuses.many(ids).values()))
        return ids[-1] if ids else None

    def put_more_accounts(self, after: int, limit: int) -> int | None:
        """Index accounts above an ordinal; return the last one's, None at the end."""
        rows = self._database.rows(
            "SELECT ordinal FROM accounts WHERE ordinal > ? ORDER BY ordinal LIMIT ?",
            (after, limit),
        )
        ordinals = [row[0] for row in rows]
        self.put_accounts(list(self._accounts.many(ordinals).values()))
        return ordinals[-1] if ordinals else None
