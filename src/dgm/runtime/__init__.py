"""How a job runs: files, locks, signals, devices, random streams. It needs nothing else of this project."""
