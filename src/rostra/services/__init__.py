"""Use cases: one function each; authorise, change, record, announce.

They stand in rooms, of which each says what it holds; what all of them share stands beside these.
"""
