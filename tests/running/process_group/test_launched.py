"""What torchrun's variables say of a process, and what is refused."""

import pytest

from loupe.errors import LoupeError
from loupe.running import load_recipe
from loupe.running.process_group.checks import choose_threads
from loupe.running.process_group.launched import Rendezvous, find_rendezvous, settle_processes
from loupe.runtime import count_cores

TWO = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "node-a", "MASTER_PORT": "29500"}


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TWO.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"RANK": "3"}])
def test_a_process_alone_meets_nobody(environment: dict[str, str]) -> None:
    assert find_rendezvous(environment) is None


def test_a_process_a_machine_needs_no_local_rank() -> None:
    assert find_rendezvous(TWO) == Rendezvous(1, 2, "node-a", 29500, 0, 1)


def test_two_processes_a_machine() -> None:
    variables = {**TWO, "RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    assert find_rendezvous(variables) == Rendezvous(2, 4, "node-a", 29500, 0, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"RANK": "2"},
        {"RANK": "-1"},
        {"RANK": "first"},
        {"WORLD_SIZE": "two"},
        {"WORLD_SIZE": "0"},
        {"MASTER_PORT": "99999"},
        {"LOCAL_RANK": "5"},
        {"LOCAL_RANK": "-1"},
    ],
)
def test_variables_that_contradict_one_another(changes: dict[str, str]) -> None:
    with pytest.raises(LoupeError, match="WORLD_SIZE says that several processes train together"):
        find_rendezvous({**TWO, **changes})


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(LoupeError) as caught:
        find_rendezvous({"WORLD_SIZE": "2", "RANK": "0"})
    assert str(caught.value) == (
        "WORLD_SIZE says that several processes train together, but not which one this is.\n"
        "  got: RANK=0, WORLD_SIZE=2, no MASTER_ADDR, no MASTER_PORT\n"
        "  allowed: RANK from 0 to WORLD_SIZE - 1, another one in each process; MASTER_ADDR and MASTER_PORT "
        "of the first, the same in all\n"
        "  next: start it with torchrun (python -m torch.distributed.run), which sets them; or unset "
        "WORLD_SIZE, to train on this machine alone"
    )


def test_a_recipe_takes_the_processes_that_were_started(second_of_two: None) -> None:
    pytest.importorskip("lightning_fabric", reason="the extra `fabric` is not installed")
    for changes in ([], ["run.processes=2"]):
        recipe = settle_processes(load_recipe("digits", ["run.device=cpu", *changes]))
        assert recipe.run.processes == 2
        assert choose_threads(recipe) == count_cores(), "the other one is on another machine"


def test_a_recipe_alone_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    recipe = load_recipe("digits")
    assert settle_processes(recipe) is recipe


def test_another_number_of_processes(second_of_two: None) -> None:
    pytest.importorskip("lightning_fabric", reason="the extra `fabric` is not installed")
    with pytest.raises(LoupeError) as caught:
        settle_processes(load_recipe("digits", ["run.device=cpu", "run.processes=3"]))
    assert str(caught.value) == (
        "The recipe wants another number of processes than were started.\n"
        "  got: run.processes=3, WORLD_SIZE=2\n  allowed: the same number, or run.processes left out\n"
        "  next: leave run.processes out, or set run.processes=2"
    )


def test_several_seeds(second_of_two: None) -> None:
    with pytest.raises(LoupeError, match="train one run, not several") as caught:
        settle_processes(load_recipe("digits", ["run.seeds=[0, 1]"]))
    assert "loupe study … --engine ray" in str(caught.value)
