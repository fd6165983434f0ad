"""How a job runs: files, locks, signals, devices, random streams. It needs nothing else of this project.

- :mod:`dgm.runtime.files` writes a file whole or not at all, and reads it only when it is whole: the checksums inside agree, the
  last line of a table is ended. Else ``Damaged`` says file, fault and remedy.
- :mod:`dgm.runtime.device` gives a job its GPU (one lock file a GPU, or ``DGM_JOBS_PER_GPU`` of them, freed by the end of the
  process), its threads and its allocator settings, and stops a job whose GPU CUDA cannot use. On CUDA it asks for deterministic
  implementations, and switches TF32 off, so that float32 means float32 there too.
- :mod:`dgm.runtime.stage` is what all stages share: the options, the log and the record of a job (command, seconds, device,
  commit and dirty flag, versions). The record notes operations without a deterministic implementation (``nondeterministic``).
- :mod:`dgm.runtime.interruption` is the one home of requests to stop. A signal ends a job where it stands; a step of a training,
  and whatever else must not be left in the middle, is finished first. A loop says with ``keep`` how its state is saved. A watcher
  ends the process after 8 seconds whatever it does. Snakemake waits for its jobs when it is told to stop, so the workflow hands
  the signal on to them. Jobs stop by themselves when Snakemake is gone.
- :mod:`dgm.runtime.locks` keeps two builds out of one folder with a lock that ends with the process, in place of Snakemake's own,
  which a killed build leaves behind.
- :mod:`dgm.runtime.fork_server` spares local jobs the import of the libraries. The workflow starts a server, which imports them
  once. A stage that is called finds the socket of the server in the environment, hands its command over and passes on signals.
  Where no server answers (on a cluster, off Linux, called by hand) the stage runs in its own process. The server is no part of
  what a job depends on. A forked stage ends at once (``os._exit``), which spares half a second.
- :mod:`dgm.runtime.seeds` derives one seed for every named use of randomness, and names the repeated trainings of a run;
  :mod:`dgm.runtime.streams` has the generators of torch for them.
"""
