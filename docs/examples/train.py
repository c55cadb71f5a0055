import loupe

run = loupe.train("digits", "train.epochs=3", "model.width=1", "name=example")
print(run.read_result().best.test.describe())
