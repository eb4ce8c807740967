"""Who is what to whom: the edges between accounts, and how they are read.

To be read in this order: ``ties`` (what accounts are to each other, and lists of those who follow),
``relationships`` (follow, block, mute and their undoing), ``endorsements`` (featured on a profile)
and ``lists`` (accounts put together for reading).
"""
