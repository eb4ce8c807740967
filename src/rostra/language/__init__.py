"""What is told to people in their own language: texts, numbers, times, and sentences known again.

Whatever shows pages uses it (``web``, consent and reports in ``api``); what is stored and what
programs read stays English.
"""
