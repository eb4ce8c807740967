"""Work that no visitor waits for: a queue in a table, and what is done again and again."""
