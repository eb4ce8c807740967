"""What this server's API has beyond Mastodon's, below ``/api/rostra/v1``."""
