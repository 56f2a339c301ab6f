"""Jobs over HTTP: read, cancel, follow."""
