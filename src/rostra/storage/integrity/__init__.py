"""What the verifier checks, and what repair mends."""
