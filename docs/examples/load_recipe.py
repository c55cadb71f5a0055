import loupe

recipe = loupe.load_recipe("digits", ["train.epochs=3", "model.width=1"])
print(recipe.train.epochs, recipe.model.settings["width"])
