"""Pure rules of Ballast: no I/O, no clock, no logging, no async, no framework."""
