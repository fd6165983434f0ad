"""Training: the loop with its checkpoints, phases, restarts, arithmetic, and what a training returns."""
