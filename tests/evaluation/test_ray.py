"""``eval --engine ray`` finds what one process finds, picture by picture."""

from dataclasses import replace

import pytest
import torch

from glyphsr.evaluation.evaluate import evaluate

ray = pytest.importorskip("ray")

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]  # Ray's own

SETTINGS = {"recognizer": "crnn-synth", "limit": 3, "bootstrap": 50, "device": "cpu", "offline": True}


def test_ray_finds_what_one_process_finds(tmp_path):
    seen = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as Ray's workers
    try:
        local, made = (
            evaluate(
                engine=engine,
                per_image=tmp_path / f"{engine}.jsonl",
                progress=lambda done, total: seen.append((done, total)),
                **SETTINGS,
            )
            for engine in ("local", "ray")
        )
    finally:
        torch.set_num_threads(threads)
        ray.shutdown()

    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "local.jsonl").read_bytes()
    assert seen == 2 * [(3, 9), (6, 9), (9, 9)]
    assert made.parts == local.parts
    assert [replace(row, images_per_s=0) for row in made.reading] == [
        replace(row, images_per_s=0) for row in local.reading
    ]
    assert len(local.reading) == 3
