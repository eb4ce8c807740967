"""Rehearsals: a world of any size apart from the live data, and an account reinstated in it."""
