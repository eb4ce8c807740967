"""What an account is told of, merged when it is read, and pushed to its apps.

To be read in this order: ``notifications`` (stored, listed, dismissed), ``merging`` (stored ones
with the members of sets), ``sifting`` (of whom one hears), ``grouping`` (each status and day once),
``requesting`` (from those who are held back) and ``warnings`` (what a moderator did, as it is
told); then ``push`` (which apps hear of what) and ``web_push`` (the messages to them).
"""
