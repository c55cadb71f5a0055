"""Training: the loop, what it minimises, how it steps, when it stops. Knows no file and no dataset's name."""

from typing import TYPE_CHECKING

from loupe.lazy_imports import import_when_used

if TYPE_CHECKING:
    from loupe.training.early_stopping import WindowedEarlyStopping as WindowedEarlyStopping
    from loupe.training.epoch_record import EpochRecord as EpochRecord
    from loupe.training.freezing import LaterFreezing as LaterFreezing
    from loupe.training.hard_examples import HardExamples as HardExamples
    from loupe.training.lookahead import LookaheadPlan as LookaheadPlan
    from loupe.training.loop import Training as Training
    from loupe.training.loop import fit as fit
    from loupe.training.losses import LOSSES as LOSSES
    from loupe.training.losses import build_loss as build_loss
    from loupe.training.losses import register_loss as register_loss
    from loupe.training.objectives import Classification as Classification
    from loupe.training.objectives import Objective as Objective
    from loupe.training.objectives import Reconstruction as Reconstruction
    from loupe.training.observers import Observer as Observer
    from loupe.training.observers import StopTraining as StopTraining
    from loupe.training.optimizers import OPTIMIZERS as OPTIMIZERS
    from loupe.training.optimizers import build_optimizer as build_optimizer
    from loupe.training.optimizers import register_optimizer as register_optimizer
    from loupe.training.plan import TrainingPlan as TrainingPlan
    from loupe.training.process_group import ProcessGroup as ProcessGroup
    from loupe.training.schedules import SCHEDULES as SCHEDULES
    from loupe.training.schedules import build_schedule as build_schedule
    from loupe.training.schedules import register_schedule as register_schedule
    from loupe.training.state import Snapshot as Snapshot
    from loupe.training.state import TrainingState as TrainingState
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            "early_stopping": "WindowedEarlyStopping",
            "epoch_record": "EpochRecord",
            "freezing": "LaterFreezing",
            "hard_examples": "HardExamples",
            "lookahead": "LookaheadPlan",
            "loop": "Training fit",
            "losses": "LOSSES build_loss register_loss",
            "objectives": "Classification Objective Reconstruction",
            "observers": "Observer StopTraining",
            "optimizers": "OPTIMIZERS build_optimizer register_optimizer",
            "plan": "TrainingPlan",
            "process_group": "ProcessGroup",
            "schedules": "SCHEDULES build_schedule register_schedule",
            "state": "Snapshot TrainingState",
        },
    )
