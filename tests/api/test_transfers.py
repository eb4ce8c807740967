"""Bringing things along and taking them away, as a person and the job process do it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.api.world import Person, World

from rostra.domain.account_set import SetKey, SetKind
from rostra.domain.errors import Conflict, Forbidden, Invalid, TooMany
from rostra.domain.statuses import Visibility
from rostra.domain.transfers import Transfer, TransferKind, TransferState
from rostra.services import appeals
from rostra.services.portability import exports, imports, transfers, x_import


async def bring(
    world: World, person: Person, kind: TransferKind, text: str, **given: Any
) -> Transfer:
    """Bring in a file of lines, let the job do it, and return how that ended."""
    made = await transfers.bring_lines(
        world.ctx,
        actor=person.ordinal,
        kind=kind,
        data=text.encode(),
        **{"overwrite": False, **given},
    )
    await world.jobs()
    return ended(world, made)


def ended(world: World, transfer: Transfer) -> Transfer:
    with world.store.read() as snap:
        return transfers.show(snap, transfer.account, transfer.id)


def exported(world: World, person: Person, kind: TransferKind) -> str:
    with world.store.read() as snap:
        return exports.file_of(snap, world.settings, actor=person.ordinal, kind=kind)


async def test_follows_are_brought_and_what_cannot_be_is_told(world: World) -> None:
    ann, bob, cyd = await world.people("ann", "bob", "cyd")
    await ann.follow(cyd)
    file = "bob@here.example\nnobody\nann@elsewhere.example\nann\n"
    done = await bring(world, ann, TransferKind.FOLLOWING, file)
    assert (done.state, done.total, done.done, done.failed) == (TransferState.DONE, 4, 4, 3)
    assert (await ann.relationship(bob))["following"] is True
    assert (await ann.relationship(cyd))["following"] is True
    with world.store.read() as snap:
        failures = snap.transfers.failures(done.id, limit=10)
    assert [line.subject for line, _ in failures] == ["nobody", "ann@elsewhere.example", "ann"]
    assert "another server" in failures[1][1]


async def test_overwriting_leaves_what_the_file_names_alone(world: World) -> None:
    ann, bob, cyd = await world.people("ann", "bob", "cyd")
    for kind, act, state in (
        (TransferKind.FOLLOWING, "follow", "following"),
        (TransferKind.MUTING, "mute", "muting"),
        (TransferKind.BLOCKING, "block", "blocking"),
    ):
        await ann.post(f"/api/v1/accounts/{cyd.id}/{act}")
        await bring(world, ann, kind, "bob\n", overwrite=True)
        assert (await ann.relationship(cyd))[state] is False
        assert (await ann.relationship(bob))[state] is True


async def test_what_is_taken_away_can_be_brought_back(world: World) -> None:
    ann, bob, cyd, dan = await world.people("ann", "bob", "cyd", "dan")
    status = await bob.status("worth keeping")
    await ann.follow(bob, reblogs=False, languages=["la", "en"])
    await ann.post(f"/api/v1/accounts/{cyd.id}/mute", notifications=False)
    await ann.post(f"/api/v1/accounts/{dan.id}/block")
    await ann.post("/api/v1/domain_blocks", domain="spam.example")
    await ann.post(f"/api/v1/statuses/{status['id']}/bookmark")
    made = await ann.post("/api/v1/lists", title="Friends, old")
    await ann.post(f"/api/v1/lists/{made['id']}/accounts", account_ids=[bob.id])
    files = {kind: exported(world, ann, kind) for kind in list(TransferKind)[:6]}
    other = await world.person("eve")
    for kind, text in files.items():
        done = await bring(world, other, kind, text)
        assert (done.done, done.failed) == (1, 0), kind
    assert {kind: exported(world, other, kind) for kind in files} == files


async def test_one_transfer_at_a_time_and_it_can_be_stopped(world: World) -> None:
    ann, bob = await world.people("ann", "bob")
    first = await transfers.bring_lines(
        world.ctx, actor=ann.ordinal, kind=TransferKind.FOLLOWING, data=b"bob\n", overwrite=False
    )
    with pytest.raises(Conflict):
        await transfers.take_away(world.ctx, actor=ann.ordinal)
    with pytest.raises(Conflict):
        await transfers.remove(world.ctx, actor=ann.ordinal, transfer_id=first.id)
    await transfers.stop(world.ctx, actor=ann.ordinal, transfer_id=first.id)
    await world.jobs()
    assert ended(world, first).state == TransferState.STOPPED
    assert (await ann.relationship(bob))["following"] is False
    await transfers.remove(world.ctx, actor=ann.ordinal, transfer_id=first.id)
    with world.store.read() as snap:
        assert transfers.listed(snap, ann.ordinal) == []


async def test_an_import_that_was_killed_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await world.person("ann")
    names = [f"p{number}" for number in range(45)]
    await world.people(*names)
    made = await transfers.bring_lines(
        world.ctx,
        actor=ann.ordinal,
        kind=TransferKind.FOLLOWING,
        data="\n".join(names).encode(),
        overwrite=False,
    )
    follow, calls = imports._WORK[TransferKind.FOLLOWING], 0

    async def dying(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 30:
            raise RuntimeError("killed")
        await follow(*given)

    monkeypatch.setitem(imports._WORK, TransferKind.FOLLOWING, dying)
    with pytest.raises(RuntimeError, match="killed"):
        await world.jobs()
    assert 0 < ended(world, made).done < 45
    await world.jobs()
    assert (ended(world, made).done, ended(world, made).failed) == (45, 0)
    with world.store.read() as snap:
        assert snap.sets.size(SetKey(ann.ordinal, SetKind.FOLLOWING)) == 45


async def test_a_suspension_ends_an_import_and_not_an_export(world: World) -> None:
    ann, _ = await world.people("ann", "bob")
    made = await transfers.bring_lines(
        world.ctx, actor=ann.ordinal, kind=TransferKind.FOLLOWING, data=b"bob\n", overwrite=False
    )
    await world.suspend(ann)
    await world.jobs()
    assert ended(world, made).failed == 1
    with pytest.raises(Forbidden):
        await bring(world, ann, TransferKind.FOLLOWING, "bob\n")
    away = await transfers.take_away(world.ctx, actor=ann.ordinal)
    await world.jobs()
    assert ended(world, away).state == TransferState.DONE


# -- the archive of everything ----------------------------------------------------------------


async def test_the_archive_holds_everything(world: World, tmp_path: Path) -> None:
    ann, bob = await world.people("ann", "bob")
    media = await ann.call("POST", "/api/v2/media", files={"file": ("a.png", picture("PNG"))})
    first = await ann.status("first #rome", media_ids=[media.json()["id"]])
    await ann.status("for few", visibility="direct", spoiler_text="hush")
    theirs = await bob.status("theirs")
    await ann.post(f"/api/v1/statuses/{theirs['id']}/reblog")
    await ann.post(f"/api/v1/statuses/{theirs['id']}/favourite")
    action = await world.suspend(ann)
    await appeals.open_appeal(world.ctx, actor=ann.ordinal, action=action.id, text="No.")
    made = await transfers.take_away(world.ctx, actor=ann.ordinal)
    await world.jobs()
    done = ended(world, made)
    assert (done.state, done.done) == (TransferState.DONE, 3)
    path = await world.ctx.files.local(done.file, transfers.FILE)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        outbox = json.loads(archive.read("outbox.json"))["orderedItems"]
        assert [item["type"] for item in outbox] == ["Create", "Create", "Announce"]
        assert outbox[0]["object"]["source"]["content"] == "first #rome"
        assert outbox[0]["object"]["attachment"][0]["url"] in archive.namelist()
        assert outbox[0]["object"]["url"].endswith(first["id"])
        assert outbox[1]["object"]["summary"] == "hush"
        assert json.loads(archive.read("likes.json"))["orderedItems"] == [outbox[2]["object"]]
        assert json.loads(archive.read("actor.json"))["preferredUsername"] == "ann"
        assert "following_accounts.csv" in archive.namelist()
        (decided,) = json.loads(archive.read("decisions.json"))
        assert (decided["ground"], decided["appeals"][0]["text"]) == ("spam", "No.")
    with pytest.raises(TooMany):
        await transfers.take_away(world.ctx, actor=ann.ordinal)
    world.clock.advance(seconds=8 * 86_400)
    await transfers.sweep(world.ctx)
    await world.jobs()
    assert ended(world, made).file == ""
    assert not path.exists()


# -- the archive of X ------------------------------------------------------------------------


def picture(form: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, form)
    return out.getvalue()


def number(index: int) -> str:
    return str(1_000_000 + index)


def entry(index: int, text: str, **fields: Any) -> dict[str, Any]:
    at = f"Wed Oct {10 + index % 20} 20:19:{index % 60:02d} +0000 2018"
    return {"tweet": {"id_str": number(index), "created_at": at, "full_text": text, **fields}}


def x_file(path: Path, tweets: list[Any], *, owner: str = "7", **lists: list[Any]) -> Path:
    """Write an archive as X lets people download it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/account.js", _js("account", [{"account": {"accountId": owner}}]))
        archive.writestr("data/tweets.js", _js("tweets", tweets))
        for name, rows in lists.items():
            archive.writestr(f"data/{name}.js", _js(name, rows))
        for each in tweets:
            if each["tweet"].get("extended_entities"):
                name = f"{each['tweet']['id_str']}-Abc.jpg"
                archive.writestr(f"data/tweets_media/{name}", picture())
    return path


def _js(name: str, rows: list[Any]) -> str:
    return f"window.YTD.{name}.part0 = {json.dumps(rows)}"


async def bring_x(world: World, person: Person, file: Path, **given: Any) -> Transfer:
    made = await transfers.bring_x_archive(world.ctx, actor=person.ordinal, file=file, **given)
    await world.jobs()
    return ended(world, made)


async def test_tweets_are_brought_at_their_times(world: World, tmp_path: Path) -> None:
    ann, bob = await world.people("ann", "bob")
    photo = {"url": "https://t.co/p", "media_url_https": "https://p.example/media/Abc.jpg"}
    tweets = [
        entry(2, "RT @other: not mine"),
        entry(1, "first &lt;3 #rome", lang="en"),
        entry(
            3,
            "an answer to myself",
            in_reply_to_status_id_str=number(1),
            in_reply_to_screen_name="ann",
        ),
        entry(4, "look https://t.co/p", extended_entities={"media": [photo]}),
        entry(
            5,
            "@bob hello",
            in_reply_to_status_id_str="5",
            in_reply_to_screen_name="bob",
            entities={"user_mentions": [{"screen_name": "bob"}]},
        ),
    ]
    done = await bring_x(world, ann, x_file(tmp_path / "x.zip", tweets))
    assert (done.state, done.error) == (TransferState.DONE, "")
    assert (done.total, done.done, done.failed) == (3, 3, 0)
    found = await ann.get(f"/api/v1/accounts/{ann.id}/statuses")
    assert [one["created_at"][:10] for one in found] == ["2018-10-14", "2018-10-13", "2018-10-11"]
    looked, answer, first = found
    assert "first &lt;3" in first["content"]
    assert (first["language"], first["tags"][0]["name"]) == ("en", "rome")
    assert answer["in_reply_to_id"] == first["id"]
    assert looked["content"] == "<p>look</p>"
    assert looked["media_attachments"][0]["type"] == "image"
    assert await bob.get("/api/v1/notifications") == []


async def test_answers_to_others_come_when_asked_for_and_name_nobody_here(
    world: World, tmp_path: Path
) -> None:
    ann, bob = await world.people("ann", "bob")
    tweets = [
        entry(
            1,
            "@bob hello",
            in_reply_to_status_id_str="5",
            in_reply_to_screen_name="bob",
            entities={"user_mentions": [{"screen_name": "bob"}]},
        ),
    ]
    file = x_file(tmp_path / "x.zip", tweets)
    done = await bring_x(world, ann, file, replies=True, visibility=Visibility.PRIVATE)
    assert done.done == 1
    (status,) = await ann.get(f"/api/v1/accounts/{ann.id}/statuses")
    assert "https://x.com/bob" in status["content"]
    assert (status["visibility"], status["mentions"]) == ("private", [])
    assert await bob.get("/api/v1/notifications") == []


async def test_an_archive_brought_twice_brings_nothing_twice(world: World, tmp_path: Path) -> None:
    ann = await world.person("ann")
    tweets = [entry(index, f"number {index}") for index in range(120)]
    for _ in range(2):
        done = await bring_x(world, ann, x_file(tmp_path / "x.zip", tweets))
        assert done.done == 120
    with world.store.read() as snap:
        assert snap.statuses.count_by_author(ann.ordinal) == 120


async def test_an_archive_whose_import_was_killed_goes_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await world.person("ann")
    tweets = [entry(index, f"number {index}") for index in range(120)]
    create, calls = x_import._create, 0

    def dying(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 70:
            raise RuntimeError("killed")
        create(*given)

    monkeypatch.setattr(x_import, "_create", dying)
    made = await transfers.bring_x_archive(
        world.ctx, actor=ann.ordinal, file=x_file(tmp_path / "x.zip", tweets)
    )
    with pytest.raises(RuntimeError, match="killed"):
        await world.jobs()
    assert ended(world, made).place == 50
    await world.jobs()
    assert ended(world, made).state == TransferState.DONE
    with world.store.read() as snap:
        assert snap.statuses.count_by_author(ann.ordinal) == 120


async def test_old_likes_and_people_find_each_other(world: World, tmp_path: Path) -> None:
    ann, bob = await world.people("ann", "bob")
    await bring_x(world, ann, x_file(tmp_path / "a.zip", [entry(1, "liked")], owner="7"))
    likes = [{"like": {"tweetId": number(1)}}, {"like": {"tweetId": "99"}}]
    following = [{"following": {"accountId": "7"}}, {"following": {"accountId": "8"}}]
    done = await bring_x(
        world, bob, x_file(tmp_path / "b.zip", [], owner="9", like=likes, following=following)
    )
    assert (done.state, done.done) == (TransferState.DONE, 2)
    (status,) = await ann.get(f"/api/v1/accounts/{ann.id}/statuses")
    assert status["favourites_count"] == 1
    assert await ann.get("/api/v1/notifications") == []
    with world.store.read() as snap:
        assert x_import.people_known(snap, bob.ordinal) == [ann.ordinal]
    assert (await bob.relationship(ann))["following"] is False


@pytest.mark.parametrize(
    "data", [b"", b"no archive", b"PK\x03\x04 cut off", b"PK\x05\x06" + b"\0" * 18]
)
async def test_what_is_no_archive_says_so(world: World, tmp_path: Path, data: bytes) -> None:
    ann = await world.person("ann")
    file = tmp_path / "x.zip"
    file.write_bytes(data)
    done = await bring_x(world, ann, file)
    assert done.state == TransferState.FAILED
    assert "choose the one X let you download" in done.error


async def test_a_damaged_list_says_which(world: World, tmp_path: Path) -> None:
    ann = await world.person("ann")
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data/tweets.js", "window.YTD.tweets.part0 = [{")
    done = await bring_x(world, ann, file)
    assert (done.state, "data/tweets.js" in done.error) == (TransferState.FAILED, True)


def packed(path: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return path


async def test_archives_made_to_do_damage_fail_and_say_so(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x_import, "MAX_LIST_BYTES", 1 << 20)
    monkeypatch.setattr(x_import, "MAX_OBJECTS", 1000)
    ann = await world.person("ann")
    broken = packed(tmp_path / "broken.zip", "data/tweets.js", b"[" + bytes(range(256)) * 40 + b"]")
    data = bytearray(broken.read_bytes())
    data[60:90] = bytes(30)  # in the middle of what is compressed
    broken.write_bytes(bytes(data))
    deep = b"[" + b'{"tweet":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}]"
    many = b"[" + b'{"tweet":{}},' * 2000 + b"]"
    for file in (
        broken,
        packed(tmp_path / "deep.zip", "data/tweets.js", deep),
        packed(tmp_path / "large.zip", "data/tweets.js", b" " * (1 << 21)),
        packed(tmp_path / "many.zip", "data/tweets.js", many),
        packed(tmp_path / "bytes.zip", "data/tweets.js", b'[{"tweet":{"id_str":"\xff"}}]'),
    ):
        done = await bring_x(world, ann, file)
        assert (done.state, "data/tweets.js" in done.error) == (TransferState.FAILED, True), done
    part = f"data/tweets-part{'9' * 5000}.js"
    done = await bring_x(world, ann, packed(tmp_path / "part.zip", part, b"[]"))
    assert done.state == TransferState.FAILED


async def test_tweets_made_to_do_damage_are_cut(world: World, tmp_path: Path) -> None:
    ann = await world.person("ann")
    url = {"url": "aaaaaaaa", "expanded_url": "aaaaaaaa" * 200}
    tweets = [
        entry(1, "aaaaaaaa" * 100_000, entities={"urls": [url] * 2000}),
        entry(2, "ends \0here", entities={"user_mentions": [{"screen_name": "(a+)+$"}]}),
    ]
    done = await bring_x(world, ann, x_file(tmp_path / "x.zip", tweets))
    assert (done.state, done.done) == (TransferState.DONE, 2)
    found = await ann.get(f"/api/v1/accounts/{ann.id}/statuses")
    assert found[0]["content"] == "<p>ends here</p>"
    assert len(found[1]["content"]) < 26_000


async def test_many_tweets_of_one_moment_have_ids_of_their_own(
    world: World, tmp_path: Path
) -> None:
    ann = await world.person("ann")
    when = "Wed Oct 10 20:19:24 +0000 2018"
    tweets = [entry(1, f"number {index}", created_at=when) for index in range(60)]
    for index, each in enumerate(tweets):
        each["tweet"]["id_str"] = str((index + 1) << 16)  # all want the same id
    done = await bring_x(world, ann, x_file(tmp_path / "x.zip", tweets))
    assert (done.state, done.done) == (TransferState.DONE, 60)
    with world.store.read() as snap:
        assert snap.statuses.count_by_author(ann.ordinal) == 60


async def test_a_kind_that_is_no_lines_is_refused(world: World) -> None:
    ann = await world.person("ann")
    with pytest.raises(Invalid):
        await bring(world, ann, TransferKind.ARCHIVE, "bob\n")
