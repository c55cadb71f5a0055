import inspect
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from loupe.conformance.cases import Case, Hint, LayerKind
from loupe.conformance.comparing import Failure, LayerFailedError, is_close
from loupe.conformance.naming import Location, copy_state, find_locations
from loupe.conformance.report import CheckResult, FailingCase, Verdict
from loupe.conformance.search import Comparison, find_failures

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Result = TypeVar("Result")


@dataclass(frozen=True)
class Subject:
    """The layer under test, and torch's to compare it with.

    Args:
        layer: class or function that makes it.
        name: what it is called in messages.
        kind: what it is to be.
        argument_names: its constructor's name for each of torch's arguments it takes.
        locations: where it keeps torch's parameters and buffers.
        num_examples: random cases a check.
        wrong_arguments: optional arguments that were found wrong; further checks leave them alone.
        is_output_right: whether its output was right wherever it was looked at.
    """

    layer: Callable[..., Any]
    name: str
    kind: LayerKind
    argument_names: Mapping[str, str]
    locations: Mapping[str, Location]
    num_examples: int
    wrong_arguments: frozenset[str] = frozenset()
    is_output_right: bool = True

    @property
    def offered(self) -> tuple[str, ...]:
        """The optional arguments that it takes, but for those found wrong."""
        known = self.argument_names.keys() - self.wrong_arguments
        return tuple(name for name in self.kind.optional if name in known)

    def write_construction(self, arguments: Mapping[str, Any]) -> str:
        """Return the call that makes the layer, as Python."""
        named = {self.argument_names.get(name, name): value for name, value in arguments.items()}
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in named.items())})"

    def build(self, arguments: Mapping[str, Any]) -> nn.Module:
        """Return the layer under test, with weights of its own.

        Raises:
            LayerFailedError: its constructor raises, or gives something else than a module.
        """
        named = {self.argument_names.get(name, name): value for name, value in arguments.items()}
        module = self.run(lambda: self.layer(**named))
        if not isinstance(module, nn.Module):
            raise LayerFailedError(f"{self.name}(…) gives a {type(module).__name__}, not a torch.nn.Module")
        return module

    def build_pair(
        self, case: Case, reference: Callable[..., nn.Module] | None = None
    ) -> tuple[nn.Module, nn.Module]:
        """Return the layer under test and torch's, with the same random weights and statistics.

        Raises:
            LayerFailedError: the constructor of the layer under test raises.
        """
        torchs = (reference or self.kind.reference)(**case.arguments)
        _randomise(torchs)
        module = self.build(case.arguments)
        locations = self.locations or find_locations(module, torchs.state_dict(), self.kind.aliases)
        copy_state(torchs, module, locations)
        return module, torchs

    def call(self, module: nn.Module, inputs: Sequence[Tensor]) -> Any:
        """Return what the layer makes of the inputs, which it may write into.

        Raises:
            LayerFailedError: it raises, whatever.
        """
        return self.run(lambda: module(*inputs))

    def run(self, action: Callable[[], Result]) -> Result:
        """Return what foreign code gives.

        Raises:
            LayerFailedError: it raises, whatever.
        """
        try:
            return action()
        except (Exception, SystemExit) as error:  # a student's layer can fail in any way
            raise LayerFailedError(self._describe(error)) from None

    def _describe(self, error: BaseException) -> str:
        message = str(error).strip().partition("\n")[0]
        text = f"{type(error).__name__}: {message}" if message else type(error).__name__
        own = find_file(self.layer)
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if own is not None and Path(frame.filename) == own:
                return f"{text} ({own.name}, line {frame.lineno})"
        return text

    def search(
        self,
        name: str,
        compare_case: Comparison,
        *,
        cases: "SearchStrategy[Case] | None" = None,
    ) -> CheckResult:
        """Return whether any case fails, with the smallest that does.

        A layer that raises fails, but not again where its output has failed already.

        Args:
            name: what is checked.
            compare_case: compares the layer with torch's in a case.
            cases: where they come from; left out, all arguments are varied that are right by themselves.
        """
        num_compared, last_error = 0, ""

        def compare_and_catch(case: Case) -> Failure | None:
            nonlocal num_compared, last_error
            try:
                failure = compare_case(case)
            except LayerFailedError as error:
                last_error = str(error)
                return Failure("no error", last_error, "it raises") if self.is_output_right else None
            num_compared += 1
            return failure

        source = self.kind.cases(self.offered) if cases is None else cases
        failures = find_failures(source, compare_and_catch, num_examples=self.num_examples)
        if failures:
            case, failure = failures[-1]
            known = self._name_fault(failures) if failure.value is not None else ""
            return self.fail(name, known or failure.explanation, case, failure)
        if last_error and not num_compared:
            return CheckResult(name, Verdict.NOT_CHECKED, "it raises, as in the output")
        return CheckResult(name, Verdict.PASSED)

    def fail(self, name: str, explanation: str, case: Case, failure: Failure) -> CheckResult:
        """Return a failed check that shows a case."""
        shown = FailingCase(
            construction=self.write_construction(case.arguments),
            arguments=dict(case.arguments),
            shapes=tuple(tuple(value.shape) for value in case.inputs),
            inputs=case.describe_inputs(),
            expected=failure.expected,
            got=failure.got,
            largest_difference=failure.largest_difference,
        )
        return CheckResult(name, Verdict.FAILED, explanation, shown)

    def _name_fault(self, failures: Collection[tuple[Case, Failure]]) -> str:
        """Return the known fault that explains all differences, or ""."""
        comparable = [(case, failure) for case, failure in failures if failure.value is not None]
        for hint in self.kind.hints:
            if comparable and all(_explains(hint, self.kind, case, failure) for case, failure in comparable):
                return hint.text
        return ""


def _explains(hint: Hint, kind: LayerKind, case: Case, failure: Failure) -> bool:
    if hint.is_training not in (None, failure.is_training) or failure.value is None:
        return False
    torchs = kind.reference(**case.arguments)
    _randomise(torchs)
    torchs.train(bool(failure.is_training))
    try:
        with torch.no_grad():
            return is_close(failure.value, hint.imitate(torchs, case.inputs), 1e-3)
    except (RuntimeError, IndexError, TypeError):  # the fault cannot be had at these shapes and settings
        return False


def _randomise(module: nn.Module) -> None:
    """Give every parameter and buffer values that tell mistakes apart: no zeros, no ones."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if not value.is_floating_point():
                value.fill_(3)
            elif name.endswith("var"):
                value.uniform_(0.5, 2.0, generator=generator)
            else:
                value.normal_(generator=generator)


def find_file(layer: Callable[..., Any]) -> Path | None:
    """Return the file that defines a class or function; None where it has none."""
    try:
        file = inspect.getsourcefile(layer)
    except (TypeError, OSError):
        return None
    return Path(file).resolve() if file else None


def clone_inputs(case: Case) -> tuple[Tensor, ...]:
    """Return copies of a case's inputs, for a layer that may write into them."""
    return tuple(value.clone() for value in case.inputs)
