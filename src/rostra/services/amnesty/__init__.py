"""Lifting the actions of many accounts: planned, approved by a second moderator, done in waves.

To be read in this order: ``amnesties`` (asked for, approved or rejected), ``planning`` (the dry run
as a job), ``drafting`` and ``selecting`` (whom it is for, and what it brings); ``steering`` (run,
paused, resumed, stopped and rolled back by moderators), ``driving`` (wave after wave), ``stepping``
(some accounts a transaction), ``settling`` (what becomes of each), ``recounting`` (what came alive
in the end), ``telling`` (that it is stuck) and ``reporting``. ``account_lists`` reads a list of
accounts where no selector says it.
"""
