"""The page in a real browser: it renders, the slider moves, filters filter, keys work, and nothing is fetched."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from glyphsr.text.diff import marked
from glyphsr.viz.page import html_page
from glyphsr.viz.panels import Panel, Row, panel_sheet

pytestmark = pytest.mark.process

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PROBE = """
<script>
const probe = {};
const visible = () => [...document.querySelectorAll(".row")].filter(row => row.getClientRects().length).length;
const press = key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
probe.rows = visible();
probe.loaded = [...document.images].every(image => image.complete && image.naturalWidth > 0);
const select = document.querySelector("select[data-filter=outcome]");
select.value = "broken";
select.dispatchEvent(new Event("change"));
probe.filtered = visible();
probe.count = document.getElementById("count").textContent;
select.value = "";
select.dispatchEvent(new Event("change"));
const slider = document.querySelector(".slider");
const clip = () => getComputedStyle(slider.querySelector(".after")).clipPath;
probe.before = clip();
slider.querySelector("input").value = 20;
slider.querySelector("input").dispatchEvent(new Event("input"));
probe.after = clip();
const width = () => document.querySelector(".pixels").getBoundingClientRect().width;
probe.width = width();
press("+"); press("+");
probe.wider = width();
press("j");
probe.first = document.activeElement === document.querySelectorAll(".row")[0];
press("j");
probe.second = document.activeElement === document.querySelectorAll(".row")[1];
press("ArrowRight");
probe.keyed = document.querySelectorAll(".slider")[1].style.getPropertyValue("--cut");
probe.overflow = document.documentElement.scrollWidth > document.documentElement.clientWidth;
probe.wrong = document.querySelectorAll(".wrong").length;
probe.hostile = document.querySelectorAll("main script, main b").length;
document.body.insertAdjacentHTML("beforeend", "<pre id=probe></pre>");
document.getElementById("probe").textContent = JSON.stringify(probe);
</script>
"""


def word(title, outcome, reading="OPEM"):
    rng = np.random.default_rng(len(title))
    pictures = [rng.integers(0, 256, (32, 120, 3), np.uint8) for _ in range(3)]
    readings = (("crnn", tuple(marked(reading, "open"))),)
    panels = (
        Panel("LR", pictures[0][::2, ::2]),
        Panel("bicubic", pictures[1], readings),
        Panel("ours", pictures[2], readings),
    )
    return Row(title, tuple(panels), "easy", outcome, (1, 2))


ROWS = [
    word("one", "broken"),
    word("two & <b>three</b>", "mended", "open"),
    word("</script><script>x()</script>", "broken"),
]


def browse(page, tmp_path, width=1200):
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=3000", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout)
    assert found, done.stderr[-2000:]
    errors = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(found.group(1)), errors


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1200, 500])
def test_the_page_works_in_a_browser(tmp_path, width):
    page = html_page("three words", ROWS, notes=["a <note>"]).replace("</body>", PROBE + "</body>")
    probe, errors = browse(page, tmp_path, width)
    assert errors == []
    assert probe["loaded"]
    assert (probe["rows"], probe["filtered"], probe["count"]) == (3, 2, "2 of 3")
    assert probe["before"] != probe["after"]
    assert "20%" in probe["after"]
    assert probe["first"]
    assert probe["second"]
    assert probe["keyed"] == "55%"
    assert not probe["overflow"]
    assert probe["wrong"] > 0
    assert probe["hostile"] == 0
    if width == 1200:
        assert probe["wider"] == pytest.approx(probe["width"] * 4 / 3, rel=0.01)


def test_the_page_refers_to_nothing_outside():
    page = html_page("three words", ROWS)
    assert not re.search(r"(?:src|href)=(?![\"']?data:)", page)
    assert "http:" not in page
    assert "https:" not in page
    assert "two &amp; &lt;b&gt;three&lt;/b&gt;" in page
    assert "<script>x()" not in page


def test_one_kind_of_outcome_needs_no_filter():
    assert "select data-filter" not in html_page("one", ROWS[:1])


def test_a_sheet_has_every_panel_whatever_its_size():
    tall = Panel("tall", np.full((400, 30, 3), 7, np.uint8))
    wide = Panel("wide", np.full((8, 900, 3), 200, np.uint8))
    many = Row("many", tuple([tall, wide] * 6))
    sheet = panel_sheet([many, Row("empty text", (Panel("", np.zeros((1, 1, 3), np.uint8), (("x", ()),)),))])
    assert sheet.shape[1:] == (1200, 3)
    assert (sheet == 7).all(axis=2).sum() > 6 * 96 * 5
    assert (sheet == 200).all(axis=2).sum() > 6 * 100
    narrow = panel_sheet([many], width=400)
    assert narrow.shape[1] == 400
    assert narrow.shape[0] > panel_sheet([many]).shape[0]


def test_what_a_row_says_at_the_side_ends_before_the_border():
    panel = Panel("one", np.full((16, 64, 3), 200, np.uint8))
    says = panel_sheet([Row("title", (panel,), "subset", "reasons " * 60)])
    assert (says[:20, 560:-10] < 200).any()
    assert (says[:20, -9:] == 255).all()
