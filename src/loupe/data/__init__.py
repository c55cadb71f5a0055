"""Where images come from, how they are split, and how a batch is made."""

from typing import TYPE_CHECKING

from loupe.lazy_imports import import_when_used

if TYPE_CHECKING:
    from loupe.data.augmentations import AUGMENTATIONS as AUGMENTATIONS
    from loupe.data.augmentations import Augmentation as Augmentation
    from loupe.data.augmentations import build_augmentation as build_augmentation
    from loupe.data.augmentations import register_augmentation as register_augmentation
    from loupe.data.batches import EvaluationBatches as EvaluationBatches
    from loupe.data.batches import TrainingBatches as TrainingBatches
    from loupe.data.dataset import ImageDataset as ImageDataset
    from loupe.data.known_sides import KnownSides as KnownSides
    from loupe.data.loading import Dataset as Dataset
    from loupe.data.loading import load_dataset as load_dataset
    from loupe.data.loading import lock_dataset as lock_dataset
    from loupe.data.locked_test import LockedTest as LockedTest
    from loupe.data.mixes import MIXES as MIXES
    from loupe.data.mixes import build_mix as build_mix
    from loupe.data.mixes import register_mix as register_mix
    from loupe.data.opening import Opening as Opening
    from loupe.data.placing import InMemory as InMemory
    from loupe.data.sources import SOURCES as SOURCES
    from loupe.data.sources import SourceImages as SourceImages
    from loupe.data.sources import register_dataset as register_dataset
    from loupe.data.splits import Splits as Splits
    from loupe.data.splits import split_dataset as split_dataset
    from loupe.data.stored_images import Images as Images
    from loupe.data.stored_images import StoredImages as StoredImages
    from loupe.data.stratified import pick_stratified as pick_stratified
    from loupe.data.stratified import take_stratified as take_stratified
else:
    __getattr__, __dir__ = import_when_used(
        __name__,
        {
            "augmentations": "AUGMENTATIONS Augmentation build_augmentation register_augmentation",
            "batches": "EvaluationBatches TrainingBatches",
            "dataset": "ImageDataset",
            "known_sides": "KnownSides",
            "loading": "Dataset load_dataset lock_dataset",
            "locked_test": "LockedTest",
            "mixes": "MIXES build_mix register_mix",
            "opening": "Opening",
            "placing": "InMemory",
            "sources": "SOURCES SourceImages register_dataset",
            "splits": "Splits split_dataset",
            "stored_images": "Images StoredImages",
            "stratified": "pick_stratified take_stratified",
        },
    )
