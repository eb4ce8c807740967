"""What an account is told of, merged when it is read.

To be read in this order: ``notifications`` (stored, listed, dismissed), ``merging`` (stored ones
with the members of sets), ``sifting`` (of whom one hears), ``grouping`` (each status and day once)
and ``requesting`` (from those who are held back).
"""
