"""What goes with a text: files somebody sent, the pages it links to, and custom emojis.

To be read in this order: ``uploads`` (from a file to media, and pictures of profiles), ``media``
(attached, described, removed with their files), ``cards`` (pages that are linked to) and
``page_text`` (what such a page says of itself); ``emojis`` stand alone.
"""
