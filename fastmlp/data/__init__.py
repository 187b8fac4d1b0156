"""Data on their way to the engine: arrays and what they must be, rows, batches, weights of rows, files."""
