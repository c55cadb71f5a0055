"""The layers of a convolutional network, written by hand to be read: one file each.

Each states its formula, computes it from elementary tensor operations and leaves the gradient to
autograd. Arguments, parameters, buffers and results are those of the layer of the same name in
`torch.nn`, so that state dicts go either way; `loupe check-layer` compares a layer with torch's.
"""

from loupe.models.layers.handwritten.avg_pool import AvgPool2d as AvgPool2d
from loupe.models.layers.handwritten.batch_norm import BatchNorm as BatchNorm
from loupe.models.layers.handwritten.conv import Conv2d as Conv2d
from loupe.models.layers.handwritten.cross_entropy import CrossEntropy as CrossEntropy
from loupe.models.layers.handwritten.dropout import Dropout as Dropout
from loupe.models.layers.handwritten.global_pool import GlobalAvgPool as GlobalAvgPool
from loupe.models.layers.handwritten.global_pool import GlobalMaxPool as GlobalMaxPool
from loupe.models.layers.handwritten.linear import Linear as Linear
from loupe.models.layers.handwritten.max_pool import MaxPool2d as MaxPool2d
from loupe.models.layers.handwritten.relu import ReLU as ReLU
