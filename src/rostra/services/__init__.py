"""Use cases: one function each; authorise, change, record, announce."""
