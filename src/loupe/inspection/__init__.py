"""Looking inside a network: returns arrays and small result objects, draws nothing, writes nothing.

Works on any `nn.Module`. Shapes in this package: images are (batch, channels, height, width) float, as the
network takes them (normalised); maps are (batch, channels, height, width) float.
"""

from loupe.inspection.capture import capture_layers as capture_layers
from loupe.inspection.capture import find_layer as find_layer
from loupe.inspection.capture import list_layer_names as list_layer_names
from loupe.inspection.features import FeatureMap as FeatureMap
from loupe.inspection.features import Neighbours as Neighbours
from loupe.inspection.features import compute_features as compute_features
from loupe.inspection.features import embed as embed
from loupe.inspection.features import find_neighbours as find_neighbours
