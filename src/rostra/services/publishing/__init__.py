"""Writing statuses, and what is done to them, each with what it changes elsewhere.

To be read in this order: ``posting`` (a draft becomes a status), ``polls`` and ``quotes`` (what a
status may have besides), ``editing``, ``scheduling`` (published later) and ``status_deletion``;
then ``favourites`` (liked and bookmarked) and ``marking`` (pinned, and conversations muted). All
that is done most is to be had from ``services.statuses``, which boosts as well.
"""
