"""Protocols the use cases need and the infrastructure implements."""
