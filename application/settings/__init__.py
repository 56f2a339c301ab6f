"""The one persisted settings document; whoever decides by a setting reads it there and then."""
