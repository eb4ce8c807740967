"""The server itself: what those who run it say and decide, and how it does.

To be read in this order: ``instance`` (what it tells about itself), ``about`` (rules and longer
texts), ``announcements``, ``domain_rules`` (what is decided about other domains), ``statistics``
(what moderators can have counted), ``capacity`` (whether it can bear an audience) and ``stuck``
(what is in the way of its work).
"""
