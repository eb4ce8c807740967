"""Logs are JSON lines, and what is secret never reaches them."""

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from rostra.ops import logging as logs


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structured = structlog.get_config()
    yield
    structlog.configure(**structured)
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_entry_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", process="worker-0")
    logs.logger().info("a status\nwas posted", id=7, who={"ordinal": 3})
    (entry,) = lines(capsys)
    assert list(entry)[:3] == ["timestamp", "level", "event"]
    assert entry["event"] == "a status\nwas posted"
    assert entry["process"] == "worker-0"
    assert entry["who"] == {"ordinal": 3}
    assert isinstance(entry["pid"], int)


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning")
    logs.logger().info("unimportant")
    logs.logger().warning("important")
    assert [entry["event"] for entry in lines(capsys)] == ["important"]


def test_libraries_log_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logging.getLogger("some.library").warning("careful: token=%s", "hunter2")
    logging.getLogger("some.library").info("chatter")
    (entry,) = lines(capsys)
    assert entry["event"] == "careful: token=[hidden]"
    assert entry["level"] == "warning"


def test_entries_go_where_standard_error_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = StringIO(), StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    logs.configure("info")
    log = logs.logger()
    log.info("to the first")
    first.close()
    monkeypatch.setattr(sys, "stderr", second)
    log.info("to the second")
    logging.getLogger("some.library").warning("to the second as well")
    events = [json.loads(line)["event"] for line in second.getvalue().splitlines()]
    assert events == ["to the second", "to the second as well"]


def test_an_exception_is_written_without_its_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    try:
        raise ValueError("no answer from https://me:hunter2@host/?access_token=hunter2&x=1")
    except ValueError:
        logs.logger().exception("failed", password="hunter2")
    (entry,) = lines(capsys)
    assert "ValueError" in str(entry["exception"])
    assert "x=1" in str(entry["exception"])
    assert "hunter2" not in json.dumps(entry)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "password_hash",
        "token",
        "access_token",
        "client_secret",
        "Authorization",
        "cookie",
        "set-cookie",
        "code",
        "code_verifier",
        "session_id",
        "api_key",
    ],
)
def test_values_of_telling_names_are_hidden_at_any_depth(name: str) -> None:
    value = {"event": "x", name: "hunter2", "outer": [{"inner": {name: "hunter2"}}]}
    hidden = logs.redact(None, "", value)
    assert "hunter2" not in str(hidden)
    assert hidden[name] == "[hidden]"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer hunter2", "hunter2"),
        ("sent 'bearer hunter2' twice", "hunter2"),
        ("POST /oauth/token client_secret=hunter2&x=1", "hunter2"),
        ("GET /oauth/authorize/native?code=hunter2", "hunter2"),
        ('{"password": "hunter2", "x": 1}', "hunter2"),
        ("postgresql://rostra:hunter2@db/rostra", "hunter2"),
        ("slack://hunter2@host", "hunter2"),
        ("password: hunter2", "hunter2"),
    ],
)
def test_secrets_within_texts_are_hidden(text: str, hidden: str) -> None:
    assert hidden not in logs.redacted_text(text)
    assert "[hidden]" in logs.redacted_text(text)


def test_headers_as_asgi_has_them_are_hidden() -> None:
    event = {"event": "x", "headers": [(b"authorization", b"hunter2"), (b"host", b"example")]}
    hidden = logs.redact(None, "", event)
    assert "hunter2" not in str(hidden)
    assert "example" in str(hidden)


def test_what_is_not_secret_stays() -> None:
    event = {
        "event": "the password was changed; see https://social.example/@alice@other.example",
        "status_code": 200,
        "sessions": 3,
        "token_count": 5,
        "nothing": None,
    }
    assert logs.redact(None, "", dict(event)) == event


def test_mail_addresses_are_hidden() -> None:
    text = "550 no such user: anna.b+rostra@mail.example.org, ask <post@mail.example>"
    assert logs.redacted_text(text) == "550 no such user: [hidden], ask <[hidden]>"
    assert logs.redacted_text("@anna@here.example followed") == "@anna@here.example followed"
