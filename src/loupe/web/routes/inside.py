"""Addresses on the inside of a network: predictions, layers, numbers, attributions, nearest neighbours."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
import torch
from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.requests import Request

from loupe.errors import DataError, LoupeError
from loupe.reports.pictures import encode_png
from loupe.using.drawing import fit_drawing
from loupe.using.look_inside import find_field
from loupe.using.opened_run import OpenedRun
from loupe.web import handlers, number_handlers
from loupe.web.channel_handlers import Exciting, Filters
from loupe.web.channel_handlers import list_exciting as list_exciting_of
from loupe.web.channel_handlers import list_filters as list_filters_of
from loupe.web.flow_answers import FlowAnswer
from loupe.web.flow_handlers import describe_flow
from loupe.web.inside_answers import (
    Attribution,
    Gallery,
    ImageChoice,
    ImageChoices,
    InsideFacts,
    Inspection,
    KeptImage,
    Maps,
    NearestNeighbours,
    Predictions,
    ReceptiveField,
    Window,
)
from loupe.web.routes.queries import Image, Layer, Page, Place
from loupe.web.routes.theory import add_theory_routes
from loupe.web.sessions import Sessions
from loupe.web.uploads import (
    ImageStore,
    choose_fit,
    open_picture,
    prepare_upload,
    prepare_uploads,
    read_images,
)

_FILE = {"type": "string", "format": "binary"}
_FIT = {"type": "string", "enum": ["resize", "crop", "pad"], "description": "How another size is fitted."}
_LARGEST_DRAWING = 2048  # pixels a side


def _describe_body(model: type[ImageChoice] | type[ImageChoices], *, many: bool) -> dict[str, Any]:
    """Return what the interface's description says of a body that is a form, a file, or JSON."""
    image = {"type": "array", "items": _FILE} if many else _FILE
    form = {"type": "object", "properties": {"image": image, "fit": _FIT}, "required": ["image"]}
    content = {
        "multipart/form-data": {"schema": form},
        "image/png": {"schema": _FILE},
        "application/json": {"schema": model.model_json_schema()},
    }
    return {"requestBody": {"required": True, "content": content}}


class Given:
    """The images that came with a request: files and fields of a form, or names of images."""

    def __init__(self, files: list[bytes], fields: dict[str, str], names: list[str]) -> None:
        self.files = files
        self.fields = fields
        self.names = names


async def read_given(request: Request) -> Given:
    """Return the images of a request.

    Raises:
        DataError: none, or a body that cannot be read.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        files, fields = await read_images(request)
        return Given(files, fields, [])
    body = await request.body()
    try:
        if b'"images"' in body:
            return Given([], {}, ImageChoices.model_validate_json(body).images)
        return Given([], {}, [ImageChoice.model_validate_json(body).image])
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            "This JSON does not name images.",
            got=f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}",
            allowed='{"image": "validation-0"}, or {"images": ["validation-0", …]} for predictions',
            next_step="mend the body",
        ) from None


GivenImages = Annotated[Given, Depends(read_given)]


def build_inside_routes(sessions: Sessions) -> APIRouter:
    """Return the addresses on the networks of a folder's runs."""
    router, store = APIRouter(prefix="/api/runs/{run}", tags=["inside"]), ImageStore()
    _add_image_routes(router, sessions, store)
    _add_layer_routes(router, sessions, store)
    _add_explanation_routes(router, sessions, store)
    add_theory_routes(router, sessions, lambda name, opened: _find_image(name, opened, store))
    return router


def _find_image(name: str, opened: OpenedRun, store: ImageStore) -> torch.Tensor:
    """Return the image with a name; one that was uploaded may be a test image of this run."""
    image = store.find(name, opened)
    if not name.startswith("validation-"):
        handlers.note_look(opened, image)
    return image


def _take_images(opened: OpenedRun, given: Given, store: ImageStore) -> list[tuple[torch.Tensor, str]]:
    """Return each image with its name; uploaded ones are kept under a new one."""
    if given.names:
        return [(_find_image(name, opened, store), name) for name in given.names]
    fit = choose_fit(given.fields.get("fit"))
    images = prepare_uploads(opened, given.files, fit)
    for image, content in zip(images, given.files, strict=True):
        handlers.note_look(opened, image, content)
    return [(image, store.keep(image)) for image in images]


def _add_image_routes(router: APIRouter, sessions: Sessions, store: ImageStore) -> None:
    """Add what takes images: facts, predictions, a look at one image, uploads, the gallery."""

    @router.get("/inside")
    def show_facts(run: str) -> InsideFacts:
        """What has to be known of a network before an image is chosen."""
        return handlers.describe_inside(sessions.open(run))

    @router.post("/predict", openapi_extra=_describe_body(ImageChoices, many=True))
    def predict(run: str, given: GivenImages) -> Predictions:
        """Predictions for one image or a batch, exactly as the run was judged."""
        opened = sessions.open(run)
        images = torch.stack([image for image, _ in _take_images(opened, given, store)])
        return Predictions(run=run, epoch=opened.epoch, predictions=handlers.predict(opened, images))

    @router.post("/inspect", openapi_extra=_describe_body(ImageChoice, many=False))
    def inspect(run: str, given: GivenImages) -> Inspection:
        """What the network makes of one image, layer by layer, with the prediction."""
        opened = sessions.open(run)
        taken = _take_images(opened, given, store)
        if len(taken) > 1:
            raise DataError(
                "One image is looked into at a time.",
                got=f"{len(taken)} images",
                allowed="one",
                next_step="send the others in requests of their own, or to /predict",
            )
        return handlers.inspect(opened, *taken[0])

    @router.post("/images", openapi_extra=_describe_body(ImageChoice, many=False))
    def keep_image(run: str, given: GivenImages) -> KeptImage:
        """Upload an image, or a drawing (`kind=drawing`: white ink on black), to look into."""
        opened = sessions.open(run)
        if not given.files:
            raise DataError("There is no image in this request.", allowed="an image file")
        if given.fields.get("kind") == "drawing":
            image = read_drawing(opened, given.files[0])
        else:
            image = prepare_upload(opened, given.files[0], choose_fit(given.fields.get("fit")))
            handlers.note_look(opened, image, given.files[0])
        return KeptImage(image=store.keep(image), picture=encode_png(image))

    @router.get("/images")
    def list_images(
        run: str,
        true: Annotated[int | None, Query(ge=0, le=100_000, description="Only of this class.")] = None,
        predicted: Annotated[
            int | None, Query(ge=0, le=100_000, description="Only those predicted as this class.")
        ] = None,
        only: Literal["all", "mistakes", "unsure"] = "all",
        page: Page = 0,
    ) -> Gallery:
        """Validation images, a page at a time: by class, by the predicted class, or the mistakes."""
        return handlers.list_images(sessions.open(run), true=true, predicted=predicted, only=only, page=page)


def _add_layer_routes(router: APIRouter, sessions: Sessions, store: ImageStore) -> None:
    """Add what asks about one layer: maps, filters, numbers, receptive fields."""

    @router.get("/maps")
    def list_maps(run: str, image: Image, layer: Layer, page: Page = 0) -> Maps:
        """What a layer gives for an image, a page of channels at a time."""
        opened = sessions.open(run)
        return handlers.list_maps(opened, _find_image(image, opened, store), layer, page)

    @router.get("/flow")
    def show_flow(
        run: str,
        image: Image,
        width: Annotated[float, Query(ge=60, le=400, description="Of its rows, in millimetres.")] = 175,
    ) -> FlowAnswer:
        """The network as one picture: what an image becomes on its way, to scale, and where ways join."""
        opened = sessions.open(run)
        return describe_flow(opened, _find_image(image, opened, store), image, width)

    @router.get("/filters")
    def list_filters(
        run: str,
        layer: Layer,
        page: Page = 0,
        epoch: Annotated[
            int | None,
            Query(ge=0, le=1_000_000, description="At which they were kept; the best weights if left out."),
        ] = None,
    ) -> Filters:
        """A layer's filters, a page at a time; along the training where the run kept them."""
        return list_filters_of(sessions.open(run), layer, page, epoch)

    @router.get("/exciting")
    def list_exciting(run: str, layer: Layer, page: Page = 0) -> Exciting:
        """The validation images that excite each channel of a layer most, a page of channels at a time."""
        return list_exciting_of(sessions.open(run), layer, page)

    @router.get("/number")
    def show_number(
        run: str, image: Image, layer: Layer, channel: Place, row: Place = 0, column: Place = 0
    ) -> Window:
        """The arithmetic that made one number of a layer."""
        opened = sessions.open(run)
        found = _find_image(image, opened, store)
        return number_handlers.take_apart(opened, found, layer, (channel, row, column))

    @router.get("/field")
    def show_field(run: str, layer: Layer, row: Place = 0, column: Place = 0) -> ReceptiveField:
        """The pixels of an image that a number of a layer can depend on, whatever the image."""
        found = find_field(sessions.open(run), layer, row, column)
        return ReceptiveField(**asdict(found))


def _add_explanation_routes(router: APIRouter, sessions: Sessions, store: ImageStore) -> None:
    """Add what explains an answer: attributions, and the training images nearest to an image."""

    @router.get("/reasons", include_in_schema=False)  # its former address
    @router.get("/attributions")
    def show_attribution(
        run: str,
        image: Image,
        method: Annotated[str, Query(max_length=80)] = "grad-cam",
        target: Annotated[
            int | None, Query(ge=0, le=100_000, description="The class; the predicted one if left out.")
        ] = None,
    ) -> Attribution:
        """Which pixels speak for a class."""
        opened = sessions.open(run)
        return handlers.compute_attribution(opened, _find_image(image, opened, store), method, target)

    @router.get("/kin", include_in_schema=False)  # its former address
    @router.get("/nearest-neighbours")
    def list_nearest_neighbours(run: str, image: Image) -> NearestNeighbours:
        """The training images nearest to an image, as the network sees them."""
        opened = sessions.open(run)
        return handlers.list_nearest_neighbours(opened, _find_image(image, opened, store))


def read_drawing(opened: OpenedRun, content: bytes) -> torch.Tensor:
    """Return a drawing (white ink on black) as the run's network takes it.

    Raises:
        LoupeError: the network's images are in colour, or it is no drawing.
    """
    if opened.in_channels != 1:
        raise LoupeError(
            "This network's images are in colour; a drawing has none.",
            got="kind=drawing",
            allowed="networks of grey images",
            next_step="upload a picture",
        )
    picture = open_picture(content)
    if max(picture.size) > _LARGEST_DRAWING:
        raise DataError(
            "This drawing is too large.",
            got=f"{picture.width} × {picture.height} pixels",
            allowed=f"up to {_LARGEST_DRAWING} a side",
            next_step="draw it smaller",
        )
    try:
        ink = np.asarray(picture.convert("L"))
    except Exception as error:  # a decoder given arbitrary bytes can fail in any way
        raise DataError("This image is damaged.", got=type(error).__name__, allowed="a PNG") from None
    return fit_drawing(ink, opened.image_size, handlers.measure_drawings(opened))
