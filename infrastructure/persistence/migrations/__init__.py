"""Schema revisions; each is tested up, down and up again with rows, on both databases."""
