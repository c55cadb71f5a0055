"""What stands where in a run folder."""

from pathlib import Path

from loupe.runs.evidence import DIGESTS_NAME

STARTING_WEIGHTS = "starting_weights"


class RunFiles:
    """Places of the files of one run.

    | file                         | holds                                                        |
    |------------------------------|--------------------------------------------------------------|
    | `recipe.toml`                | the resolved recipe; `loupe train` takes it as it is         |
    | `environment.json`           | versions, device, commit, data digests, seed                 |
    | `history.csv`                | one row an epoch                                             |
    | `result.json`                | figures with intervals, confusion, test openings             |
    | `best.safetensors`           | weights of the best epoch on validation                      |
    | `last/checkpoint.safetensors`| all that exact resume needs                                  |
    | `images.npz`                 | a digest of every image, with side, label and file           |
    | `predictions.npz`            | labels and logits of the best weights; of an autoencoder     |
    |                              | errors and some reconstructed images                         |
    | `evaluations.json`           | what each evaluation found: sentence, numbers, what is drawn |
    | `evaluations.npz`            | training images that evaluations show                        |
    | `mistakes.npz`               | in place of both in runs of earlier versions                 |
    | `starting_weights.…`         | the file of weights the run started from, if it named one    |
    | `unreadable.txt`             | files of images that were left out, each with its reason     |
    | `corrections.csv`            | the list of corrections it was trained with, if it had one   |
    | `examples.npz`               | loss and correctness of training images after every epoch;   |
    |                              | only if the recipe asks for it                               |
    | `filters.safetensors`        | filters along the training; only if the observer             |
    |                              | `filter-snapshots` is asked for                              |
    | `report.html`                | the report                                                   |
    | `test_openings.jsonl`        | one line a look at the test set, written before the look     |
    | `test_by_epoch.jsonl`        | test accuracy an epoch; only if the recipe asks to show what |
    |                              | picking on test would have claimed                           |
    | `tensorboard/`               | curves for TensorBoard; only if the recipe asks for them     |
    | `trackers/`                  | what other trackers keep, a folder each                      |
    | `digests.json`               | digests of the files above, written when the run ends        |
    | `pixels.npz`                 | training and validation images, if it was packed with them   |
    | `calibration.json`           | how probabilities are set right, if `loupe calibrate` did    |
    | `progress.json`              | how far training is; only while it goes on                   |
    | `warnings.json`              | what was said before the first step, until the result has it |
    | `log.txt`                    | what happened when                                           |
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_file = path / "recipe.toml"
        self.environment_file = path / "environment.json"
        self.history_file = path / "history.csv"
        self.result_file = path / "result.json"
        self.best_file = path / "best.safetensors"
        self.checkpoint_file = path / "last" / "checkpoint.safetensors"
        self.images_file = path / "images.npz"
        self.predictions_file = path / "predictions.npz"
        self.mistakes_file = path / "mistakes.npz"
        self.evaluations_file = path / "evaluations.json"
        self.pictures_file = path / "evaluations.npz"
        self.unreadable_file = path / "unreadable.txt"
        self.corrections_file = path / "corrections.csv"
        self.examples_file = path / "examples.npz"
        self.filters_file = path / "filters.safetensors"
        self.report_file = path / "report.html"
        self.openings_file = path / "test_openings.jsonl"
        self.test_looks_file = path / "test_by_epoch.jsonl"
        self.tensorboard_folder = path / "tensorboard"
        self.progress_file = path / "progress.json"
        self.warnings_file = path / "warnings.json"
        self.log_file = path / "log.txt"
        self.digests_file = path / DIGESTS_NAME
        self.pixels_file = path / "pixels.npz"
        self.scaling_file = path / "calibration.json"
