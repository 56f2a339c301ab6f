"""Live streams of the event log to sockets and server-sent events."""
