import loupe

export = loupe.export_run("example", "torch")
print(export.file, export.parity)
