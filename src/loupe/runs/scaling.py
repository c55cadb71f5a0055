"""How a run's probabilities are set right: kept beside its weights, and used wherever it is asked."""

from loupe.evaluations.scaling import Scaling
from loupe.runs.evidence import renew_digests
from loupe.runs.folder import RunFolder
from loupe.runs.reading import read_json, reading
from loupe.runs.writing import write_json


def keep_scaling(run: RunFolder, scaling: Scaling) -> None:
    """Write a scaling into a run folder, in place of one that is there; "none" takes it away again."""
    write_json(run.scaling_file, {"form": 1, **scaling.to_dict()})
    renew_digests(run.path, [run.scaling_file])


def read_scaling(run: RunFolder, num_classes: int) -> Scaling | None:
    """Return the scaling that is kept with a run; None if none is.

    Raises:
        RunError: the file is damaged, or not what was written.
    """
    if not (run.scaling_file.exists() or run.scaling_file.is_symlink()):
        return None
    run.refuse_altered(run.scaling_file)
    values = read_json(run.scaling_file)
    with reading(run.scaling_file, f"`loupe calibrate {run.path}` writes it anew"):
        scaling = Scaling.from_dict(values, num_classes).eval()
    return scaling if scaling.method != "none" else None
