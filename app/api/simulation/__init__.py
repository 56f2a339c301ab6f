"""The simulation account over HTTP."""
