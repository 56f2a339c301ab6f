"""Numeric kernels: arrays in, arrays and figures out; no clock, no state, no I/O."""
