"""Risk: what may go out, how big, and why not."""
