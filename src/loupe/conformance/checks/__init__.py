"""What is checked: a file a group. Each check looks at a layer and yields a result a row."""

from loupe.conformance.cases import Check
from loupe.conformance.checks.dropping import check_dropping
from loupe.conformance.checks.gradients import check_gradients
from loupe.conformance.checks.modes import check_modes
from loupe.conformance.checks.outputs import check_outputs
from loupe.conformance.checks.placement import check_placement
from loupe.conformance.checks.reading import check_source
from loupe.conformance.checks.running_statistics import check_running_statistics
from loupe.conformance.checks.side_effects import check_generators, check_input_unchanged, check_layers_differ
from loupe.conformance.checks.state import check_state

_MANNERS: tuple[Check, ...] = (check_state, check_placement, check_input_unchanged, check_generators)

EVERY_LAYER = (check_outputs, check_gradients, *_MANNERS, check_source)
WITH_WEIGHTS = (check_outputs, check_gradients, *_MANNERS, check_layers_differ, check_source)
WITH_STATISTICS = (
    check_outputs, check_gradients, check_modes, check_running_statistics, *_MANNERS, check_source
)  # fmt: skip
RANDOM = (check_outputs, check_dropping, check_modes, *_MANNERS, check_source)
