"""What stands before the application: it knows requests, and nothing of accounts or statuses."""
