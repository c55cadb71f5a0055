"""Runs that are open: kept while they are used, opened anew when their weights change."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from loupe.runs import RunFolder
from loupe.using.opened_run import OpenedRun, open_run
from loupe.web.run_index import RunIndex, stamp

_MOST_OPEN = 4  # each holds a network and its data


class Sessions:
    """The runs that are open.

    Args:
        index: where they are found.
    """

    def __init__(self, index: RunIndex) -> None:
        self.index = index
        self._open: OrderedDict[Path, tuple[object, OpenedRun]] = OrderedDict()
        self._lock = Lock()

    def open(self, identifier: str) -> OpenedRun:
        """Return a run's network and data; while it trains, the best network so far.

        Raises:
            LoupeError: there is no such run, or it has no weights yet.
        """
        folder = self.index.find_single(identifier)
        now = stamp(folder.best_file), stamp(folder.predictions_file)
        with self._lock:  # opening is quick; what is slow comes when it is asked for
            known = self._open.get(folder.path)
            if known is None or known[0] != now:
                opened = open_run(RunFolder(folder.path))
                if known is not None:
                    opened.take_data_of(known[1])
                self._open[folder.path] = known = now, opened
            self._open.move_to_end(folder.path)
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return known[1]
