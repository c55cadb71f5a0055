import loupe

loupe.train("digits", "train.epochs=3", "model.width=2", "name=wider")
print(loupe.compare("example", "wider"))
