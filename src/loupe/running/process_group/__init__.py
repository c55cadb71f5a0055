"""One run over several processes: gathered, joined with Fabric, and ended whatever happens."""

from loupe.running.process_group.checks import choose_threads as choose_threads
from loupe.running.process_group.checks import describe_group as describe_group
from loupe.running.process_group.checks import refuse_impossible_group as refuse_impossible_group
from loupe.running.process_group.checks import refuse_small_shards as refuse_small_shards
from loupe.running.process_group.gathering import launch_process_group as launch_process_group
from loupe.running.process_group.launched import find_rendezvous as find_rendezvous
from loupe.running.process_group.launched import settle_processes as settle_processes
