"""Scopes in plain words: what an application may do with an account."""

from __future__ import annotations

from typing import Final

from rostra.language import i18n
from rostra.language.i18n import mark

BROAD: Final = {
    "read": mark("read all your account's data"),
    "write": mark("change all your account's data"),
    "follow": mark("change who you follow, block and mute"),
    "push": mark("receive your push notifications"),
    "profile": mark("read your name and picture"),
    "admin:read": mark("read all data on the server, as a moderator"),
    "admin:write": mark("change all data on the server, as a moderator"),
}

VERBS: Final = {
    "read": mark("read your %(what)s"),
    "write": mark("change your %(what)s"),
    "admin:read": mark("read, as a moderator, the server's %(what)s"),
    "admin:write": mark("change, as a moderator, the server's %(what)s"),
}

SUBJECTS: Final = {
    "accounts": mark("accounts"),
    "blocks": mark("blocks"),
    "bookmarks": mark("bookmarks"),
    "canonical_email_blocks": mark("blocks of single e-mail addresses"),
    "conversations": mark("conversations"),
    "domain_allows": mark("allowed domains"),
    "domain_blocks": mark("blocked domains"),
    "email_domain_blocks": mark("blocks of e-mail domains"),
    "favourites": mark("likes"),
    "filters": mark("filters"),
    "follows": mark("follows"),
    "ip_blocks": mark("blocks of addresses"),
    "lists": mark("lists"),
    "media": mark("media"),
    "mutes": mark("mutes"),
    "notifications": mark("notifications"),
    "reports": mark("reports"),
    "search": mark("searches"),
    "statuses": mark("posts"),
}


def explained(scopes: str) -> list[str]:
    """Return each of several scopes, which are separated by spaces, in plain words."""
    return [in_words(scope) for scope in scopes.split()]


def in_words(scope: str) -> str:
    """Return one scope in plain words."""
    if scope in BROAD:
        return i18n.gettext(BROAD[scope])
    verb, _, subject = scope.rpartition(":")
    return i18n.gettext(VERBS[verb]) % {"what": i18n.gettext(SUBJECTS[subject])}
