"""Joining and leaving: from the form of signing up to the last row of an account.

To be read in this order: ``registration`` (signing up), ``sign_up_blocks`` (who may not),
``confirmations`` (of the address), ``approvals`` and ``sign_up_notices`` (moderators let people in,
and hear of them); then ``departures`` (put away, or left for good) and ``account_deletion`` (what
is removed, at once and in steps). What lies between is in ``services.accounts``.
"""
