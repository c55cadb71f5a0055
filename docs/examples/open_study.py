import loupe

print(loupe.open_study("studies/smoothing"))
