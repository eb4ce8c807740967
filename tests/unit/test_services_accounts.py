"""Signing up and in, profiles, finding and deleting, through the services on a real store."""

import pytest
from tests.unit.world import World

from rostra.domain.account_set import SERVER, SetKey, SetKind
from rostra.domain.accounts import Field, Role
from rostra.domain.enforcement import ActionKind
from rostra.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated
from rostra.domain.statuses import Visibility
from rostra.services import accounts
from rostra.services.authentication import passwords, sessions
from rostra.services.authentication.sign_in import by_password
from rostra.services.moderation import enforcing
from rostra.services.social_graph import relationships

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.usefixtures("cheap_hashes")


async def register(world: World, username: str = "Ann", **more: object) -> int:
    more.setdefault("email", f"{username}@mail.example")
    made = await accounts.register(world.ctx, username=username, password=PASSWORD, **more)
    return made.ordinal


async def test_signing_up_and_in_by_name_or_address(world: World) -> None:
    ordinal = await register(world, role=Role.OWNER, locked=True, display_name="Ann A.")
    for login in ("ann", "ANN@mail.example", "ann@MAIL.example"):
        found = await by_password(world.ctx, login=login, password=PASSWORD)
        assert found.ordinal == ordinal
    assert (found.role, found.locked, found.display_name) == (Role.OWNER, True, "Ann A.")
    with world.read() as snap:
        assert snap.sets.contains(SetKey(SERVER, SetKind.LOCKED), ordinal)
        assert PASSWORD not in snap.accounts.credentials(ordinal).password_hash


async def test_an_account_of_the_past(world: World) -> None:
    made = await accounts.register(
        world.ctx, username="old", email="o@x.example", password=PASSWORD, created_at=1000
    )
    assert made.created_at == 1000
    assert made.id >> 16 == 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": "ann"}, "Validation failed: Username has already been taken"),
        ({"email": "ANN@mail.example"}, "Validation failed: Email has already been taken"),
        ({"username": "a b"}, "Username must contain only letters"),
        ({"username": ""}, "Username must contain only letters"),
        ({"email": "nonsense"}, "Validation failed: Email must be a valid e-mail address"),
        ({"email": "a@b\n.c"}, "Validation failed: Email must be a valid e-mail address"),
        ({"email": "@b.c"}, "Validation failed: Email must be a valid e-mail address"),
        ({"password": "short"}, "Validation failed: Password is too short"),
        ({"password": "x" * 1000}, "Validation failed: Password is too long"),
        ({"display_name": "x" * 31}, "Validation failed: Display name is too long"),
    ],
)
async def test_registrations_that_are_refused(
    world: World, change: dict[str, str], message: str
) -> None:
    await register(world)
    given = {"username": "bob", "email": "bob@mail.example", "password": PASSWORD, **change}
    with pytest.raises(Invalid) as refused:
        await accounts.register(world.ctx, **given)
    assert message in refused.value.message


async def test_what_is_wrong_with_a_login_is_not_told(world: World) -> None:
    await register(world)
    texts = set()
    for login, password in (("ann", "wrong"), ("nobody", PASSWORD), ("a@b.c", PASSWORD)):
        with pytest.raises(Unauthenticated) as refused:
            await by_password(world.ctx, login=login, password=password)
        texts.add(refused.value.message)
    assert len(texts) == 1


async def test_an_unknown_account_costs_a_hash_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    verify = passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda *a: checked.append(a) or verify(*a))
    with pytest.raises(Unauthenticated):
        await by_password(world.ctx, login="nobody", password=PASSWORD)
    assert len(checked) == 1


@pytest.mark.parametrize("kind", [ActionKind.SUSPEND, ActionKind.FREEZE])
async def test_who_may_not_sign_in_is_told_why(world: World, kind: ActionKind) -> None:
    ann = await register(world)
    await enforcing.act(world.ctx, moderator=None, target=ann, kind=kind, ground="spam")
    found = await by_password(world.ctx, login="ann", password=PASSWORD)
    token = await sessions.create(world.ctx, found.ordinal)
    with world.read() as snap:
        assert sessions.account_of(snap, token) is None
        with pytest.raises(Forbidden, match="disabled: this account is"):
            snap.gate.require_may_act(found.ordinal)
    with pytest.raises(Unauthenticated):
        await by_password(world.ctx, login="ann", password="wrong")


async def test_profile(world: World) -> None:
    a = world.account("a")
    changed = await accounts.update_profile(
        world.ctx,
        actor=a,
        display_name=" Ann ",
        note="hello #x",
        locked=True,
        bot=True,
        discoverable=False,
        hide_collections=True,
        fields=[("site", "https://x.example"), ("", ""), Field("k", "v")],
        source_privacy=Visibility.UNLISTED,
        source_sensitive=True,
        source_language="",
        avatar=None,
    )
    assert changed.display_name == "Ann"
    assert changed.locked
    assert changed.bot
    assert not changed.discoverable
    assert changed.hide_collections
    assert changed.fields == (Field("site", "https://x.example"), Field("k", "v"))
    assert (changed.default_visibility, changed.default_sensitive) == ("unlisted", True)
    assert changed.default_language is None
    with world.read() as snap:
        assert accounts.show(snap, None, changed.id) == changed
        assert snap.sets.contains(SetKey(SERVER, SetKind.LOCKED), a)
    unseen = await accounts.update_profile(world.ctx, actor=a, display_name="\u202e\u200b ")
    assert unseen.display_name == ""
    await accounts.update_profile(world.ctx, actor=a, locked=False)
    with world.read() as snap:
        assert not snap.sets.contains(SetKey(SERVER, SetKind.LOCKED), a)


@pytest.mark.parametrize(
    "change",
    [
        {"display_name": "x" * 31},
        {"note": "x" * 501},
        {"source_language": "zzzz"},
        {"fields": [("a", "b")] * 5},
        {"fields": [("a" * 256, "b")]},
        {"fields": [("", "b")]},
        {"source_privacy": "direct"},
        {"source_privacy": "nonsense"},
    ],
)
async def test_profiles_that_are_refused(world: World, change: dict[str, object]) -> None:
    a = world.account("a")
    with pytest.raises(Invalid):
        await accounts.update_profile(world.ctx, actor=a, **change)


async def test_lookup(world: World) -> None:
    a = world.account("Ann")
    with world.read() as snap:
        for handle in ("ann", "@ANN", " ann@here.example", "@ann@HERE.example"):
            assert accounts.lookup(snap, handle, domain="here.example").ordinal == a
        for handle in ("bob", "ann@else.example", "", "@"):
            with pytest.raises(NotFound):
                accounts.lookup(snap, handle, domain="here.example")
        with pytest.raises(NotFound):
            accounts.show(snap, None, 5)


async def test_search(world: World) -> None:
    ann, anna, annabel = world.people("ann", "anna", "annabel")
    bob = world.account("bob", display_name="Friend of Ann")
    await world.follow(bob, anna)
    await enforcing.act(
        world.ctx, moderator=None, target=annabel, kind=ActionKind.LIMIT, ground="noise"
    )

    def found(q: str, viewer: int | None = None, **more: object) -> list[int]:
        with world.read() as snap:
            lot = accounts.search(snap, viewer, q, limit=5, **more)
        return [account.ordinal for account in lot]

    assert found("@ANN") == [ann, anna, bob]
    assert found("ann@here.example")[:1] == [ann]
    assert found("annabel") == [annabel]
    assert found("ann", bob, following=True) == [anna]
    assert found("ann", offset=1) == [anna, bob]
    assert found("") == found("zzz") == found("%") == []
    await relationships.block(world.ctx, actor=anna, target=ann)
    assert found("ann", ann) == [ann, bob]
    assert found("ann", anna) == [ann, anna, bob]  # by the handle alone: it is how one unblocks
    assert found("an", anna) == [anna, bob]
    await world.suspend(bob)
    assert found("ann") == [ann, anna]


async def test_deleting_is_final(world: World) -> None:
    ann = await register(world)
    b, c = world.people("b", "c")
    await world.follow(b, ann)
    await world.follow(ann, c)
    await relationships.block(world.ctx, actor=c, target=b)
    status = await world.post(ann)
    await accounts.delete_account(world.ctx, by=ann, target=ann)
    assert not world.sees(b, status)
    assert world.following(b) == (0, [])
    assert world.followers(c) == (0, [])
    assert world.relationship(b, ann, with_suspended=True) is None
    with world.read() as snap:
        with pytest.raises(NotFound):
            accounts.lookup(snap, "ann")
        assert snap.accounts.credentials(ann) is None
    with pytest.raises(Unauthenticated):
        await by_password(world.ctx, login="ann", password=PASSWORD)
    with pytest.raises(Invalid, match="taken"):
        await register(world, "ann", email="other@mail.example")
    with pytest.raises(NotFound):
        await accounts.delete_account(world.ctx, by=None, target=ann)
    assert set(await world.jobs()) >= {"erase_data", "purge_edges", "purge_media"}
    with world.read() as snap:
        assert snap.sets.size(SetKey(b, SetKind.FOLLOWING)) == 0
        assert snap.sets.size(SetKey(c, SetKind.FOLLOWERS)) == 0
        assert snap.gate.blocks(c, b)


async def test_purging_goes_in_steps_and_spares_blocks_and_mutes_by_others(world: World) -> None:
    star, *people = world.people("star", *(f"p{n}" for n in range(5)))
    for one in people:
        await world.follow(one, star)
    blocker, muter = world.people("blocker", "muter")
    await relationships.block(world.ctx, actor=blocker, target=star)
    await relationships.mute(world.ctx, actor=muter, target=star)
    assert await accounts.purge_edges(world.ctx, account=star, limit=2) == 0
    assert world.followers(star)[0] == 5
    await accounts.delete_account(world.ctx, by=None, target=star)
    assert await accounts.purge_edges(world.ctx, account=star, limit=2) == 3
    assert await accounts.purge_edges(world.ctx, account=star, limit=2) == 1
    assert await accounts.purge_edges(world.ctx, account=star, limit=2) == 0
    with world.read() as snap:
        assert snap.gate.blocks(blocker, star)
        assert snap.sets.contains(SetKey(muter, SetKind.MUTING), star)


async def test_who_may_delete_whom(world: World) -> None:
    a, b = world.people("a", "b")
    owner = world.account("owner", role=Role.OWNER)
    moderator = world.moderator()
    with pytest.raises(Forbidden):
        await accounts.delete_account(world.ctx, by=a, target=b)
    with pytest.raises(Forbidden):
        await accounts.delete_account(world.ctx, by=moderator, target=owner)
    await accounts.delete_account(world.ctx, by=moderator, target=b)
    await accounts.delete_account(world.ctx, by=owner, target=moderator)
    await world.suspend(a)
    await accounts.delete_account(world.ctx, by=a, target=a)
