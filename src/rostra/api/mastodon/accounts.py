"""https://docs.joinmastodon.org/methods/accounts/"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType, structs
from starlette.routing import BaseRoute

from rostra.api.binding import Nothing
from rostra.api.mastodon import lists, relationships, tags
from rostra.api.mastodon.common import (
    account_reply,
    accounts_reply,
    array,
    bytes_reply,
    entries_reply,
    statuses_reply,
)
from rostra.api.messages import Call, Reply, encode, json_reply
from rostra.api.oauth.tokens import token_entity
from rostra.api.operation import Needs, at, group, reads, writes
from rostra.api.pagination import Page, clamped
from rostra.api.uploads import image_limit, sent, uploads
from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.accounts import Field
from rostra.domain.addresses import client_address
from rostra.domain.errors import NotFound
from rostra.domain.ids import parse_id
from rostra.ports import Snapshot
from rostra.services import accounts, statuses
from rostra.services.attachments import uploads as pictures
from rostra.services.membership import registration
from rostra.services.reading.freshness import Basis
from rostra.services.social_graph import relationships as relations

MANY: Final = 40


# -- registration and one's own account --------------------------------------------------------


class Registration(Struct, frozen=True):
    username: str = ""
    email: str = ""
    password: str = ""
    agreement: bool = False
    locale: str = ""
    reason: str = ""
    date_of_birth: str = ""


@writes(Registration, needs=Needs.TOKEN, scope="write:accounts")
async def create(call: Call, given: Registration) -> Reply:
    """Register an account with an application's token, and return a token of the account."""
    assert call.token is not None
    ctx = call.api.ctx
    text, token = await registration.sign_up(
        ctx,
        registration.Given(
            username=given.username,
            email=given.email,
            password=given.password,
            agreement=given.agreement,
            reason=given.reason,
            locale=given.locale,
            date_of_birth=given.date_of_birth,
        ),
        application=call.token.application,
        scopes=call.token.scopes,
        address=client_address(ctx.settings.proxies)(call.scope),
    )
    return json_reply(token_entity(text, token))


def credentials_reply(call: Call, snap: Snapshot) -> Reply:
    """Return the CredentialAccount entity of who asks."""
    account = snap.accounts.get(call.actor)
    if account is None:
        raise NotFound
    requests = snap.gate.visible_count(SetKey(call.actor, SetKind.FOLLOW_REQUESTS))
    rest = call.api.renderer.credentials(account, requests)
    body = call.api.parts.account(snap, call.actor)[:-1] + b"," + encode(rest)[1:]
    basis = Basis(accounts=frozenset({call.actor}), viewer=call.actor)
    return bytes_reply(call, body, basis=basis)


@reads(Nothing, needs=Needs.ACCOUNT, scope="read:accounts")
def verify_credentials(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return credentials_reply(call, snap)


class GivenField(Struct, frozen=True):
    name: str = ""
    value: str = ""


class Source(Struct, frozen=True):
    privacy: str | UnsetType = UNSET
    sensitive: bool | UnsetType = UNSET
    language: str | UnsetType = UNSET
    quote_policy: str | UnsetType = UNSET


class Profile(Struct, frozen=True):
    display_name: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    bot: bool | UnsetType = UNSET
    discoverable: bool | UnsetType = UNSET
    indexable: bool | UnsetType = UNSET
    hide_collections: bool | UnsetType = UNSET
    fields_attributes: list[GivenField] | UnsetType = UNSET
    source: Source = Source()
    avatar: Any = None
    header: Any = None


def changes_of(given: Profile) -> dict[str, Any]:
    """Return what a profile update changes, named as ``accounts.update_profile`` does."""
    changes = {
        name: value
        for name, value in structs.asdict(given).items()
        if value is not UNSET and name not in ("avatar", "header", "source", "fields_attributes")
    }
    if given.fields_attributes is not UNSET:
        fields = [Field(field.name, field.value) for field in given.fields_attributes]
        changes["fields"] = tuple(field for field in fields if field.name or field.value)
    for name, value in structs.asdict(given.source).items():
        if value is not UNSET:
            changes[f"source_{name}"] = value
    return changes


@uploads(Profile, scope="write:accounts", limit=image_limit)
async def update_credentials(call: Call, given: Profile) -> Reply:
    ctx, prepared = call.api.ctx, []
    files = {"avatar": sent(given.avatar), "header": sent(given.header)}
    for which, file in files.items():  # what cannot be used is refused before anything changes
        if file is not None:
            prepared.append(await pictures.prepare_picture(ctx, which=which, file=file))
    try:
        await accounts.update_profile(ctx, actor=call.actor, **changes_of(given))
    except BaseException:
        for picture in prepared:
            await ctx.files.remove(picture.key)
        raise
    for picture in prepared:
        await pictures.use_picture(ctx, actor=call.actor, prepared=picture)
    with ctx.store.read() as snap:
        return credentials_reply(call, snap)


@writes(Nothing, scope="write:accounts")
async def remove_avatar(call: Call, given: Nothing) -> Reply:
    await pictures.remove_picture(call.api.ctx, actor=call.actor, which="avatar")
    with call.api.ctx.store.read() as snap:
        return credentials_reply(call, snap)


@writes(Nothing, scope="write:accounts")
async def remove_header(call: Call, given: Nothing) -> Reply:
    await pictures.remove_picture(call.api.ctx, actor=call.actor, which="header")
    with call.api.ctx.store.read() as snap:
        return credentials_reply(call, snap)


# -- finding -----------------------------------------------------------------------------------


@reads(Nothing, scope="read:accounts")
def show(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    return account_reply(call, snap, accounts.show(snap, call.viewer, call.id()).ordinal)


class Ids(Struct, frozen=True):
    id: list[str] = []


def known(call: Call, snap: Snapshot, ids: list[str]) -> list[int]:
    """Return the ordinals of the accounts among ``ids`` that exist, in their order, each once."""
    found = []
    for text in dict.fromkeys(ids):
        account_id = parse_id(text)
        if account_id is None:
            continue
        try:
            found.append(accounts.show(snap, call.viewer, account_id).ordinal)
        except NotFound:
            continue
    return found


@reads(Ids, scope="read:accounts")
def many(call: Call, snap: Snapshot, given: Ids) -> Reply:
    return accounts_reply(call, snap, known(call, snap, given.id[:MANY]))


class Lookup(Struct, frozen=True):
    acct: str = ""


@reads(Lookup, scope="read:accounts")
def lookup(call: Call, snap: Snapshot, given: Lookup) -> Reply:
    domain = call.api.ctx.settings.domain
    return account_reply(call, snap, accounts.lookup(snap, given.acct, domain=domain).ordinal)


class Search(Struct, frozen=True):
    q: str = ""
    limit: int | None = None
    offset: int = 0
    resolve: bool = False
    following: bool = False


@reads(Search, needs=Needs.ACCOUNT, scope="read:accounts")
def search(call: Call, snap: Snapshot, given: Search) -> Reply:
    found = accounts.search(
        snap,
        call.viewer,
        given.q,
        limit=clamped(given.limit, 40),
        offset=max(given.offset, 0),
        following=given.following,
        resolve=given.resolve,
    )
    return accounts_reply(call, snap, [account.ordinal for account in found])


# -- what an account has -----------------------------------------------------------------------


class StatusPage(Page, frozen=True):
    only_media: bool = False
    exclude_replies: bool = False
    exclude_reblogs: bool = False
    pinned: bool = False
    tagged: str | None = None


@reads(StatusPage, scope="read:statuses")
def statuses_of(call: Call, snap: Snapshot, given: StatusPage) -> Reply:
    target = accounts.show(snap, call.viewer, call.id()).ordinal
    ids = statuses.by_account(
        snap,
        call.viewer,
        target,
        limit=clamped(given.limit, 20),
        **given.cursors(),
        only_media=given.only_media,
        exclude_replies=given.exclude_replies,
        exclude_reblogs=given.exclude_reblogs,
        pinned=given.pinned,
        tagged=given.tagged,
    )
    return statuses_reply(call, snap, ids, paged=not given.pinned)


@reads(Page, scope="read:accounts")
def followers(call: Call, snap: Snapshot, given: Page) -> Reply:
    target = accounts.show(snap, call.viewer, call.id()).ordinal
    limit = clamped(given.limit, 40)
    entries = relations.followers(snap, call.viewer, target, limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


@reads(Page, scope="read:accounts")
def following(call: Call, snap: Snapshot, given: Page) -> Reply:
    target = accounts.show(snap, call.viewer, call.id()).ordinal
    limit = clamped(given.limit, 40)
    entries = relations.following(snap, call.viewer, target, limit=limit, **given.cursors())
    return entries_reply(call, snap, entries, limit)


@reads(Ids, needs=Needs.ACCOUNT, scope="read:follows")
def familiar_followers(call: Call, snap: Snapshot, given: Ids) -> Reply:
    targets = known(call, snap, given.id[:MANY])
    familiar = relations.familiar_followers(snap, call.actor, targets)
    found = snap.accounts.many(targets)
    bodies = [
        encode({"id": str(found[target].id)})[:-1]
        + b',"accounts":'
        + array(call.api.parts.accounts(snap, familiar[target]))
        + b"}"
        for target in targets
        if target in familiar
    ]
    return bytes_reply(call, array(bodies))


@reads(Nothing, scope="read:accounts")
def identity_proofs(call: Call, snap: Snapshot, given: Nothing) -> Reply:
    """Answer with nothing, as Mastodon has since 3.5; older apps still ask."""
    accounts.show(snap, call.viewer, call.id())
    return bytes_reply(call, b"[]")


ROUTES: Final[list[BaseRoute]] = [
    *group("/profile", at("/avatar", DELETE=remove_avatar), at("/header", DELETE=remove_header)),
    at("/accounts", GET=many, POST=create),
    *group(
        "/accounts",
        at("/verify_credentials", GET=verify_credentials),
        at("/update_credentials", PATCH=update_credentials),
        at("/relationships", GET=relationships.relationships),
        at("/familiar_followers", GET=familiar_followers),
        at("/lookup", GET=lookup),
        at("/search", GET=search),
        at("/{id}", GET=show),
        *group(
            "/{id}",
            at("/statuses", GET=statuses_of),
            at("/followers", GET=followers),
            at("/following", GET=following),
            at("/lists", GET=lists.of_account),
            at("/featured_tags", GET=tags.featured_by),
            at("/identity_proofs", GET=identity_proofs),
            *relationships.ROUTES,
        ),
    ),
]
