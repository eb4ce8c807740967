"""Moderation, and the record of it: what is reported, decided, done, undone and proved.

To be read in this order: ``reports`` and ``admin_accounts`` (what moderators look at), ``labels``
(what they put down), ``enforcing`` (acting on accounts, and ending it), ``lifting`` (what hangs on
that, in one transaction), ``decision_polls`` and ``decision_results`` (left to a public poll),
``decisions_told`` (what everybody is told of that); then the record: ``ledger`` (every decision),
``statements`` (of reasons, made from it) and ``ledger_export`` (taken away, so that others can
check it). Who may do what to whom is in ``services.roles``; appeals, reinstatement and amnesty have
rooms of their own.
"""
