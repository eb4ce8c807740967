"""Moving data in and out: what somebody brings along or takes away, and logs of activity.

To be read in this order: ``transfers`` (asked for, watched, stopped), ``imports`` (files of lines),
``x_import`` (the archive of X) and ``exports`` (files, and an archive of everything); then
``activity`` and ``activity_batch`` (a whole server's log, brought in by those who run it).
"""
