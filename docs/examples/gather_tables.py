import loupe

for table in loupe.gather_tables(["example"]):
    print(table.caption)
