"""Who may use the service: owner, users, sessions, API tokens, second factor."""
