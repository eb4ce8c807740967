"""The load generator: wrk, playing requests from a file and reporting its figures as JSON."""

from __future__ import annotations

import math
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from bench.postgres import apt_install
from bench.results import Sample

# Each thread plays every n-th line of the file, over and over, made into bytes beforehand.
SCRIPT: Final = """
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
function init(args)
  local file, step = args[1], tonumber(args[2])
  played, turn = {}, 0
  local line_number = 0
  for line in io.lines(file) do
    if line_number % step == number then
      local method, path, token, body = line:match("^(%S+) (%S+) (%S+) ?(.*)$")
      local headers = {}
      if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
      if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
      played[#played + 1] = wrk.format(method, path, headers, body)
    end
    line_number = line_number + 1
  end
end
function request()
  turn = turn % #played + 1
  return played[turn]
end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"microseconds":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,' ..
    '"refused":%d,"broken":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(90),
    latency:percentile(99), latency.max, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class Request(Struct, frozen=True):
    """A request to play. ``body`` is sent as JSON on one line."""

    method: str
    path: str
    token: str | None = None
    body: str = ""

    def line(self) -> str:
        """Return it as the script reads it."""
        return f"{self.method} {self.path} {self.token or '-'} {self.body}".rstrip()


class Load(Struct, frozen=True):
    """What wrk saw. ``refused``: answered with status 400 or above; ``broken``: not at all."""

    requests: int
    microseconds: int
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Answers below status 400 a second."""
        return (self.requests - self.refused) / (self.microseconds / 1e6)

    def spread(self) -> Sample:
        """Return how long answers took."""
        return Sample(
            count=self.requests,
            p50=self.p50_us / 1e3,
            p99=self.p99_us / 1e3,
            worst=self.max_us / 1e3,
            unit="ms",
        )


class Failed(RuntimeError):
    """wrk could not run, or what it met was not what was to be measured."""


def program() -> str:
    """Return the path of wrk, installing Debian's package when it is missing and we may.

    Raises:
        Failed: there is none.
    """
    if shutil.which("wrk") is None:
        try:
            apt_install("wrk")
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failed("wrk is needed here: apt-get install wrk") from error
    found = shutil.which("wrk")
    if found is None:
        raise Failed("wrk is needed here: apt-get install wrk")
    return found


def play(
    url: str,
    requests: Iterable[Request],
    *,
    folder: Path,
    connections: int,
    seconds: float,
    may_be_refused: bool = False,
) -> Load:
    """Play requests over and over and return what was measured.

    Args:
        url: the server's address.
        requests: what to send, in order; threads take turns.
        folder: where to put the script and the requests.
        connections: how many; each waits for its answer before it sends again.
        seconds: for how long.
        may_be_refused: whether an answer of status 400 or above is expected now and then.

    Raises:
        Failed: wrk ended with an error, or requests were refused or broken.
    """
    script, lines = folder / "play.lua", folder / "requests.txt"
    script.write_text(SCRIPT)
    lines.write_text("".join(request.line() + "\n" for request in requests))
    threads = min(2, connections)
    run = subprocess.Popen(
        [
            program(),
            f"-t{threads}",
            f"-c{connections}",
            f"-d{max(1, math.ceil(seconds))}s",
            "--timeout=30s",
            f"--script={script}",
            url,
            "--",
            str(lines),
            str(threads),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        if seconds < 1:  # wrk counts in whole seconds, and ends early when it is interrupted
            time.sleep(seconds)
            run.send_signal(signal.SIGINT)
        printed, _ = run.communicate()
    finally:
        if run.poll() is None:
            run.kill()
            run.wait()
    if run.returncode or "{" not in printed:
        raise Failed(f"wrk failed:\n{printed}")
    load = msgspec.json.decode(printed[printed.rindex("{") :], type=Load)
    if load.broken or (load.refused and not may_be_refused):
        raise Failed(f"{load.refused} requests were refused and {load.broken} broken: {printed}")
    return load
