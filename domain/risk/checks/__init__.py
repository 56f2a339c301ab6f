"""The checks of the gate: each a pure function from the context to one finding."""
