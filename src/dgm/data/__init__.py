"""Data sets: their sources, their tensors, and what is done to grey levels before a model sees them."""
