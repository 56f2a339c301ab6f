"""What governs a position: pure decisions over a frozen view, the same live, on paper, in tests."""
