"""``rostra serve``: starting, sharing, dying and coming back, stopping."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import apsw
import pytest

from rostra.testing.server import command, environment

PATIENCE = 60.0


def eventually(check: Callable[[], Any]) -> Any:
    """Return what ``check`` returns once that is true; fail when it never is."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


class Server:
    """A server of this test's own, on a free port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                serving(self.data, *options),
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=folder,
                env=environment(),
            )

    def ready(self) -> "Server":
        eventually(lambda: self.events("ready") or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        return self

    @property
    def port(self) -> int:
        return int(self.events("ready")[0]["address"].rsplit(":", 1)[1])

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines(keepends=True)
        # The last line may be half written.
        lines = [line for line in lines if line.startswith("{") and line.endswith("\n")]
        return [entry for entry in map(json.loads, lines) if entry["event"] == name]

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()

    def answers(self) -> bool:
        with suppress(OSError):
            return self.get("/health/ready")[0] == 200
        return False

    def children(self) -> dict[str, int]:
        """Return the process ids of the children that are ready now, by their names."""
        ready = {entry["process"]: entry["child"] for entry in self.events("process is ready")}
        return {name: pid for name, pid in ready.items() if alive(pid)}

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def serving(data: Path, *options: str) -> list[str]:
    usual = [] if "--port" in options else ["--port", "0"]
    usual += [] if "--workers" in options else ["--workers", "2"]
    return command("serve", "--data", data, *usual, *options)


def refused(folder: Path, data: Path, *options: str) -> str:
    """Run a server that cannot start, and return the one line it says."""
    result = subprocess.run(
        serving(data, *options),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=folder,
        env=environment(),
        check=False,
    )
    assert result.returncode == 1, result
    said = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    assert len(said) == 1, result
    return said[0]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(tmp_path, *options))
        return started[-1].ready()

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave it as it is."""
    found = Server(tmp_path_factory.mktemp("serve")).ready()
    yield found
    found.kill()


# -- running ---------------------------------------------------------------------------------------


def test_it_tells_of_its_health(server: Server) -> None:
    status, headers, body = server.get("/health")
    health = json.loads(body)
    assert status == 200
    assert (health["live"], health["ready"]) == (True, True)
    assert health["feed_position"] >= 1
    assert headers["x-rostra-worker"] == str(health["worker"])
    assert server.get("/health/live")[0] == server.get("/health/ready")[0] == 200


def test_the_api_is_answered(server: Server) -> None:
    status, headers, body = server.get("/api/v2/instance")
    assert (status, json.loads(body)["title"]) == (200, "Rostra")
    assert headers["x-rostra-worker"] in ("0", "1")
    assert server.get("/api/v1/accounts/1")[0] == 404


def counted(server: Server, route: str) -> int:
    """Return how many requests of a class of routes all workers have answered."""
    body = server.get("/metrics")[2].decode()
    pattern = rf'^rostra_requests_total\{{.*route="{route}".*\}} (\S+)$'
    return int(sum(map(float, re.findall(pattern, body, re.MULTILINE))))


def test_requests_are_counted_over_all_workers(server: Server) -> None:
    before = counted(server, "timelines")
    for _ in range(20):
        server.get("/api/v1/timelines/public")
    eventually(lambda: counted(server, "timelines") == before + 20)
    body = server.get("/metrics")[2].decode()
    for name in ("feed_position", "mask_epoch", "sets_cache_bytes", "jobs_waiting", "journal_rows"):
        assert re.search(rf'^rostra_{name}\{{worker="[01]"\}} \S+$', body, re.MULTILINE)


def test_metrics_are_not_shown_through_a_proxy(server: Server) -> None:
    assert server.get("/metrics", **{"X-Forwarded-For": "192.0.2.1"})[0] == 403


def test_commands_work_while_it_runs_and_both_workers_see_what_they_did(server: Server) -> None:
    create = ["account", "create", "anna", "--email", "a@x.example", "--password", "x" * 12]
    made = subprocess.run(
        command(*create, "--data", server.data),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=True,
    )
    workers: set[str] = set()
    while len(workers) < 2:
        status, headers, body = server.get("/api/v1/accounts/lookup?acct=anna")
        assert (status, json.loads(body)["id"]) == (200, made.stdout.strip())
        workers.add(headers["x-rostra-worker"])


# -- one of a kind ---------------------------------------------------------------------------------


def test_a_second_server_on_the_folder_says_who_has_it(server: Server) -> None:
    said = refused(server.folder, server.data)
    assert f"process {server.process.pid}" in said
    assert f"127.0.0.1:{server.port}" in said


def test_a_taken_port_is_said(server: Server, tmp_path: Path) -> None:
    said = refused(tmp_path, tmp_path / "other", "--port", str(server.port))
    assert f"Port {server.port} on 127.0.0.1 is taken" in said
    assert not (tmp_path / "other" / "rostra.db").exists()


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    assert "192.0.2.1" in refused(tmp_path, tmp_path / "data", "--host", "192.0.2.1")
    assert "no.such.host.invalid" in refused(
        tmp_path, tmp_path / "data", "--host", "no.such.host.invalid"
    )


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(apsw.Connection(str(tmp_path / "data" / "rostra.db"))) as database:
        database.execute("PRAGMA user_version = 9999")
    assert "newer version of Rostra" in refused(tmp_path, tmp_path / "data")


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rostra.db").write_bytes(b"this is no database" * 1000)
    assert "backup" in refused(tmp_path, tmp_path / "data")


# -- dying and coming back -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["worker-0", "jobs"])
def test_a_process_that_is_killed_comes_back(serve: Callable[..., Server], name: str) -> None:
    server = serve()
    for _ in range(3):
        killed = server.children()[name]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: server.children().get(name) not in (None, killed))  # noqa: B023
    deaths = server.events("process died; starting it again")
    assert [(one["process"], one["signal"]) for one in deaths] == [(name, "SIGKILL")] * 3
    assert server.answers()
    assert server.process.poll() is None


def test_counts_go_on_when_a_worker_comes_back(serve: Callable[..., Server]) -> None:
    server = serve("--workers", "1")
    for _ in range(5):
        server.get("/api/v1/timelines/public")
    eventually(lambda: counted(server, "timelines") == 5)  # just after the answer has gone
    killed = server.children()["worker-0"]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: server.children().get("worker-0") not in (None, killed))
    assert counted(server, "timelines") == 5


def test_when_the_supervisor_is_killed_all_is_over_and_can_begin_again(
    serve: Callable[..., Server],
) -> None:
    first = serve()
    port, children = first.port, first.children()
    assert set(children) == {"worker-0", "worker-1", "jobs"}
    first.kill()
    second = serve("--port", str(port))
    assert second.port == port
    assert not any(alive(pid) for pid in children.values())
    assert second.answers()


# -- stopping --------------------------------------------------------------------------------------

BODY = b"client_name=x&redirect_uris=urn:ietf:wg:oauth:2.0:oob"
HEAD = (
    b"POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(BODY)
)


def begun(server: Server) -> socket.socket:
    """Return a connection whose request has reached the application, which waits for its body."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall(HEAD)
    assert connection.recv(1000).startswith(b"HTTP/1.1 100")
    return connection


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_that_have_begun_are_finished(
    serve: Callable[..., Server], number: signal.Signals
) -> None:
    server = serve()
    with begun(server) as connection:
        server.process.send_signal(number)
        eventually(lambda: not server.answers())
        connection.sendall(BODY)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert server.process.wait(PATIENCE) == 0
    assert not server.events("not finished in time; killed")


def test_a_connection_that_rests_holds_nobody_up(serve: Callable[..., Server]) -> None:
    server = serve()
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        connection.request("GET", "/health")
        connection.getresponse().read()
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
    assert all(one["exit_code"] == 0 for one in server.events("process ended"))


def test_a_request_that_never_ends_is_given_up(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "rostra.toml").write_text("drain_seconds = 1\n")
    server = serve()
    with begun(server):
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
    assert server.events("requests were still running when their time to finish was over")


def test_a_second_signal_ends_it_at_once(serve: Callable[..., Server]) -> None:
    server = serve()
    with begun(server):
        server.process.terminate()
        eventually(lambda: server.events("stopping"))
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
    assert server.events("not finished in time; killed")
    given_up = "requests were still running when their time to finish was over"
    assert not server.events(given_up)  # that would be after the whole of drain_seconds


def test_workers_count_requests_together(serve: Callable[..., Server]) -> None:
    server = serve("--workers", "2")
    left: dict[str, list[int]] = {}  # by when the window is over: another may begin meanwhile
    for _ in range(20):
        with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
            connection.request("GET", "/api/v1/instance")
            answer = connection.getresponse()
            assert answer.status == 200
            found = left.setdefault(answer.headers["X-RateLimit-Reset"], [])
            found.append(int(answer.headers["X-RateLimit-Remaining"]))
    for found in left.values():
        assert found == [299 - place for place in range(len(found))]
