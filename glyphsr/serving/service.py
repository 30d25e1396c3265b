"""``glyphsr serve`` as an ASGI application: a picture in, a picture and what was done to it out."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from fastapi import FastAPI, File, Form, Header, HTTPException, Response, UploadFile

from glyphsr import _version
from glyphsr.config.serve import ServeConfig
from glyphsr.config.upscale import Mode
from glyphsr.errors import ConfigError, DataError, PictureError
from glyphsr.images.reader import decode_picture
from glyphsr.safe_reading.picture_header import check_picture
from glyphsr.serving.admission import Admission
from glyphsr.serving.batcher import Batcher
from glyphsr.serving.metrics import Metrics
from glyphsr.upscaling.file_tasks import FileTask
from glyphsr.upscaling.picture_worker import Outcome, PictureUpscaler
from glyphsr.upscaling.prefetch import LoadedPicture
from glyphsr.upscaling.report import SCHEMA_VERSION
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.upscaling.writing import encode_upscaled

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}

Side = Annotated[int | None, Form(ge=1, description="Pixels; alone it keeps the aspect.")]


class _Service:
    """The model behind the routes."""

    def __init__(self, config: ServeConfig) -> None:
        self.config = config
        self.metrics = Metrics()
        self.worker = PictureUpscaler(config)
        self.batcher: Batcher | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Load before the first request; end when the last one is answered."""
        await asyncio.to_thread(self.worker.load)
        self.batcher = Batcher(self.worker, self.config.batch_pictures, self.metrics.batch.observe)
        try:
            yield
        finally:
            await asyncio.to_thread(self.batcher.close)

    def read(self, content: bytes, name: str, target: TargetSize, text: str | None, mode: Mode) -> LoadedPicture:
        """A picture that is small enough, before and after.

        Raises:
            HTTPException: 413 if it is not, 422 if it is no picture.
        """
        try:
            declared = check_picture(content, name, PictureError)
        except PictureError as error:
            raise HTTPException(422, str(error)) from error
        # By the header: a picture that is too large, before or after, is not decoded.
        size = target.of(declared.height, declared.width)
        for pixels in (declared.width * declared.height, size[0] * size[1]):
            if pixels > self.config.max_pixels:
                raise HTTPException(413, f"{name}: {pixels:,} pixels, at most {self.config.max_pixels:,}")

        picture = decode_picture(content, name)
        return LoadedPicture(FileTask(Path(name), None), picture, target.of(*picture.rgb.shape[:2]), text, mode)

    async def upscale(self, item: LoadedPicture) -> Outcome:
        assert self.batcher is not None, "the application is not started"
        try:
            return await asyncio.wait_for(self.batcher.upscale(item), self.config.timeout)
        except TimeoutError as error:
            raise HTTPException(504, f"no result within {self.config.timeout:g} seconds") from error

    def encode(self, outcome: Outcome, kind: str) -> tuple[bytes, dict[str, Any]]:
        """The picture as a file, and its report."""
        if isinstance(outcome.result, Exception):
            raise HTTPException(422, str(outcome.result))

        self.metrics.pixels.inc(outcome.item.size[0] * outcome.item.size[1])

        content, report = encode_upscaled(
            outcome.item,
            outcome.result,
            kind.upper(),
            quality=95,
            strength=self.worker.upscaler.strength,
            seconds=outcome.seconds,
        )
        return content, {"schema_version": SCHEMA_VERSION} | asdict(report)


def create_app(config: ServeConfig) -> FastAPI:
    """The service: ``POST /upscale``, ``GET /healthz``, ``GET /metrics``, and ``/docs`` by FastAPI.

    Args:
        config: Model and limits.

    Raises:
        ConfigError: If a setting is out of range.
    """
    service = _Service(config)
    app = FastAPI(
        title="glyphsr",
        description="Makes pictures of text larger and more readable.",
        version=_version.VERSION,
        lifespan=service.lifespan,
    )
    admission: Any = Admission  # its messages are plain dictionaries
    app.add_middleware(
        admission,
        most=config.queue,
        max_bytes=config.max_bytes,
        seconds=config.timeout,
        metrics=service.metrics,
    )

    async def upscale(
        file: Annotated[UploadFile, File(description="The picture.")],
        scale: Annotated[float | None, Form(gt=0, le=16, description="Factor on both sides; default 2.")] = None,
        width: Side = None,
        height: Side = None,
        text: Annotated[str | None, Form(max_length=1000, description="What the picture says.")] = None,
        mode: Annotated[Mode, Form(description="One line of text, or a page in which lines are found.")] = "auto",
        format: Annotated[Literal["png", "jpeg", "webp"], Form(description="Of the result.")] = "png",
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        """Enlarge one picture; ``Accept: application/json`` gives it within the report, in base64."""
        name = PurePath(file.filename or "picture").name or "picture"

        try:
            target = TargetSize(scale, width, height)
            item = await asyncio.to_thread(service.read, await file.read(), name, target, text or None, mode)
        except (ConfigError, DataError) as error:
            raise HTTPException(422, str(error)) from error

        # Decoding and encoding in threads of their own, the network in the batcher's.
        outcome = await service.upscale(item)
        content, report = await asyncio.to_thread(service.encode, outcome, format)

        if "application/json" in accept:
            body = report | {"media_type": MEDIA_TYPES[format], "image": base64.b64encode(content).decode()}
            return Response(json.dumps(body), media_type="application/json")

        # Headers are short: lines of a page are in the JSON answer alone.
        short = {key: value for key, value in report.items() if key != "regions" and value is not None}
        return Response(content, media_type=MEDIA_TYPES[format], headers={"X-Glyphsr-Report": json.dumps(short)})

    async def healthz() -> dict[str, str]:
        """Whether the model is loaded."""
        return {"status": "ok", "version": _version.VERSION, "weights": str(service.worker.upscaler.weights_path.name)}

    async def metrics() -> Response:
        """Counts for Prometheus."""
        return Response(service.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    answers: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}, "application/json": {}}}}
    app.add_api_route("/upscale", upscale, methods=["POST"], response_class=Response, responses=answers)
    app.add_api_route("/healthz", healthz)
    app.add_api_route("/metrics", metrics, response_class=Response)
    return app
