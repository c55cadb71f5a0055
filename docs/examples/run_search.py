import loupe

small = ["trials=2", "top=1", "fresh_seeds=2", "set.train.epochs=1", "set.data.fraction=0.3"]
found = loupe.run_search(loupe.load_search("digits-search", small), engine="serial")
print(found.winner.trial.score, found.winner.fresh.mean)
