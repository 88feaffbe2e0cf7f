"""From datasets to batches of NumPy arrays, without torch."""
