"""Where a layer's numbers come from, as the interface answers it."""

from pydantic import BaseModel, Field

from loupe.models.layer_table import LayerRow


class LayerFacts(BaseModel):
    """A layer's numbers written out; "" where no formula is known that comes out at what the network does."""

    input_shape: list[int] | None = Field(None, description="For one image; None if it is not one tensor.")
    settings: list[tuple[str, str]] = Field([], description="Kernel, stride, padding …: name and value.")
    size: str = Field("", description="Output size from input size, `(28 + 2·1 − 3)/1 + 1 = 28`.")
    parameters: str = Field("", description="`3·3·16·32 + 32 = 4,640`.")
    multiply_adds: str = ""
    receptive_field: str = Field("", description="Pixels that one number can depend on, and why so many.")


def describe_row(row: LayerRow | None) -> LayerFacts:
    """Return what a row of the layer table says of where its numbers come from."""
    if row is None:
        return LayerFacts()
    return LayerFacts(
        input_shape=list(row.input_shape) if row.input_shape is not None else None,
        settings=list(row.rule.settings),
        size=row.rule.size,
        parameters=row.rule.parameters,
        multiply_adds=row.rule.multiply_adds,
        receptive_field=row.receptive_field,
    )
