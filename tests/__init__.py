"""One thread for torch in every test, also in the commands that tests start.

The tests run on two processes: two threads in each would spend their time waiting for the other process's.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
