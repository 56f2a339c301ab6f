"""The one persisted settings document, which guards read at decision time."""
