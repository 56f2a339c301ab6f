"""HTTP: one package per capability with its routes and schemas."""
