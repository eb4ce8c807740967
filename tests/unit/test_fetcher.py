"""Asking other servers, against a real one and a resolver of the test's own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from time import sleep
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from rostra.domain.errors import Unreachable
from rostra.outside.addresses import Allowed, is_public
from rostra.outside.fetcher import GuardedFetcher

PRIVATE = (
    "0.0.0.0", "10.1.2.3", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
    "::8.8.8.8", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
    "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
)  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_private_is_not_public_in_any_form(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not Allowed().address(ip_address(text), 443)


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "2a00::1"])
def test_what_is_public_may_be_asked_at_the_ports_of_the_web(text: str) -> None:
    assert Allowed().address(ip_address(text), 80)
    assert Allowed().address(ip_address(text), 443)
    assert not Allowed().address(ip_address(text), 22)


class Handler(BaseHTTPRequestHandler):
    """Answers by the path, and notes what was asked."""

    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path, self.headers["Host"]))
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Set-Cookie", "seen=1")
        if self.path == "/squeezed":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        try:
            if self.path == "/endless":
                while True:
                    self.wfile.write(b"x" * 65536)
            if self.path == "/slow":
                for _ in range(100):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    sleep(0.05)
            self.wfile.write(b"cookie:" + (self.headers["Cookie"] or "none").encode())
        except OSError:
            pass  # who asked hung up

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


class Names:
    """A resolver whose names are the test's own; each answer in turn, the last one for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        found = self.answers[host]
        return found.pop(0) if len(found) > 1 else found[0]


def guarded(port: int, **names: Sequence[Sequence[str]]) -> GuardedFetcher:
    """Return a fetcher for which the test's server is public, under the names given."""
    return GuardedFetcher(Allowed([f"127.0.0.1:{port}"]), resolver=Names(**names))


async def test_a_page_is_fetched_under_its_name(port: int) -> None:
    fetcher = guarded(port, news_example=[["127.0.0.1"]])
    fetched = await fetcher.get(f"http://news.example:{port}/page", types=("text/html",))
    assert (fetched.status, fetched.body) == (200, b"cookie:none")
    assert Handler.asked[-1] == ("GET", "/page", f"news.example:{port}")
    again = await fetcher.get(f"http://news.example:{port}/page")
    assert again.body == b"cookie:none"
    assert (await fetcher.get(f"http://news.example:{port}/missing")).status == 404
    sent = await fetcher.post(f"http://news.example:{port}/inbox", content=b"hail")
    assert sent.status == 200
    assert Handler.asked[-1][:2] == ("POST", "/inbox")


async def test_redirects_are_followed_and_checked_each(port: int) -> None:
    here = f"http://news.example:{port}"
    fetcher = guarded(port, news_example=[["127.0.0.1"]], inside_example=[["10.0.0.1"]])
    assert (await fetcher.get(f"{here}/to?/page")).url == f"{here}/page"
    for target in (
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://inside.example/",
        "ftp://news.example/",
        "file:///etc/passwd",
        f"{here}/to?{here}/to?{here}/to?{here}/to?{here}/to?{here}/to?{here}/page",
    ):
        before = len(Handler.asked)
        with pytest.raises(Unreachable):
            await fetcher.get(f"{here}/to?{target}")
        assert len(Handler.asked) - before <= 6
    posted = await fetcher.post(f"{here}/to?http://10.0.0.1/", content=b"")
    assert posted.status == 302


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:{port}1/",
        "http://localhost:{port}/",
        "http://0x7f.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://user:secret@news.example:{port}/",
        "gopher://news.example:{port}/",
        "http://two.example:{port}/",
        "http://none.example:{port}/",
        "http://:{port}/",
        "http://news.example:99999/",
        "not an address",
        "",
        "http://news.example:{port}/" + "x" * 3000,
    ],
)
async def test_what_may_not_be_asked_is_not_asked(port: int, url: str) -> None:
    fetcher = guarded(
        port,
        news_example=[["127.0.0.1"]],
        localhost=[["::1"]],
        two_example=[["127.0.0.1", "10.0.0.1"]],
        none_example=[[]],
        **{"0x7f_1": [["127.0.0.2"]]},
    )
    before = len(Handler.asked)
    with pytest.raises(Unreachable):
        await fetcher.get(url.replace("{port}", str(port)))
    with pytest.raises(Unreachable):
        await fetcher.post(url.replace("{port}", str(port)), content=b"x")
    assert len(Handler.asked) == before


async def test_a_name_that_changes_its_mind_reaches_what_was_checked(port: int) -> None:
    fetcher = guarded(port, turning_example=[["127.0.0.1"], ["10.0.0.1"]])
    assert (await fetcher.get(f"http://turning.example:{port}/")).status == 200
    with pytest.raises(Unreachable):
        await fetcher.get(f"http://turning.example:{port}/")


async def test_size_time_type_and_packing_have_their_limits(port: int) -> None:
    fetcher = guarded(port, news_example=[["127.0.0.1"]])
    here = f"http://news.example:{port}"
    with pytest.raises(Unreachable, match="larger than 100000 bytes"):
        await fetcher.get(f"{here}/endless", limit=100_000)
    with pytest.raises(Unreachable, match=r"longer than 0\.3 s"):
        await fetcher.get(f"{here}/slow", seconds=0.3)
    with pytest.raises(Unreachable, match="it is text/html"):
        await fetcher.get(f"{here}/page", types=("image/png",))
    with pytest.raises(Unreachable, match="compressed"):
        await fetcher.get(f"{here}/squeezed")


async def test_what_is_refused_is_logged_without_the_address(port: int) -> None:
    with pytest.raises(Unreachable) as caught:
        await guarded(port).get("http://10.0.0.1/secret?token=abc")
    assert "secret" not in str(caught.value)
    assert "10.0.0.1" in str(caught.value)


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate for a name, and its key; return where they are."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    plain = NoEncryption()
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, plain))
    return files


class QuietServer(ThreadingHTTPServer):
    """A server to which a client that hangs up is no news."""

    def handle_error(self, *_: object) -> None:
        pass


async def test_a_server_must_prove_its_name_though_the_connection_is_to_an_address(
    tmp_path: Path,
) -> None:
    certificate, key = certified(tmp_path, "news.example")
    server = QuietServer(("127.0.0.1", 0), Handler)
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offered.load_cert_chain(certificate, key)
    server.socket = offered.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    port = server.server_address[1]
    fetcher = guarded(port, news_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    try:
        with pytest.raises(Unreachable):  # nobody here knows who signed it
            await fetcher.get(f"https://news.example:{port}/page")
        fetcher._tls = ssl.create_default_context(cafile=str(certificate))
        assert (await fetcher.get(f"https://news.example:{port}/page")).status == 200
        for name in ("other.example", "127.0.0.1"):
            with pytest.raises(Unreachable):
                await fetcher.get(f"https://{name}:{port}/page")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
