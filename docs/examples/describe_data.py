import loupe

print(loupe.describe_data("digits").path)
