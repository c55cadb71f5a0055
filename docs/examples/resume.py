import loupe

run = loupe.resume("example")  # finished already: it is left as it is
print(run.read_result().status)
