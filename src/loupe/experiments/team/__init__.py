"""One run over several processes: gathered, joined with Fabric, and ended whatever happens."""

from loupe.experiments.team.checks import choose_threads as choose_threads
from loupe.experiments.team.checks import describe_team as describe_team
from loupe.experiments.team.checks import refuse_impossible_team as refuse_impossible_team
from loupe.experiments.team.checks import refuse_small_shares as refuse_small_shares
from loupe.experiments.team.gathering import gather_team as gather_team
