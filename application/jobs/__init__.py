"""Heavy work as data: what a job is, how it moves, who may ask for it."""
