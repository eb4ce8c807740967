"""The HTTP interface: the Mastodon client API and OAuth 2, on plain ASGI."""
