"""Use cases of risk: what the gate is told, and what it answers."""
