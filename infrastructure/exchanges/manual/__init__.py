"""The manual venue: accepts and waits; people report what was executed."""
