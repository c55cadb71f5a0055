import loupe

study = loupe.load_study(
    {
        "name": "smoothing",
        "question": "Does label smoothing help?",
        "recipe": "digits",
        "seeds": [0, 1],
        "set": {"train.epochs": 2, "model.width": 1, "evaluate.look_inside": False},
        "arms": {"without": {"train.label_smoothing": 0.0}, "with": {"train.label_smoothing": 0.1}},
    }
)
print(list(study.arms))
