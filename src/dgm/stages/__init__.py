"""Entry points, one a rule: each takes files and returns files."""

import signal
import sys

# Until a stage listens to requests to stop (dgm.interruption), Ctrl-C ends it without the traceback of whatever import was under
# way. Python says "-m" for the program while it looks for the module to run.
if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
