"""The settings pages of accounts and their safety."""
