"""A mail server in this process, and what has arrived in it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from rostra.testing.server import PATIENCE


class Mailbox:
    """Takes every mail; with ``answer`` it says that instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer = ""
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    def text(self, number: int = -1) -> str:
        """Return the plain text of a mail, the newest when no other is named."""
        body = self.mails[number].get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def link(self, number: int = -1) -> str:
        """Return the link in a mail, without the address of the server."""
        found = re.search(r"https://here\.example(/auth/\S+)", self.text(number))
        assert found, self.text(number)
        return found[1]

    def subjects(self) -> list[str]:
        """Return the subjects of what has arrived, without the name of the server."""
        return [mail["subject"].partition(" – ")[0] for mail in self.mails]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that lead here."""
        return {
            "smtp_server": "127.0.0.1",
            "smtp_port": self.port,
            "smtp_security": "none",
            "title": "Here",
        }


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Run a mail server on a free port."""
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        mailbox.port = probe.getsockname()[1]
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=mailbox.port, ready_timeout=PATIENCE
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
