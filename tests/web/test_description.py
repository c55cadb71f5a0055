"""The interface keeps what its own description says, whatever it is asked: schemathesis asks."""

import contextlib
import sys
from collections import Counter
from itertools import count

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from .conftest import Runs, serving

pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

EXAMPLES = 25  # of each address and kind: as described, and not as described
NOT_PROMISED = [positive_data_acceptance]  # names of runs, images and layers are not in the description


def test_no_question_breaks_the_server_or_its_description(runs: Runs) -> None:
    known, turns, statuses = (runs.good, runs.autoencoder, runs.series), count(), Counter[int]()
    hurried = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    def ask(case: Case) -> None:
        turn = next(turns)
        if "run" in case.path_parameters and turn % 8:  # else nobody would get beyond the name
            case.path_parameters["run"] = known[turn % 3]
        if turn % 3:
            own = {"image": "validation-3", "layer": "conv1"}
            case.query.update({name: value for name, value in own.items() if name in case.query})
        answer = case.call(timeout=60)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)
        case.validate_response(answer, excluded_checks=NOT_PROMISED)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error", "got", "allowed", "next"}
            assert "Traceback" not in answer.text

    with serving(runs.folder) as address:
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        operations = [one.ok() for one in schema.get_all_operations()]
        for operation in operations:
            for mode in schemathesis.GenerationMode:
                with contextlib.suppress(Unsatisfiable):  # an address that nothing can be asked wrongly of
                    hurried(given(case=operation.as_strategy(generation_mode=mode))(ask))()
    sys.stderr.write(
        f"\n{sum(statuses.values())} questions to {len(operations)} addresses: {dict(statuses)}\n"
    )
    assert len(operations) >= 25
    assert statuses[200] > 100
