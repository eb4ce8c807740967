"""Adapters that keep things: the database, account sets, and one module a resource."""
