"""The service over its own HTTP interface, with the bundled model."""

import asyncio
import base64
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

pytest.importorskip("fastapi")
pytest.importorskip("multipart")
pytest.importorskip("prometheus_client")
pytest.importorskip("httpx")

from fastapi import HTTPException
from fastapi.testclient import TestClient

from glyphsr import Upscaler
from glyphsr.config.serve import ServeConfig
from glyphsr.serving.batcher import Batcher
from glyphsr.serving.service import create_app
from glyphsr.upscaling.file_tasks import FileTask
from glyphsr.upscaling.picture_worker import Outcome, PictureUpscaler


def png(height=16, width=64, seed=0):
    image = Image.new("RGB", (width, height), (200, 200, 210 - seed))
    ImageDraw.Draw(image).text((2, 0), "HELLO", (20, 20, 60), ImageFont.load_default(13))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client():
    config = ServeConfig(guard="off", max_bytes=200_000, max_pixels=100_000, device="cpu")
    with TestClient(create_app(config)) as client:
        yield client


def post(client, content, headers=None, **form):
    return client.post("/upscale", files={"file": ("sign.png", content)}, data=form, headers=headers)


def test_a_picture_comes_back_as_the_library_makes_it(client):
    answer = post(client, png())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    made = np.asarray(Image.open(io.BytesIO(answer.content)))
    own = Upscaler(guard="off", device="cpu")(np.asarray(Image.open(io.BytesIO(png())))).image
    assert made.shape == (32, 128, 3)
    np.testing.assert_allclose(made.astype(int), own.astype(int), atol=1)


def test_json_holds_report_and_picture(client):
    answer = post(client, png(), {"Accept": "application/json"}, width=96, format="webp", text="HELLO")
    document = answer.json()
    assert (document["schema_version"], document["status"], document["input"]) == (1, "done", "sign.png")
    assert document["prior_text"] == "HELLO", document
    image = Image.open(io.BytesIO(base64.b64decode(document["image"])))
    assert (image.format, image.size) == ("WEBP", (96, 24))


@pytest.mark.parametrize(
    ("content", "form", "status"),
    [
        (b"no picture", {}, 422),
        (png()[:60], {}, 422),
        (png(), {"scale": 2, "width": 10}, 422),
        (png(), {"scale": 17}, 422),
        (png(), {"mode": "word"}, 422),
        (png(200, 200), {}, 413),  # too many pixels in the result
        (b"x" * 300_000, {}, 413),
    ],
)
def test_what_is_wrong_is_told_by_the_status(client, content, form, status):
    answer = post(client, content, **form)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_body_without_a_length_is_stopped_where_it_becomes_too_large(client):
    def parts():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
        for _ in range(30):
            yield b"x" * 10_000

    answer = client.post("/upscale", content=parts(), headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 413


def test_a_request_that_is_sent_too_slowly_gives_its_place_back():
    from glyphsr.serving.admission import Admission
    from glyphsr.serving.metrics import Metrics

    async def read_all(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    async def never():
        await asyncio.sleep(60)

    admission = Admission(read_all, most=1, max_bytes=1000, seconds=0.2, metrics=Metrics())
    scope = {"type": "http", "path": "/upscale", "method": "POST", "headers": [(b"content-length", b"100")]}
    with pytest.raises(HTTPException) as caught:
        asyncio.run(asyncio.wait_for(admission(scope, never, None), 10))
    assert (caught.value.status_code, admission.in_work) == (408, 0)


def test_a_program_that_draws_is_no_picture(client):
    answer = post(client, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    assert (answer.status_code, "expected PNG" in answer.json()["detail"]) == (422, True)


def test_health_and_metrics(client):
    post(client, png())
    assert client.get("/healthz").json()["status"] == "ok"
    text = client.get("/metrics").text
    assert 'glyphsr_requests_total{status="200"}' in text
    assert "glyphsr_requests_in_work 0.0" in text


class _Slow(PictureUpscaler):
    """The real worker, which waits for a sign before it starts."""

    def __init__(self, config, go):
        super().__init__(config)
        self.go, self.sizes = go, []

    def upscale(self, items):
        self.go.wait()
        self.sizes.append(len(items))
        return super().upscale(items)


@pytest.fixture
def slow(monkeypatch):
    """A service whose worker stands still until it is let go."""
    import glyphsr.serving.service as module

    go, workers = threading.Event(), []
    monkeypatch.setattr(module, "PictureUpscaler", lambda config: workers.append(_Slow(config, go)) or workers[-1])
    return go, workers


def test_one_request_too_many_is_refused_and_the_others_travel_together(slow):
    go, workers = slow
    config = ServeConfig(guard="off", queue=4, device="cpu")
    with TestClient(create_app(config)) as client, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(post, client, png(seed=n)) for n in range(4)]
        while "glyphsr_requests_in_work 4.0" not in client.get("/metrics").text:
            pass
        refused = post(client, png())
        go.set()
        answers = [future.result() for future in waiting]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum(workers[0].sizes) == 4
    assert max(workers[0].sizes) > 1


def test_a_request_that_waits_too_long_is_given_up(slow):
    go, _ = slow
    with TestClient(create_app(ServeConfig(guard="off", timeout=0.05, device="cpu"))) as client:
        assert post(client, png()).status_code == 504
        go.set()


def test_one_that_breaks_takes_none_along():
    """Whatever error comes out of a batch, its other pictures are done and the thread continues."""

    class Breaks(PictureUpscaler):
        def upscale(self, items):
            if any(item.task.name == "bad" for item in items):
                raise RuntimeError("broken")
            return (Outcome(item, item) for item in items)

    import asyncio
    from pathlib import Path

    from glyphsr.upscaling.prefetch import LoadedPicture

    async def run():
        batcher = Batcher(Breaks(ServeConfig(device="cpu")), 8, lambda size: None)
        items = [LoadedPicture(FileTask(Path(name), None), None, (1, 1)) for name in ("a", "bad", "b")]
        results = await asyncio.gather(*(batcher.upscale(item) for item in items), return_exceptions=True)
        batcher.close()
        return results

    first, bad, last = asyncio.run(run())
    assert first.item.task.name == "a"
    assert last.item.task.name == "b"
    assert str(bad) == "broken"
