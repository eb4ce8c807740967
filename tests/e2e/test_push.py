"""Web Push from a real server: Mastodon.py subscribes, and can read what is sent to it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mastodon import Mastodon
from mastodon.errors import MastodonNotFoundError

from rostra.testing.server import Server, run_cli, serve

Sent = tuple[dict[str, str], bytes]


@contextmanager
def push_service() -> Iterator[tuple[str, queue.Queue[Sent]]]:
    """Run a push service; give its place and what is sent to it."""
    sent: queue.Queue[Sent] = queue.Queue()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sent.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def came(sent: queue.Queue[Sent], server: Server) -> Sent:
    """Wait for what is pushed, for as long as there is somebody to push it."""
    while True:
        try:
            return sent.get(timeout=1)
        except queue.Empty:
            assert server.process.poll() is None, server.log.read_text()


def test_mastodon_py_is_pushed_a_mention(tmp_path: Path) -> None:
    data = tmp_path / "data"
    tokens = {}
    for name in ("alice", "bob"):
        mail, word = f"{name}@here.example", "a platform of ships' prows"
        run_cli("account", "create", name, "--email", mail, "--password", word, data=data)
        scopes = "read write follow push"
        tokens[name] = run_cli("token", "create", name, "--scopes", scopes, data=data).strip()
    with push_service() as (place, sent), serve(data, workers=1, fetch_private=place) as server:
        alice, bob = (
            Mastodon(access_token=token, api_base_url=server.url, version_check_mode="created")
            for token in tokens.values()
        )
        private, public = alice.push_subscription_generate_keys()
        made = alice.push_subscription_set(
            f"http://{place}/alice", public, mention_events=True, follow_events=False
        )
        assert made == alice.push_subscription()
        assert (made.alerts.mention, made.alerts.follow, made.policy) == (True, False, "all")
        key = alice.instance().configuration.vapid.public_key
        assert made.server_key == key
        bob.account_follow(alice.me())
        posted = bob.status_post("@alice hail")
        headers, body = came(sent, server)
        read = alice.push_subscription_decrypt_push(
            body, private, headers["encryption"], headers["crypto-key"]
        )
        assert (read.title, read.body) == ("bob mentioned you", "@alice hail")
        assert read.access_token == tokens["alice"]
        assert alice.notifications(read.notification_id).status.id == posted.id
        alice.push_subscription_update(follow_events=True)
        assert alice.push_subscription().alerts.follow is True
        alice.push_subscription_delete()
        try:
            alice.push_subscription()
        except MastodonNotFoundError:
            return
        raise AssertionError("the subscription is still there")
