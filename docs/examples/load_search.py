import loupe

search = loupe.load_search("digits-search", ["trials=2", "top=1"])
print(search.space.keys())
