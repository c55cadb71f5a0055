import loupe

print(loupe.write_draft("example", "latex", out="draft", replace=True).file)
