import loupe

classifier = loupe.open_classifier("example")
print(classifier.class_names)
