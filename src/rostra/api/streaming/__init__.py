"""Streams: what happens, told at once to those who listen."""
