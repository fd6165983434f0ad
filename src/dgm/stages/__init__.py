"""Entry points, one a rule: each takes files and returns files."""

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
