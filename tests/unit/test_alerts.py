"""Alerts reach real receivers, one that fails holds up no other, and no address is told."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from tests.api.receiving import Receiver
from tests.unit.world import World

from rostra.config import SettingsError, load
from rostra.domain.alerts import MAX_TEXT, shown
from rostra.domain.errors import NotOffered, Unavailable
from rostra.jobs.runner import Runner
from rostra.jobs.schedule import Schedule
from rostra.ops import logging as logs
from rostra.ops.opening import check_alerts
from rostra.outside.alerts import AppriseAlerts, misunderstood
from rostra.ports import Context, Transaction
from rostra.services import alerts
from rostra.services.work import ASIDE, HANDLERS, TRIES
from rostra.storage.database.sqlite import Database
from rostra.storage.store import DATABASE_FILE
from rostra.testing.clock import FakeClock
from rostra.testing.server import command, environment, serve

SECRET = "s3cr3t-T0ken-abcdefgh"
PASSWORD = "open-sesame-1234"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    yield
    logs.hide(())
    root.setLevel(level)  # else what asyncio notes is printed by commands of tests after these
    root.handlers[:] = handlers


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


def told(world: World, *addresses: str, seconds: float = 20.0) -> Context:
    """Return a context whose alerts go to some addresses."""
    sender = AppriseAlerts(addresses, world.store.secret("alerts"), seconds=seconds)
    return msgspec.structs.replace(world.ctx, alerts=sender)


def tell(world: World, **more: Any) -> None:
    def change(tx: Transaction) -> None:
        alerts.tell(
            tx,
            subject="@anna is back",
            text="101 followers, as planned. Nothing to do.",
            link="/admin/runs/7",
            **more,
        )

    world.store.write_now(change)


def jobs(world: World) -> list[tuple[str, int, str]]:
    database = Database(world.store.folder / DATABASE_FILE, writable=False)
    try:
        return [
            (row[0], row[1], f"{row[2]} {row[3]}")
            for row in database.rows("SELECT name, attempts, payload, error FROM jobs ORDER BY id")
        ]
    finally:
        database.close()


@asynccontextmanager
async def at_work(ctx: Context) -> AsyncIterator[None]:
    """Do jobs as the job process does them, meanwhile; who waits for them ends if that fails."""
    stop = asyncio.Event()
    runner = Runner(ctx, HANDLERS, Schedule([]), ASIDE, TRIES)
    async with asyncio.TaskGroup() as group:
        group.create_task(runner.run(stop))
        try:
            yield
        finally:
            stop.set()


async def until(condition: Any, passing: FakeClock | None = None) -> None:
    """Wait for something, while the time passes quickly on a clock that else stands still."""
    while not condition():
        await asyncio.sleep(0.01)  # what is waited for is in a database
        if passing is not None:
            passing.advance(600_000)


async def test_what_happened_the_link_and_the_time_reach_a_webhook(
    world: World, receiver: Receiver
) -> None:
    ctx = told(world, f"json://ops:{PASSWORD}@{receiver.place}/hook/{SECRET}")
    tell(world, grave=True)
    async with at_work(ctx):
        await until(lambda: not jobs(world))
    ((path, headers, body),) = receiver.received
    assert path == f"/hook/{SECRET}"
    assert headers["authorization"].startswith("Basic ")
    sent = json.loads(body)
    assert sent["title"] == "Rostra: @anna is back"
    assert sent["type"] == "failure"
    assert sent["attachments"] == []
    happened, link, foot = sent["message"].split("\n\n")
    assert happened == "101 followers, as planned. Nothing to do."
    assert link == "https://here.example/admin/runs/7"
    assert foot.startswith("Rostra, 20")
    assert " UTC, alert " in foot


async def test_forms_xml_and_a_webhook_shaped_like_those_of_slack_are_sent_to(
    world: World, receiver: Receiver
) -> None:
    receiver.answers = [200] * 4
    ctx = told(
        world,
        f"form://{receiver.place}/form",
        f"xml://{receiver.place}/xml",
        f"json://{receiver.place}/services/T0/B0/{SECRET}?:message=text&:title=&:version=&:type=",
        f"mmost://{receiver.place}/{SECRET}",
    )
    tell(world)
    async with at_work(ctx):
        await until(lambda: not jobs(world))
    assert len(receiver.received) == 4
    sent = {path: body.decode() for path, _, body in receiver.received}
    form = parse_qs(sent["/form"])
    assert form["title"] == ["Rostra: @anna is back"]
    assert "<Subject>Rostra: @anna is back</Subject>" in sent["/xml"]
    slack = json.loads(sent[f"/services/T0/B0/{SECRET}"])
    assert slack["text"].startswith("101 followers")
    assert "101 followers" in json.loads(sent[f"/hooks/{SECRET}"])["text"]


async def test_one_dead_address_keeps_no_other_waiting_and_none_is_told_twice(
    world: World, receiver: Receiver
) -> None:
    async with Receiver() as failing:
        failing.answers = [500, 500]
        ctx = told(world, f"json://{failing.place}/", f"json://{receiver.place}/")
        tell(world)
        async with at_work(ctx):
            await until(lambda: not jobs(world), world.clock)
    assert len(failing.received) == 3
    assert len(receiver.received) == 1
    ids = {json.loads(body)["message"].rsplit("alert ", 1)[1] for _, _, body in failing.received}
    assert len(ids) == 1  # whoever got it more than once can tell


async def test_what_is_committed_is_told_and_what_is_not_is_not(world: World) -> None:
    def change(tx: Transaction) -> None:
        alerts.tell(tx, subject="never", text="mind")
        raise Unavailable("no room")

    with pytest.raises(Unavailable):
        world.store.write_now(change)
    assert jobs(world) == []


async def test_without_addresses_nothing_is_left_to_do(world: World) -> None:
    tell(world)
    assert await world.jobs() == ["send_alert"]
    assert jobs(world) == []
    with pytest.raises(NotOffered, match="set alert_urls"):
        await alerts.try_all(world.ctx)


async def test_an_alert_that_nobody_takes_is_given_up_and_said_to_be(
    world: World, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    receiver.answers = [503] * 50
    ctx = told(world, f"json://{receiver.place}/{SECRET}")
    tell(world)
    async with at_work(ctx):
        await until(lambda: not jobs(world), world.clock)
    assert jobs(world) == []
    assert len(receiver.received) == TRIES["deliver_alert"]
    entries = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["event"] for one in entries] == ["alert", *["job failed"] * 14, "job given up"]
    assert entries[0]["level"] == "info"
    assert entries[-1]["error"].endswith("address 1 (json://127.0.0.1): it answered with 503")


async def test_an_address_taken_out_of_the_settings_is_not_tried_any_more(
    world: World, receiver: Receiver
) -> None:
    tell(world)
    await alerts.send_alert(told(world, "json://127.0.0.1:1/"), id="1", subject="", text="", at=1)
    async with at_work(told(world, f"json://{receiver.place}/")):
        await until(lambda: not jobs(world))
    assert len(receiver.received) == 1  # of the alert told meanwhile alone


async def test_each_way_to_fail_has_its_words(world: World, receiver: Receiver) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if hangs:
                await reader.read()  # until the other side has enough
            else:
                writer.write(b"HTTP/1.1 200 Fine\r\n")
                while True:  # slowly, and never to an end
                    writer.write(b"x: y\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.02)
        except OSError:
            return
        finally:
            writer.close()

    hangs = True
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    receiver.answers = [404]
    # These end by themselves, however long it takes to get there: Apprise is imported first, and a
    # name is asked for.
    ctx = told(
        world,
        f"json://{receiver.place}/",
        "json://127.0.0.1:1/",
        f"json://{place}/{SECRET}?rto=0.2",
        "json://no-such-host.invalid/",
        seconds=600,
    )
    found = await alerts.try_all(ctx)
    assert [one.error.partition(": ")[2] for one in found] == [
        "it answered with 404",
        "nobody listens there",
        "it did not answer in time",
        "its name is not known",
    ]
    # These never do: what ends them is the time they have.
    (silent,) = await alerts.try_all(told(world, f"json://{place}/two", seconds=0.5))
    assert silent.error.endswith("it did not answer within 0.5 seconds")
    hangs = False
    ctx = told(world, f"json://{place}/", seconds=0.5)
    (slow,) = await alerts.try_all(ctx)
    assert slow.error.endswith("it did not answer within 0.5 seconds")
    (resting,) = await alerts.try_all(ctx)
    assert resting.error.endswith("it did not answer a moment ago")
    server.close()
    await server.wait_closed()


async def test_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    receiver.answers = [302]
    (found,) = await alerts.try_all(told(world, f"json://{receiver.place}/"))
    assert found.error.endswith("it answered with 302")


async def test_no_secret_is_in_the_jobs_table_the_log_or_an_error(
    world: World, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug")
    logging.getLogger().setLevel(logging.DEBUG)
    addresses = (
        f"json://ops:{PASSWORD}@{receiver.place}/hook/{SECRET}",
        f"json://ops:{PASSWORD}@127.0.0.1:1/{SECRET}?+X-Key={SECRET}",
        f"nothing://{SECRET}",
    )
    receiver.answers = [500]
    ctx = told(world, *addresses)
    tell(world)
    async with at_work(ctx):
        await until(lambda: not [job for job in jobs(world) if job[2].endswith(" None")])
        shown_jobs = repr(jobs(world))
    assert shown_jobs.count("Undelivered") == 3
    found = await alerts.try_all(ctx)
    everything = shown_jobs + repr(found) + repr(ctx.alerts.places()) + capsys.readouterr().err
    assert "it answered with 500" in everything
    assert "job failed" in everything
    assert SECRET not in everything
    assert PASSWORD not in everything
    files = [path for path in world.store.folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert SECRET.encode() not in content
        assert PASSWORD.encode() not in content


def test_what_is_secret_in_the_settings_is_hidden_wherever_it_comes_up() -> None:
    settings = load(
        environ={
            "ROSTRA_ALERT_URLS": f"json://127.0.0.1:80/a?key={SECRET} slack://{SECRET}/B/C",
            "ROSTRA_SMTP_PASSWORD": PASSWORD,
        }
    )
    logs.hide(settings.secrets)
    said = logs.redacted_text(f"POST /a?key={SECRET} to 127.0.0.1 with {PASSWORD}")
    assert said == "POST /a?key=[hidden] to 127.0.0.1 with [hidden]"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("slack://TokenA/TokenB/TokenC", "address 3 (slack)"),
        ("https://hooks.slack.com/services/T/B/C", "address 3 (https)"),
        ("jsons://user:word@hooks.example:8443/x?y=z", "address 3 (jsons://hooks.example)"),
        ("mailtos://user:word@mail.example", "address 3 (mailtos)"),
        ("ntfy://my-secret-topic", "address 3 (ntfy)"),
        ("json://[broken", "address 3 (json://)"),
        ("not an address", "address 3"),
        (f"{SECRET}{SECRET}://x", "address 3"),
    ],
)
def test_an_address_is_called_by_scheme_and_host_at_most(address: str, expected: str) -> None:
    assert shown(3, address) == expected


def test_an_address_apprise_does_not_know_stops_the_server_by_its_place(tmp_path: Path) -> None:
    good, bad = "json://127.0.0.1:1/", f"slackk://{SECRET}"
    settings = load(environ={"ROSTRA_ALERT_URLS": f"{good}\n {bad} "})
    with pytest.raises(SettingsError) as caught:
        check_alerts(settings)
    assert "address 2 (slackk)" in str(caught.value)
    assert SECRET not in str(caught.value)
    served = subprocess.run(
        command("serve", "--port", "0"),
        env={**environment(data="world"), "ROSTRA_ALERT_URLS": f"{good} {bad}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (served.returncode, served.stdout) == (1, "")
    assert "alert_urls: Apprise does not understand address 2 (slackk)" in served.stderr
    assert SECRET not in served.stderr


def test_a_value_that_is_no_list_of_addresses_is_refused_unseen() -> None:
    with pytest.raises(SettingsError, match="separated by white space, or nothing, not what is"):
        load(environ={"ROSTRA_ALERT_URLS": f"{SECRET} slack://x"})


async def test_a_long_text_is_cut(world: World) -> None:
    world.store.write_now(lambda tx: alerts.tell(tx, subject="a\nb" * 300, text="x" * 9_999))
    ((_, _, payload),) = jobs(world)
    told_of = json.loads(payload.removesuffix(" None"))
    assert len(told_of["text"]) == MAX_TEXT
    assert "\n" not in told_of["subject"]


def test_looking_at_addresses_asks_nobody() -> None:
    """In a process of its own, where asking the network is an error."""
    source = """
import sys
def watch(event, arguments):
    assert not event.startswith(("socket.connect", "socket.getaddrinfo", "socket.sendto")), event
sys.addaudithook(watch)
from rostra.outside.alerts import misunderstood
print(misunderstood(sys.argv[1:]))
"""
    addresses = ["json://a.example/", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
    ran = subprocess.run(
        [sys.executable, "-c", source, *addresses],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_known_services_are_understood() -> None:
    assert (
        misunderstood(
            [
                "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
                "matrixs://user:word@matrix.example/#room",
                "mailtos://user:word@mail.example?to=ops@example.org",
                "ntfy://topic",
                "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
            ]
        )
        == []
    )


async def rostra(folder: Path, *arguments: str, urls: str) -> tuple[int, str, str]:
    """Run a command on the data folder ``world`` in a folder; return its code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        cwd=folder,
        env={**environment(data="world"), "ROSTRA_ALERT_URLS": urls},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_says_which_address_took_a_test(
    tmp_path: Path, receiver: Receiver
) -> None:
    World(tmp_path / "world").store.close_now()
    receiver.answers = [201, 500]
    good = f"json://{receiver.place}/{SECRET}"
    code, out, err = await rostra(tmp_path, "alert", "test", urls=good)
    assert (code, err) == (0, "")
    assert "address 1 (json://127.0.0.1)" in out
    code, out, err = await rostra(tmp_path, "alert", "test", "--json", urls=good)
    assert (code, err) == (1, "")
    (found,) = json.loads(out)
    assert found["error"] == "address 1 (json://127.0.0.1): it answered with 500"
    assert SECRET not in out
    code, out, err = await rostra(tmp_path, "alert", "test", urls="")
    assert (code, out) == (1, "")
    assert "No address for alerts is set" in err
    code, _, err = await rostra(tmp_path, "alert", "test", urls=f"slackk://{SECRET}")
    assert code == 1
    assert SECRET not in err


async def test_a_test_leads_to_the_server_that_runs_and_else_to_where_one_would(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Another terminal does not know with which port the server was started."""
    World(tmp_path / "world").store.close_now()
    place = f"json://{receiver.place}/"
    with serve(tmp_path / "world", workers=1) as server:
        assert (await rostra(tmp_path, "alert", "test", urls=place))[0] == 0
    with serve(tmp_path / "world", workers=1, base_url="https://here.example/"):
        assert (await rostra(tmp_path, "alert", "test", urls=place))[0] == 0
    assert (await rostra(tmp_path, "alert", "test", urls=place))[0] == 0
    links = [json.loads(body)["message"].split("\n\n")[1] for _, _, body in receiver.received]
    assert links == [server.url, "https://here.example", "http://127.0.0.1:8000"]
