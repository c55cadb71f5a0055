import loupe

evaluated = loupe.evaluate_run("example", looks=["calibration"])
print(evaluated)
