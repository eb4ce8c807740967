"""What is shown to whom: selected, let through by the gate, read with all it is shown with.

To be read in this order: ``timelines`` and ``paging`` (full pages of what may be seen), ``threads``
(a status and what stands around it), ``conversations`` (direct statuses), ``hydration`` (all that
is shown with them), ``filters`` and ``personal`` (how somebody likes to read); then the same from
the side of what is new: ``audience`` and ``streams`` (who hears of it at once) and ``freshness``
(whether an answer made earlier still holds).
"""
