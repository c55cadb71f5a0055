import loupe

print(loupe.inspect("example", class_name="3", layers=["relu2"]).path)
