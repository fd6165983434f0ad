"""Training: the loop with its checkpoints, phases, restarts, arithmetic, and what a training returns.

- :mod:`dgm.training.loop` runs every training by gradients, :mod:`dgm.training.phases` those in several phases,
  :mod:`dgm.training.restarts` the fits that keep the best of several starts. All of them resume, with the same bytes.
- Where a checkpoint cannot be written, the log says so and the training goes on. One that cannot be read, or belongs to other
  settings, code, data, device or version of torch, is not continued. Checkpoints exist only while a training is unfinished.
- A request to stop (:mod:`dgm.runtime.interruption`) is heeded between two steps. An evaluation within a training is left at once
  and repeated later, so it draws from fresh generators.
- ``limits.steps`` of the config caps the optimiser steps of every training.
- :mod:`dgm.training.precision` settles the arithmetic of a training step. On a processor without units for bfloat16 it multiplies
  rounded factors in float32, so that ``precision: bfloat16`` can be tried on any machine.
- :mod:`dgm.training.cuda_graphs` replays training steps as CUDA graphs where ``DGM_CUDA_GRAPHS`` is 1. A step may then neither
  wait for the device nor change what Python decides. ``tests/training/test_cuda_graphs.py`` tries every kind of model that is
  trained in batches on graphs made of main memory, and compares bytes.
"""
