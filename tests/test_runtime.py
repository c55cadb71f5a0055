import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.errors import LoupeError
from loupe.runtime import (
    Streams,
    choose_device,
    choose_precision,
    computing,
    has_bfloat16_units,
    on_one_thread,
    without_loading_compiler,
)


@given(seed=st.integers(0, 2**40), name=st.text(max_size=20), epoch=st.integers(0, 10**6))
def test_a_stream_is_the_same_each_time(seed: int, name: str, epoch: int) -> None:
    first = torch.rand(3, generator=Streams(seed).generator(name, epoch))
    again = torch.rand(3, generator=Streams(seed).generator(name, epoch))
    assert torch.equal(first, again)


def test_streams_differ_by_seed_name_and_epoch() -> None:
    seeds = {
        Streams(seed).seed_of(name, epoch) for seed in range(20) for name in "abc" for epoch in range(20)
    }
    assert len(seeds) == 20 * 3 * 20


def test_a_global_stream_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    with Streams(1).as_global("model"):
        inside = torch.rand(2)
    assert torch.equal(torch.get_rng_state(), before)
    with Streams(1).as_global("model"):
        assert torch.equal(torch.rand(2), inside)


def test_an_unknown_device_is_refused_with_those_present() -> None:
    with pytest.raises(LoupeError, match="This machine has no device 'tpu'") as caught:
        choose_device("tpu")
    assert "auto, cpu" in str(caught.value)


def test_one_thread_inside_the_block_and_as_many_as_before_after_it() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with contextlib.suppress(ValueError), on_one_thread():
            assert torch.get_num_threads() == 1
            raise ValueError("no")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, "1000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, "None"),
    ],
)
def test_waiting_threads_sleep_soon_unless_the_user_says_otherwise(
    settings: dict[str, str], wanted: str
) -> None:
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    code = "import sys, os, loupe; print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | settings, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", wanted]


def test_computing_puts_threads_and_determinism_back() -> None:
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with computing(threads=1):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


@pytest.mark.parametrize("has_units", [True, False])
def test_fast_precision_is_half_where_the_processor_has_units(
    monkeypatch: pytest.MonkeyPatch, has_units: bool
) -> None:
    monkeypatch.setattr("loupe.runtime.has_bfloat16_units", lambda: has_units)
    cpu = torch.device("cpu")
    assert choose_precision("fast", cpu) == ("bfloat16" if has_units else "float32")
    assert choose_precision("auto", cpu) == "float32", "figures of a CPU stay those of every CPU"
    assert choose_precision("bfloat16", cpu) == "bfloat16"


def test_units_are_known_by_the_processors_own_flags() -> None:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        pytest.skip("no /proc/cpuinfo here")
    assert has_bfloat16_units() == bool({"avx512_bf16", "amx_tile"} & set(flags))


MEASURE = """
import json, os
from pathlib import Path
import torch
from loupe.runtime import keeping_freed_memory, release_freed_memory

def count_resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def use_and_free():
    torch.ones(200_000_000, dtype=torch.uint8)

before, held = count_resident_bytes(), {}
use_and_free()
held["usually"] = count_resident_bytes() - before
with keeping_freed_memory():
    use_and_free()
    held["inside"] = count_resident_bytes() - before
    release_freed_memory()
    held["released"] = count_resident_bytes() - before
    use_and_free()
held["after"] = count_resident_bytes() - before
print(json.dumps(held))
"""


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_freed_memory_is_kept_inside_the_block_and_given_back_after_it() -> None:
    # in a process of its own: a hole that earlier tests left in the heap would be filled before fresh memory
    command = [sys.executable, "-c", MEASURE]
    held = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    half = 200_000_000 / 2
    assert held["usually"] < half, "usually it is given back at once"
    assert held["inside"] > half
    assert held["released"] < half, "given back when that is asked for"
    assert held["after"] < half


def test_functions_kept_from_the_compiler_do_the_same_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)  # of another test
    calls = []

    def plain(value: int) -> int:
        calls.append(value)
        return value + 1

    kept = torch._disable_dynamo(plain)
    with without_loading_compiler(kept, len):
        assert kept(1) == 2
    assert calls == [1]
    assert vars(plain) == {}, "torch marks it itself when it is called next"
