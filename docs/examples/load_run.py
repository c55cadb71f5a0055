import loupe

run = loupe.load_run("example")
print(run.read_result().best.validation.accuracy)
print(run.read_history()[-1].validation_loss)
