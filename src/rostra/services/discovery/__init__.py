"""Finding what one does not know yet: by words, by names, and by what others look at.

To be read in this order: ``search`` (statuses, hashtags, addresses), ``account_search`` (by names),
``tags`` (hashtags: followed, featured, counted), ``trends`` and ``suggestions`` (whom to follow,
and the directory).
"""
