"""HTTP of market data: instruments, calendars, stored candles."""
