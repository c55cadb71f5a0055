import contextlib
import io
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let foreign code run without a trace: generators, printing, warnings, gradient mode, default dtype."""
    of_numpy, of_python, dtype = np.random.get_state(), random.getstate(), torch.get_default_dtype()
    threads = torch.get_num_threads()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with (
        torch.random.fork_rng(devices),
        torch.enable_grad(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        torch.set_num_threads(1)  # the cases are tiny: waking other threads takes longer than the work
        try:
            yield
        finally:
            np.random.set_state(of_numpy)
            random.setstate(of_python)
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)


@contextlib.contextmanager
def hypothesis_elsewhere() -> Iterator[None]:
    """Keep hypothesis from leaving a `.hypothesis` folder where the user stands."""
    from hypothesis import configuration

    before = configuration.storage_directory(intent_to_write=False).home_directory
    with TemporaryDirectory() as folder:
        configuration.set_hypothesis_home_dir(Path(folder) / ".hypothesis")
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
