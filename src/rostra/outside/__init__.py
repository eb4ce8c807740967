"""Adapters to what is outside the database: other servers, files, other programs."""
