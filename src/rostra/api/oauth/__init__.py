"""OAuth 2 over HTTP: the consent page, tokens, and what clients discover."""
