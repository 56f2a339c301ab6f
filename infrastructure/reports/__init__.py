"""Tables as files people open elsewhere."""
