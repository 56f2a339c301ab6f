"""Use cases: synchronous, framework-free callables over ports."""
