import torch

import loupe

network, description = loupe.load_model("example")
images = loupe.load_dataset("digits").train.images[:5]
mean, std = (torch.tensor(description["normalization"][name]) for name in ("mean", "std"))
logits = network((images / 255 - mean[:, None, None]) / std[:, None, None])
print([description["class_names"][label] for label in logits.argmax(1)])
