"""Where many runs are carried out: one after another, in several processes, or on a Ray cluster.

An engine asks a scheduler for jobs, tells it of every epoch, and asks whether to go on. A study and a search
each bring a scheduler; they know nothing of processes.
"""

from loupe.engines.engine import Ended as Ended
from loupe.engines.engine import Engine as Engine
from loupe.engines.engine import Job as Job
from loupe.engines.engine import Scheduler as Scheduler
from loupe.engines.opening import ENGINES as ENGINES
from loupe.engines.opening import open_engine as open_engine
