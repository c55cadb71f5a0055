import loupe

series = loupe.train("digits", "train.epochs=2", "model.width=1", "run.seeds=[0, 1]", "name=series")
print(series.read_summaries()["best test accuracy"])
print([run.read_result().seed for run in series.runs.values()])
