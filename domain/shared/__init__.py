"""Values every capability shares: exact numbers, identifiers, errors, events."""
