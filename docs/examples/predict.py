from PIL import Image

import loupe

digits = loupe.load_dataset("digits").train
Image.fromarray(digits.images[0, 0].numpy()).save("seven.png")
for answer in loupe.predict("example", "seven.png", top=3).answers:
    print(answer.classes, answer.probabilities)
