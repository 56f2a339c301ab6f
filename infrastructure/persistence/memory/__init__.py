"""The book of record in memory: the twin that proves what the ports promise, without a database."""
