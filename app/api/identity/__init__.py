"""Authentication, sessions, API tokens and users over HTTP."""
