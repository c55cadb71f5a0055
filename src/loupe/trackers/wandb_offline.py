"""A run for Weights & Biases, written offline into the run folder."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from loupe.trackers import TrackedRun, Tracker, refuse_missing_package, register_tracker


@register_tracker("wandb")
class WandbOffline(Tracker):
    """A run for Weights & Biases, written offline into the run folder; nothing leaves the machine.

    `wandb sync RUN/trackers/wandb/wandb/offline-run-*` uploads it. Every session writes all epochs anew in
    the place of what an earlier one wrote, under the same id, so that there is always one run to upload.

    Raises:
        LoupeError: the package `wandb` is not installed.
    """

    def __init__(
        self,
        project: Annotated[str, Field(min_length=1, description="The project it is uploaded to.")] = "loupe",
        entity: Annotated[
            str | None, Field(description="The user or team it is uploaded for; the default one if left out.")
        ] = None,
    ) -> None:
        refuse_missing_package("wandb", "wandb")
        self._project = project
        self._entity = entity
        self._run: Any = None

    def start(self, run: TrackedRun) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # of its own faults, to its makers
        import wandb

        run.own_folder.mkdir(parents=True, exist_ok=True)
        note = run.own_folder / "id"
        if not note.exists():
            note.write_text(secrets.token_hex(4), encoding="ascii")
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(run.own_folder / "wandb")
        self._run = wandb.init(
            project=self._project,
            entity=self._entity,
            name=run.name,
            id=note.read_text(encoding="ascii"),
            config=dict(run.recipe),
            settings=wandb.Settings(
                mode="offline",
                root_dir=str(run.own_folder.resolve()),
                reinit="create_new",  # several runs may be trained at once in one process
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                save_code=False,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )

    def log_epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=epoch)

    def finish(self, status: str, summary: Mapping[str, float]) -> None:
        self._run.summary.update({**summary, "status": status})
        self._run.finish(exit_code=1 if status == "failed" else 0)
