"""The rules of Rostra, without input or output: standard library, msgspec, pyroaring and numpy
only."""
