"""What tests and the demonstration share: a cast of characters, and a clock that can be set."""
