"""What a chapter on theory says beside its figures; one sum is of the run's own network."""

import math

from loupe.models.layer_table import LayerTable

TEXTS = {
    "neuron": (
        "A neuron multiplies each of its inputs by a weight, adds the products and a bias, y = f(w1·x1 + "
        "w2·x2 + … + b), and hands the sum to an activation f. Training changes weights and bias, nothing"
        " else."
    ),
    "relu-curve": (
        "ReLU, f(x) = max(0, x), keeps what is above zero and makes the rest 0. Without such a bend, "
        "layers upon layers would be one weighted sum, and nothing would be gained by depth."
    ),
    "relu-matrix": (
        "On a matrix it acts on each number by itself: the size stays, negative numbers become 0."
    ),
    "kernel": (
        "A kernel is a small table of weights that slides over the image. At each stop the numbers under "
        "it are multiplied with its weights and added up over all channels: one number of the map, large "
        "where the image looks like the kernel. The same weights are used at every place."
    ),
    "stride": (
        "The stride S says how far the kernel moves at a time. Stride 2 halves rows and columns of the map."
    ),
    "padding": (
        "Padding lays P rows and columns of zeros around the input, so that its border is seen as often "
        "and the size can stay. With N rows, a kernel of F rows and stride S the map has (N + 2·P − F)/S "
        "+ 1 rows, rounded down; with S = 1, P = (F − 1)/2 keeps the size."
    ),
    "max-pooling": (
        "Pooling makes maps smaller and has no weights. Max pooling keeps the largest number of each "
        "window: that a feature was there, no longer exactly where."
    ),
    "average-pooling": (
        "Average pooling takes the mean of each window: all of its numbers count, and are blurred."
    ),
    "global-pooling": ("Global pooling makes one number of each whole map, of whatever size."),
    "flatten": (
        "Flatten lays the numbers of all maps into one row for a dense layer. Nothing is computed and "
        "nothing lost but the neighbourhood of the numbers."
    ),
    "pipeline": (
        "Together: convolutions find features, activations bend, pooling makes maps smaller, and the last"
        " layer weighs what was found for each class. Softmax makes its numbers, the logits, positive and"
        " lets them add up to 1."
    ),
    "block-basic": (
        "A residual block adds its input to what its layers make of it: they have to learn the difference"
        " only, and gradients find a short way back."
    ),
    "block-projection": (
        "Where a block changes the number of channels or the size of maps, its shortcut needs a "
        "convolution of 1 × 1, or the two could not be added."
    ),
}
"""What each figure of the chapter shows, by the figure's name without its first part."""

HEADINGS = {
    "neuron": "Neuron and activation",
    "kernel": "Convolution",
    "max-pooling": "Pooling and flatten",
    "pipeline": "The whole pipeline",
    "block-basic": "Residual blocks",
}
"""Headings, each before the figure that begins its section."""

_FOR = (
    "a feature is found wherever it lies; neighbouring pixels are seen together; features of features"
    " are learned from the images, none are written by hand."
)
_AGAINST = (
    "Against them: they need many labelled images, and much computing; by themselves they take no "
    "account of turned, enlarged or differently lit objects; pooling loses places; a number sees only"
    " its receptive field, so that what is far apart meets in late layers only; and why they answer "
    "as they do has to be asked with further means."
)


def tell_merits(layers: LayerTable) -> tuple[str, str]:
    """Return what speaks for and against convolutional networks, with a sum of this one's first convolution.

    Args:
        layers: of the network.
    """
    few = f"few weights, as each kernel is used at every place{_compare_with_dense(layers)}"
    return f"For them: {few}; {_FOR}", _AGAINST


def _compare_with_dense(layers: LayerTable) -> str:
    """Return how many weights the first convolution has, and a dense layer in its place would have."""
    first = next((one for one in layers.rows if one.kind == "Conv2d" and one.input_shape), None)
    if first is None or first.input_shape is None:
        return ""
    given, made = math.prod(first.input_shape), math.prod(first.output_shape)
    return (
        f" (the {first.parameters:,} parameters of {first.name} make {made:,} numbers of {given:,}; a "
        f"dense layer would take {given * made + made:,})"
    )
