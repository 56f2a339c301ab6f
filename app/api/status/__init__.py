"""Health, readiness, metrics, logs: how the service is."""
