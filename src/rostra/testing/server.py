"""A real ``rostra serve``, and plain HTTP clients that know which worker answered."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

import rostra
from rostra.ops.processes import die_with

WORKER_HEADER: Final = "X-Rostra-Worker"
HOST: Final = "127.0.0.1"
PATIENCE: Final = 60.0
"""For how many seconds a client waits for an answer: this ends what hangs, and measures nothing."""
SOURCES: Final = Path(rostra.__file__).parent.parent


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Answer(Struct, frozen=True):
    """What a server said; ``data`` is the decoded JSON, or None when the body is something else."""

    status: int
    worker: str
    data: Any
    headers: Mapping[str, str]


class Client:
    """One keep-alive connection, hence one worker.

    Args:
        port: the server's port on 127.0.0.1.
        token: sent with each request that names no other.
    """

    def __init__(self, port: int, token: str | None = None) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        self._token = token

    def get(self, path: str, *, token: str | None = None) -> Answer:
        """Send a GET."""
        return self.send("GET", path, token=token)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a POST, with ``body`` as JSON when there is one."""
        return self.send("POST", path, body, token=token, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request, with ``body`` as JSON unless it is bytes, and read its answer whole."""
        headers = dict(headers or {})
        if token or self._token:
            headers["Authorization"] = f"Bearer {token or self._token}"
        content = None
        if isinstance(body, bytes):
            content = body
        elif body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, content, headers)
        response = self._connection.getresponse()
        raw = response.read()
        data = None
        if "json" in (response.getheader("Content-Type") or ""):
            data = msgspec.json.decode(raw)
        return Answer(
            status=response.status,
            worker=response.getheader(WORKER_HEADER) or "",
            data=data,
            headers={name.lower(): value for name, value in response.getheaders()},
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def command(*arguments: str | Path) -> list[str]:
    """Return the command line that runs Rostra from this checkout's environment."""
    return [sys.executable, "-m", "rostra", *map(str, arguments)]


def environment(**settings: object) -> dict[str, str]:
    """Return the environment for Rostra: this checkout's code, no settings but those given."""
    inherited = {name: value for name, value in os.environ.items() if "ROSTRA_" not in name}
    own = {f"ROSTRA_{name.upper()}": str(value) for name, value in settings.items()}
    return inherited | own | {"PYTHONPATH": str(SOURCES)}


def run_cli(*arguments: str | Path, data: Path) -> str:
    """Run a command of Rostra on a data folder and return what it printed.

    Raises:
        RuntimeError: it failed; the message has its output.
    """
    run = subprocess.run(
        command(*arguments),
        env=environment(data=data),
        cwd=data.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(
            f"rostra {' '.join(map(str, arguments))} failed:\n{run.stdout}{run.stderr}"
        )
    return run.stdout


class Server:
    """A running ``rostra serve``; made by ``serve``."""

    def __init__(
        self, process: subprocess.Popen[bytes], port: int, workers: int, log: Path
    ) -> None:
        self.process = process
        self.port = port
        self.workers = workers
        self.log = log

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    @contextmanager
    def client_of_each_worker(self, token: str | None = None) -> Iterator[dict[str, Client]]:
        """Give one open connection to every worker, by the worker's name.

        Raises:
            RuntimeError: some worker was never met.
        """
        found: dict[str, Client] = {}
        with ExitStack() as opened:
            for _ in range(200 * self.workers):
                client = opened.enter_context(Client(self.port, token))
                found.setdefault(client.get("/api/v1/instance").worker, client)
                if len(found) == self.workers:
                    break
            else:
                raise RuntimeError(f"only workers {sorted(found)} of {self.workers} answer")
            yield found

    def memory(self) -> float:
        """Return the resident memory of the server's processes together, in MB (10^6 bytes)."""
        return sum(map(_resident, processes_below(self.process.pid))) / 1e6

    def kill(self) -> None:
        """Kill it and all it started as a power cut would: with SIGKILL, at once.

        Nothing of it runs any more afterwards: a process that the disk keeps waiting dies later,
        and holds its locks and sockets until then.
        """
        below = processes_below(self.process.pid)
        os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own, see start
        for pid in below:  # programs that workers had started have sessions of their own
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(map(_runs, below)):
            time.sleep(0.002)

    def stop(self) -> None:
        """End it in order, and by force when it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()


def processes_below(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:  # it ended meanwhile
                continue
    return found


def _runs(pid: int) -> bool:
    """Return whether a process runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def start(
    data: Path, *, workers: int, port: int | None = None, tied: bool = False, **settings: object
) -> Server:
    """Start ``rostra serve`` on a data folder and wait until it answers.

    Args:
        data: the data folder.
        workers: how many processes answer.
        port: on 127.0.0.1; a free one when not given.
        tied: have the kernel kill it when this process dies, however that is.
        settings: what else it is started with.

    Raises:
        RuntimeError: it ended instead; the message has its log.
    """
    port = port or free_port()
    log = data.parent / f"serve-{port}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command("serve", "--data", data, "--port", str(port), "--workers", str(workers)),
            env=environment(**{"log_level": "warning", "rate_limit": 0, **settings}),
            cwd=data.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=partial(die_with, os.getpid()) if tied else None,
        )
    server = Server(process, port, workers, log)
    try:
        _wait_until_ready(server)
    except BaseException:
        server.stop()
        raise
    return server


@contextmanager
def serve(
    data: Path, *, workers: int, port: int | None = None, **settings: Any
) -> Iterator[Server]:
    """Run ``rostra serve`` on a data folder for as long as the context is open."""
    server = start(data, workers=workers, port=port, **settings)
    try:
        yield server
    finally:
        server.stop()


def _wait_until_ready(server: Server) -> None:
    while True:
        if server.process.poll() is not None:
            text = server.log.read_text(errors="replace")
            raise RuntimeError(f"rostra serve ended with {server.process.returncode}:\n{text}")
        try:
            with Client(server.port) as client:
                status = client.get("/health/ready").status
        except OSError:
            status = 0
        if status == 200:
            return
        time.sleep(0.01)
