"""Looking inside a network: returns arrays and small result objects, draws nothing, writes nothing.

Works on any `nn.Module`. Shapes in this package: images are (batch, channels, height, width) float, as the
network takes them (normalised); maps are (batch, channels, height, width) float.
"""

from loupe.inspection.arithmetic import Arithmetic as Arithmetic
from loupe.inspection.arithmetic import find_receptive_field as find_receptive_field
from loupe.inspection.arithmetic import show_arithmetic as show_arithmetic
from loupe.inspection.capture import capture_layers as capture_layers
from loupe.inspection.capture import find_layer as find_layer
from loupe.inspection.capture import list_layer_names as list_layer_names
from loupe.inspection.explanation import Explanation as Explanation
from loupe.inspection.explanation import explain as explain
from loupe.inspection.explanations import EXPLANATIONS as EXPLANATIONS
from loupe.inspection.explanations import Attribution as Attribution
from loupe.inspection.explanations import list_explanations as list_explanations
from loupe.inspection.explanations import register_explanation as register_explanation
from loupe.inspection.feature_maps import FeatureMaps as FeatureMaps
from loupe.inspection.feature_maps import compute_feature_maps as compute_feature_maps
from loupe.inspection.features import FeatureMap as FeatureMap
from loupe.inspection.features import Neighbours as Neighbours
from loupe.inspection.features import compute_features as compute_features
from loupe.inspection.features import embed as embed
from loupe.inspection.features import find_neighbours as find_neighbours
from loupe.inspection.filters import Filters as Filters
from loupe.inspection.filters import read_filters as read_filters
from loupe.inspection.flow import Flow as Flow
from loupe.inspection.flow import trace_flow as trace_flow
from loupe.inspection.gates import GateWeights as GateWeights
from loupe.inspection.gates import measure_gates as measure_gates
from loupe.inspection.layer_statistics import LayerStatistics as LayerStatistics
from loupe.inspection.layer_statistics import measure_layers as measure_layers
from loupe.inspection.operation import Operation as Operation
from loupe.inspection.operation import show_operation as show_operation
from loupe.inspection.sanity_check import SanityCheck as SanityCheck
from loupe.inspection.sanity_check import check_sanity as check_sanity
from loupe.inspection.windows import multiplies_window as multiplies_window
