"""Entities of the Mastodon API, made from hydrated views (https://docs.joinmastodon.org/entities/).

Nothing here queries or knows who is looking: what depends on the viewer is added in ``parts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rostra.config import Settings
from rostra.domain.accounts import Account, Role
from rostra.domain.cards import Card
from rostra.domain.emojis import Emoji
from rostra.domain.media import Media, MediaState
from rostra.domain.notifications import Notification
from rostra.domain.relationships import Relationship
from rostra.domain.statuses import StatusEdit
from rostra.ports import Application, Snapshot
from rostra.services import text
from rostra.services.reading.hydration import AccountView, PollView, StatusView

Entity = dict[str, Any]

PERMISSIONS: Final = {
    # https://docs.joinmastodon.org/entities/Role/#permission-flags
    Role.USER: 0x10000,  # invite users
    Role.MODERATOR: 0x10000 | 0x4 | 0x8 | 0x10 | 0x200 | 0x400,  # … reports, appeals, users
    Role.OWNER: 0x1,  # administrator
}
ROLE_NAMES: Final = {Role.USER: "", Role.MODERATOR: "Moderator", Role.OWNER: "Owner"}
ROLE_IDS: Final = {Role.USER: "-99", Role.MODERATOR: "1", Role.OWNER: "3"}


def when(ms: int) -> str:
    """Return a time (ms since 1970) as the API writes it: ISO 8601, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(ms // 1000, UTC).isoformat()[:-6]  # without +00:00
    return f"{moment}.{ms % 1000:03d}Z"


def when_known(ms: int | None) -> str | None:
    """Return a time (ms since 1970) as the API writes it, None where there is none."""
    return None if ms is None else when(ms)


def day(ms: int) -> str:
    """Return the day (UTC) of a time in ms since 1970."""
    return datetime.fromtimestamp(ms // 1000, UTC).date().isoformat()


def role(value: Role) -> Entity:
    """Return the Role entity."""
    return {
        "id": ROLE_IDS[value],
        "name": ROLE_NAMES[value],
        "permissions": str(PERMISSIONS[value]),
        "color": "",
        "highlighted": value > Role.USER,
    }


class Renderer:
    """Makes entities.

    Args:
        settings: for the server's address, which entities link to.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = settings.url

    # -- addresses -------------------------------------------------------------------------------

    def account_url(self, account: Account) -> str:
        """Return the address of a profile."""
        return f"{self.url}/@{account.username}"

    def status_url(self, view: StatusView) -> str:
        """Return the address of a status."""
        return f"{self.account_url(view.author.account)}/{view.status.id}"

    def status_uri(self, view: StatusView) -> str:
        """Return the identifier of a status in ActivityPub; a boost is an activity."""
        uri = f"{self.url}/users/{view.author.account.username}/statuses/{view.status.id}"
        return f"{uri}/activity" if view.status.reblog_of is not None else uri

    # -- accounts --------------------------------------------------------------------------------

    def account(self, view: AccountView, snap: Snapshot) -> Entity:
        """Return the Account entity; that of an account that is away is blank but for its name.

        Args:
            view: the account.
            snap: where the names its note mentions are looked up.
        """
        account = view.account
        shown = view.state.active
        entity: Entity = {
            "id": str(account.id),
            "username": account.username,
            "acct": account.username,
            "display_name": account.display_name if shown else "",
            "locked": account.locked and shown,
            "bot": account.bot and shown,
            "discoverable": account.discoverable and shown,
            "indexable": account.indexable and shown,
            "group": False,
            "created_at": f"{day(account.created_at)}T00:00:00.000Z",
            "note": text.render_plain(snap, account.note, self.settings)
            if shown and account.note
            else "",
            "url": self.account_url(account),
            "uri": f"{self.url}/users/{account.username}",
            **self.pictures(account, shown=shown),
            "followers_count": view.followers if shown else 0,
            "following_count": view.following if shown else 0,
            "statuses_count": view.statuses if shown else 0,
            "last_status_at": day(view.last_status_at)
            if shown and view.last_status_at is not None
            else None,
            "hide_collections": account.hide_collections,
            "noindex": not account.indexable,
            "emojis": self.emojis(view.emojis) if shown else [],
            "roles": self._roles(account) if shown else [],
            "fields": self._fields(account, snap) if shown else [],
        }
        if not shown:
            entity["suspended"] = True
        if view.state.limited:
            entity["limited"] = True
        return entity

    def pictures(self, account: Account, *, shown: bool = True) -> Entity:
        """Return the addresses of an account's pictures; the defaults where none may be shown."""
        avatar = account.avatar if shown else ""
        header = account.header if shown else ""
        avatar = avatar or f"avatars/{account.id if shown else 'default'}.png"
        header = header or "headers/default.png"
        return {
            "avatar": f"{self.url}/{avatar.lstrip('/')}",
            "avatar_static": f"{self.url}/{still(avatar).lstrip('/')}",
            "header": f"{self.url}/{header.lstrip('/')}",
            "header_static": f"{self.url}/{still(header).lstrip('/')}",
        }

    @staticmethod
    def _roles(account: Account) -> list[Entity]:
        if account.role == Role.USER:
            return []
        entity = role(account.role)
        return [{name: entity[name] for name in ("id", "name", "color")}]

    def _fields(self, account: Account, snap: Snapshot) -> list[Entity]:
        return [
            {
                "name": field.name,
                "value": _inline(text.render_plain(snap, field.value, self.settings)),
                "verified_at": None,
            }
            for field in account.fields
        ]

    def credentials(self, account: Account, follow_requests: int) -> Entity:
        """Return what CredentialAccount has beyond Account."""
        return {
            "source": {
                "privacy": account.default_visibility,
                "sensitive": account.default_sensitive,
                "language": account.default_language,
                "quote_policy": account.default_quote_policy,
                "note": account.note,
                "fields": [
                    {"name": field.name, "value": field.value, "verified_at": None}
                    for field in account.fields
                ],
                "follow_requests_count": follow_requests,
                "hide_collections": account.hide_collections,
                "discoverable": account.discoverable,
                "indexable": account.indexable,
                "attribution_domains": [],
            },
            "role": role(account.role),
        }

    # -- statuses --------------------------------------------------------------------------------

    def status_head(self, view: StatusView) -> Entity:
        """Return what is fixed in the Status entity: no counts, account, boost, poll or viewer."""
        status = view.status
        shown = view.reblog or view  # a boost shows the text of what it boosts
        sensitive = status.sensitive or view.author.state.sensitive
        return {
            "id": str(status.id),
            "created_at": when(status.created_at),
            "in_reply_to_id": _id(status.in_reply_to),
            "in_reply_to_account_id": _id(view.in_reply_to_account_id),
            "sensitive": sensitive,
            "spoiler_text": shown.status.spoiler_text,
            "visibility": status.visibility.label,
            "language": shown.status.language,
            "uri": self.status_uri(view),
            "url": self.status_url(view),
            "edited_at": when(status.edited_at) if status.edited_at is not None else None,
            "content": shown.status.content,
            "application": application(view.application) if view.application else None,
            "media_attachments": [self.media(one) for one in shown.media],
            "mentions": [self.mention(account) for account in shown.mentions],
            "tags": [self.status_tag(name) for name in shown.status.tags],
            "emojis": self.emojis(shown.emojis),
            "card": self.card(shown.card) if shown.card is not None else None,
        }

    def media(self, media: Media) -> Entity:
        """Return the MediaAttachment entity; one that is not ready yet has no address."""
        ready = media.state == MediaState.READY
        meta = dict(media.meta)
        if media.focus is not None:
            meta["focus"] = {"x": media.focus[0], "y": media.focus[1]}
        return {
            "id": str(media.id),
            "type": media.kind.label,
            "url": self.file_url(media.key, media.file) if ready else None,
            "preview_url": self.file_url(media.key, media.preview) if media.preview else None,
            "remote_url": None,
            "preview_remote_url": None,
            "text_url": None,
            "meta": meta,
            "description": media.description or None,
            "blurhash": media.blurhash,
        }

    def card(self, card: Card) -> Entity:
        """Return the PreviewCard entity."""
        author = {"name": card.author_name, "url": card.author_url, "account": None}
        return {
            "url": card.url,
            "title": card.title,
            "description": card.description,
            "language": card.language,
            "type": "link",
            "author_name": card.author_name,
            "author_url": card.author_url,
            "provider_name": card.provider_name,
            "provider_url": card.provider_url,
            "html": "",
            "width": card.width,
            "height": card.height,
            "image": self.file_url(*card.image) if card.image is not None else None,
            "image_description": card.image_description,
            "embed_url": "",
            "blurhash": card.blurhash,
            "published_at": when(card.published_at) if card.published_at is not None else None,
            "authors": [author] if card.author_name else [],
        }

    def file_url(self, key: str, name: str) -> str:
        """Return the address of a stored file."""
        return f"{self.url}/media/{key}/{name}"

    def version(self, version: StatusEdit, media: Mapping[int, Media]) -> Entity:
        """Return the StatusEdit entity but for its account; ``media`` are those there still are."""
        entity = {
            "content": version.content,
            "spoiler_text": version.spoiler_text,
            "sensitive": version.sensitive,
            "created_at": when(version.created_at),
            "media_attachments": [self.media(media[id_]) for id_ in version.media if id_ in media],
            "emojis": [],
        }
        if version.options is not None:
            entity["poll"] = {"options": [{"title": title} for title in version.options]}
        return entity

    def mention(self, account: Account) -> Entity:
        """Return the Status::Mention entity."""
        return {
            "id": str(account.id),
            "username": account.username,
            "url": self.account_url(account),
            "acct": account.username,
        }

    def status_tag(self, name: str) -> Entity:
        """Return the Status::Tag entity."""
        return {"name": name, "url": f"{self.url}/tags/{name}"}

    def poll(self, view: PollView) -> Entity:
        """Return the Poll entity but for what is the viewer's."""
        poll = view.poll
        hidden = poll.hide_totals and not view.expired
        return {
            "id": str(view.id),
            "expires_at": when(poll.expires_at) if poll.expires_at is not None else None,
            "expired": view.expired,
            "multiple": poll.multiple,
            "votes_count": sum(view.votes),
            "voters_count": view.voters,
            "options": [
                {"title": title, "votes_count": None if hidden else votes}
                for title, votes in zip(poll.options, view.votes, strict=True)
            ],
            "emojis": self.emojis(view.emojis),
        }

    def emoji(self, emoji: Emoji) -> Entity:
        """Return the CustomEmoji entity."""
        return {
            "shortcode": emoji.shortcode,
            "url": f"{self.url}/{emoji.file}",
            "static_url": f"{self.url}/{emoji.still}",
            "visible_in_picker": emoji.visible,
            "category": emoji.category,
        }

    def emojis(self, emojis: Iterable[Emoji]) -> list[Entity]:
        """Return the CustomEmoji entities of those a text uses."""
        return [self.emoji(emoji) for emoji in emojis]

    # -- the rest ---------------------------------------------------------------------------------

    @staticmethod
    def notification(notification: Notification, group: str) -> Entity:
        """Return the Notification entity but for ``account`` and ``status``."""
        return {
            "id": str(notification.id),
            "type": notification.type.label,
            "created_at": when(notification.created_at),
            "group_key": group,
        }


def still(path: str) -> str:
    """Return the path of a picture that does not move, for one that does."""
    return f"{path.removesuffix('.gif')}-static.png" if path.endswith(".gif") else path


def _inline(markup: str) -> str:
    """Return HTML of one paragraph without the paragraph."""
    return markup.removeprefix("<p>").removesuffix("</p>")


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


def application(value: Application) -> Entity:
    """Return the Application entity as a status has it."""
    return {"name": value.name, "website": value.website}


def registered_application(value: Application, vapid_key: str) -> Entity:
    """Return the Application entity (without its secrets)."""
    return {
        "id": str(value.id),
        "name": value.name,
        "website": value.website,
        "scopes": value.scopes.split(),
        "redirect_uris": list(value.redirect_uris),
        "redirect_uri": "\n".join(value.redirect_uris),
        "vapid_key": vapid_key,
    }


def relationship(value: Relationship, account_id: int) -> Entity:
    """Return the Relationship entity."""
    following = value.following or value.requested
    return {
        "id": str(account_id),
        "following": value.following,
        "showing_reblogs": following and value.options.reblogs,
        "notifying": following and value.options.notify,
        "languages": list(value.options.languages) or None if following else None,
        "followed_by": value.followed_by,
        "blocking": value.blocking,
        "blocked_by": value.blocked_by,
        "muting": value.muting,
        "muting_notifications": value.muting_notifications,
        "requested": value.requested,
        "requested_by": value.requested_by,
        "domain_blocking": False,
        "endorsed": value.endorsed,
        "note": value.note,
    }
