"""Code as rules are handed it: the script with its roles, networks and loops."""

from functools import cached_property

from loupe.linting.loops import Loops
from loupe.linting.networks import Networks
from loupe.linting.reading import Source
from loupe.linting.roles import Roles
from loupe.linting.script import Script


class Code(Script):
    """A script or notebook, with what is known of its data, networks and loops."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.roles = Roles(self)
        self.networks = Networks(self)
        self.loops = Loops(self, self.roles, self.networks)

    @cached_property
    def trains(self) -> bool:
        """Whether it trains a network by a loop of its own."""
        return bool(self.find_methods("backward") and self.find_methods("step"))
