"""Risk over HTTP: limits and what people may set."""
