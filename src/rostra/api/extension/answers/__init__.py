"""What the operations beyond Mastodon's answer, as types: documented, and held to in tests.

The modules beside this folder write the JSON; what they write and these types are compared by every
test that asks them (``tests/api/answering.py``).
"""
