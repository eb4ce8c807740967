"""The Mastodon client API, one module a resource, named as in its documentation."""
