import loupe

recipe = loupe.Recipe.model_validate({"name": "mine", "data": {"name": "digits"}, "train": {"epochs": 3}})
print(recipe.train.batch_size)
