import loupe

try:
    loupe.train("digits", "train.epoch=3")
except loupe.LoupeError as error:
    print(error)  # what was got, what is allowed, the nearest word, what to do next
