"""What a page's result depends on → one key, and why a result is stale."""
