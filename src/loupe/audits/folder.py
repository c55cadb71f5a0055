"""Where the files of an audit are."""

from pathlib import Path

from loupe.audits.findings import Kind
from loupe.studies.folder import StudyFolder


class AuditFolder:
    """One audit on disk.

    | file               | holds                                                                 |
    |--------------------|-----------------------------------------------------------------------|
    | `recipe.toml`      | the recipe whose images are audited                                   |
    | `audit.json`       | counts, thresholds, the joint of labels and scores, what was left out |
    | `wrong_labels.csv` | a row an image, and so `duplicates.csv`, `test_copies.csv` …          |
    | `audit.html`       | the page, on which images are kept, relabelled or dropped             |
    | `folds/`, `runs/`  | the study whose networks were asked                                   |
    | `effect/`          | what corrections bring: a study; only once that was asked             |
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.json_file = path / "audit.json"
        self.page_file = path / "audit.html"
        self.effect = StudyFolder(path / "effect")

    def csv_file(self, kind: Kind) -> Path:
        return self.path / f"{kind}.csv"
