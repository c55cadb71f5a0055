"""What other tools call things that Loupe has: so that who comes from them is told the name here.

The names are those of PyTorch, torchvision, Lightning, Keras, scikit-learn and timm, and of their command
lines.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

FIELDS: Mapping[str, str] = {
    "epochs": "epoch max_epochs max_iter n_epochs nepochs num_epochs num_train_epochs",
    "batch_size": "batch batchsize bs train_batch_size per_device_train_batch_size",
    "learning_rate": "base_lr eta0 initial_lr learning_rate_init lr",
    "weight_decay": "l2 wd weightdecay",
    "optimizer": "opt optim solver",
    "schedule": "lr_schedule lr_scheduler sched scheduler",
    "warmup_epochs": "n_warmup num_warmup_steps warmup warmup_steps",
    "loss": "criterion loss_fn loss_func loss_function",
    "label_smoothing": "smoothing",
    "class_weights": "class_weight",
    "sampling": "shuffle",
    "clip_norm": "clip_grad clip_grad_norm clipnorm grad_clip gradient_clip_val max_grad_norm",
    "accumulate": "accumulate_grad_batches grad_accum gradient_accumulation_steps",
    "average_decay": "ema ema_decay model_ema model_ema_decay",
    "precision": "amp bf16 dtype fp16 half mixed_precision",
    "layer_decay": "llrd",
    "compile": "torch_compile torchcompile",
    "early_stopping": "earlystop earlystopping",
    "window": "patience",
    "min_improvement": "min_delta",
    "data": "dataset",
    "path": "data_dir data_path dataset_path root train_dir",
    "augment": "augmentation augmentations aug transform transforms",
    "normalize": "normalization",
    "test_part": "test_size test_split",
    "validation": "val_fraction val_ratio val_size val_split valid_size validation_fraction validation_split",
    "model": "arch architecture backbone net network",
    "weights": "pretrained",
    "select_by": "monitor",
    "seed": "manual_seed random_seed random_state",
    "device": "accelerator cuda gpu",
    "processes": "nproc_per_node world_size",
    "folder": "log_dir out_dir output_dir save_dir",
    "trackers": "logger loggers",
    "observers": "callback callbacks",
    "trials": "n_trials num_trials",
}
"""Fields of recipes, studies and searches: the name here, and what others call it."""

OPTIONS: Mapping[str, str] = {
    "workers": "jobs n_jobs num_workers",
    "docx": "doc word",
    "latex": "tex",
    "markdown": "md",
    "torch": "pt pt2",
}
"""Options of verbs, and the formats these take."""

PARTS: Mapping[str, str] = {
    # losses
    "cross-entropy": (
        "categorical_crossentropy ce cross_entropy_loss crossentropy crossentropyloss log_loss nll nll_loss "
        "nllloss sparse_categorical_crossentropy xent"
    ),
    "binary-cross-entropy": "bce bce_loss bceloss bcewithlogits bcewithlogitsloss binary_crossentropy",
    "mean-squared-error": "l2loss mse mse_loss mseloss",
    "mean-absolute-error": "l1 l1_loss l1loss mae",
    "focal": "focalloss focal_loss sigmoid_focal_loss",
    # schedules
    "cosine": "cosine_annealing cosineannealing cosineannealinglr cosinedecay cosinelrscheduler",
    "plateau": "reducelronplateau reduce_lr_on_plateau",
    "step": "steplr step_lr",
    "multi-step": "multisteplr",
    "one-cycle": "1cycle onecyclelr one_cycle_lr",
    "triangular": "cycliclr cyclic",
    "constant": "constantlr",
    # metrics
    "accuracy": "acc acc1 accuracy_score categorical_accuracy sparse_categorical_accuracy top1",
    "balanced_accuracy": "balanced_accuracy_score",
    "macro_f1": "f1 f1_score f1score",
    "macro_recall": "recall recall_score uar",
    "matthews_correlation": "matthews_corrcoef mcc",
    "cohen_kappa": "cohen_kappa_score kappa",
    "brier_score": "brier brier_score_loss",
    "negative_log_likelihood": "log_loss nll",
    "top_k_accuracy": "acc5 top5 top_5 top_k topk top_k_accuracy_score",
    "mean_squared_error": "mse",
    # looks
    "calibration": "ece expected_calibration_error reliability",
    "confusion": "confusion_matrix",
    "class_scores": "classification_report precision_recall_fscore_support",
    "adversarial": "fgsm pgd",
    # augmentations and mixes
    "horizontal-flip": "flip hflip randomflip randomhorizontalflip",
    "padded-crop": "crop randomcrop random_crop",
    "random-resized-crop": "randomresizedcrop",
    "rotation": "randomrotation rotate",
    "color-jitter": "colorjitter",
    "random-erasing": "randomerasing",
    "trivial-augment": "trivialaugmentwide",
    "rand-augment": "randaugment",
    "auto-augment": "autoaugment",
    # models
    "resnet": "resnet18 resnet20 resnet34 resnet50 resnet56 resnet101",
    "vision-transformer": "deit vit vit_b_16 vit_tiny vit_small vit_base",
    "mobile-net": "mobilenet mobilenet_v2 mobilenet_v3 mobilenet_v3_small mobilenetv2 mobilenetv3",
    "cnn": "conv convnet simple_cnn",
    "mlp": "fc mlpclassifier perceptron",
    "autoencoder": "ae",
    "timm": "convnext convnext_tiny densenet121 efficientnet efficientnet_b0 vgg16",
    # datasets
    "fashion-mnist": "fashionmnist fmnist",
    "folder": "image_dataset_from_directory image_folder imagefolder",
    "digits": "load_digits",
    "huggingface": "hf load_dataset",
    # explanations
    "grad-cam": "gradcam",
}
"""Losses, schedules, metrics and whatever else is registered."""

VERBS: Mapping[str, str] = {
    "train": "finetune fine-tune fit init new run",
    "predict": "infer inference",
    "evaluate": "eval score test validate",
    "figures": "plot",
    "open": "dashboard gui serve ui",
    "search": "sweep tune",
    "show": "summary",
    "list": "ls",
    "data": "download",
    "datasets": "dataset",
    "--version": "version",
    "--help": "help",
}

_ALMOST = 0.8  # of a word that is only nearly one of many: less would name what is not meant
_ANOTHER = 0.9  # of a word that means something else: no more than a letter of it


def _turn(tables: Iterable[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return what others say → what that may be here."""
    turned: dict[str, tuple[str, ...]] = {}
    for table in tables:
        for here, others in table.items():
            for other in others.split():
                turned[other] = (*turned.get(other, ()), here)
    return turned


_NAMES_HERE, _VERBS_HERE = _turn((FIELDS, OPTIONS, PARTS)), _turn((VERBS,))


def translate(word: object, names: Iterable[str]) -> str | None:
    """Return which of the names is what another tool calls so; None if none is."""
    known = list(names)
    meant = _NAMES_HERE.get(_fold(word), ())
    return next((name for name in meant if name in known), None)


def translate_verb(word: str) -> str | None:
    """Return the verb, or the option in place of one, that is what another tool calls so."""
    return next(iter(_VERBS_HERE.get(word.casefold(), ())), None)


def likeness_of(word: object, least: float) -> float:
    """Return how like a name has to be to a word: more than `least` where other tools mean something by it.

    A transform is no transfer, though the words are alike.
    """
    is_known = _fold(word) in _NAMES_HERE or str(word).casefold() in _VERBS_HERE
    return _ANOTHER if is_known else least


def find_surely(word: str, names: Iterable[str]) -> str | None:
    """Return the name that a word is, what another tool calls so, or what it is but for a letter or two."""
    known = list(names)
    if word in known:
        return word
    near = get_close_matches(word, known, n=1, cutoff=likeness_of(word, _ALMOST))
    return translate(word, known) or next(iter(near), None)


def _fold(word: object) -> str:
    return str(word).casefold().replace("-", "_")
