"""Signing in, and the keys to an account: who somebody is, and what an application may do for them.

To be read in this order: ``sign_in`` (name and password), ``passwords`` (hashed and checked),
``throttling`` (tries at any secret), ``factors`` and ``passkeys`` (the second factor, or instead of
a password), ``sessions`` (signed in in a browser), ``oauth`` (applications and their tokens),
``app_access`` (those an account let in) and ``credentials`` (changing how one signs in).
"""
