"""Settings and trading switches over HTTP."""
