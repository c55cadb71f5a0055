import torch

import loupe

network = loupe.build_model("cnn", in_channels=3, image_size=(32, 32), num_classes=10, conv_layers=4)
print(network(torch.zeros(1, 3, 32, 32)).shape)
