"""The plan runner over HTTP."""
