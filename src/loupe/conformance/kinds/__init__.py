"""What torch's layers are: one file a kind, each a function that describes it."""

from loupe.registry import Registry

LAYER_KINDS = Registry(
    "kind of layer", "loupe.conformance.kinds", given=(), list_command="loupe check-layer --help"
)
register_layer_kind = LAYER_KINDS.register
