"""x"""

from msgspec import Struct


class Sizes(Struct):
    seed: int = 1
