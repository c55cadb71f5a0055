"""What requests name: an image, a layer, a page, a place."""

from typing import Annotated

from fastapi import Query

Image = Annotated[str, Query(max_length=80, description="`validation-N`, or what an upload was called.")]
Layer = Annotated[str, Query(max_length=200, description="Name of a layer.")]
Page = Annotated[int, Query(ge=0, le=100_000)]
Place = Annotated[int, Query(ge=0, le=1_000_000)]
