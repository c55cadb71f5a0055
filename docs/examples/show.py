import loupe

print(loupe.show("digits", "model.width=1"))
