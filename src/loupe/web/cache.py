"""Answers that take a second to make, kept while what they are made of stays as it is."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """The answers given last.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._answers: OrderedDict[Hashable, tuple[object, Answer]] = OrderedDict()
        self._lock, self._making = Lock(), Lock()

    def get(self, name: Hashable, stamp: object, make: Callable[[], Answer]) -> Answer:
        """Return the answer of a name: the kept one if it has this stamp, else a new one."""
        with self._lock:
            known = self._answers.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        with self._making:  # figures are drawn one at a time
            answer = make()
        with self._lock:
            self._answers[name] = stamp, answer
            while len(self._answers) > self.most:
                self._answers.popitem(last=False)
        return answer
