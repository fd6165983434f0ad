"""Entry points, one a rule: each takes files and returns files.

    prepare (images) --+-- train --+-- sample -- evaluate --+-- tabulate --------+
    simulate (points) -+           +-- estimate ------------+-- costs -----------+
    demonstrate --------------------------------------------+-- check -- collect-+-- render -- typeset -- conclude -- manifest
    (illustrations: no data, no training)                   +-- plot, export ----+

``estimate`` runs for the runs that ask for it, ``costs`` reads the records of jobs, ``plot`` also reads tables for some figures,
``export`` writes what a figure hands to the page for a reader to change it, ``typeset`` needs LaTeX. ``conclude`` fails where a
claim is false, so that such a build gets no manifest.

A stage is thin: it reads its options and files, calls the package that does the work, and writes its results. The stages that
hold a device (train, sample, evaluate, estimate) import torch inside their functions, once the device is settled. Each job writes
a log, and last of all a record (:mod:`dgm.runtime.stage`).

``rescue`` belongs to no rule. The workflow calls it when a build that should make the report has failed: in a view of the build
(:mod:`dgm.reproduce.incomplete`) it makes the tables, checks, figures and documents that can be made, and copies the documents to
``report/`` of the results.
"""

import signal
import sys

from dgm.runtime.fork_server import hand_over

# Python says "-m" for the program while it looks for the module to run.
if sys.argv[0] == "-m":
    # Until a stage listens to requests to stop (dgm.runtime.interruption), Ctrl-C ends it without the traceback of an import.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _status = hand_over(sys.orig_argv[sys.orig_argv.index("-m") + 1 :])
    if _status is not None:
        sys.exit(_status)
