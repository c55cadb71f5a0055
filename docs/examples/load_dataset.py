import loupe

digits = loupe.load_dataset("digits", classes=["3", "8"])
print(digits.train.images.shape, digits.train.class_counts())
