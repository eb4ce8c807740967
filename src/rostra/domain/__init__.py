"""The rules of Rostra, without input or output, on msgspec, pyroaring and numpy alone."""
