"""The demo page in a real browser: Debian's Chromium, without a window."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("gradio")
pytest.importorskip("selenium")

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium")

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not (DRIVER and BROWSER), reason="needs chromium and chromedriver"),
]

ROOT = Path(__file__).parents[2]
WAIT_S = 240

# What shows up in Chromium without a network, whatever a page does; Gradio asks for a script that resizes frames.
FOREIGN = ("favicon.ico", "iframeResizer", "manifest.json")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    log = tmp_path_factory.mktemp("demo") / "log.txt"
    port = 7870 + os.getpid() % 100
    command = [sys.executable, "-m", "glyphsr_cli", "demo", "--port", str(port), "--device", "cpu"]
    with log.open("w") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError:
            time.sleep(0.5)
    assert server.poll() is None, log.read_text()
    yield url
    server.terminate()
    assert server.wait(60) == 0, log.read_text()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    folder = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.downloads = folder
    yield driver
    driver.quit()


def wait(browser, condition):
    return WebDriverWait(browser, WAIT_S).until(condition)


def size_of(path):
    with Image.open(path) as image:
        return image.size


def shoot(browser, name):
    """Leave a picture of the page where a person asked for one."""
    if os.environ.get("SCREENSHOTS"):
        browser.save_screenshot(f"{os.environ['SCREENSHOTS']}/{name}.png")


def test_upload_result_slider_download_and_a_silent_console(address, browser, tmp_path):
    browser.set_window_size(1280, 1000)
    browser.get(address)
    upload = wait(browser, lambda b: b.find_element(By.CSS_SELECTOR, "#picture input[type=file]"))
    picture = tmp_path / "sign.png"
    shutil.copy(ROOT / "examples" / "sign.png", picture)
    size = size_of(picture)
    upload.send_keys(str(picture))
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "#picture img"))
    shoot(browser, "uploaded")

    # The keyboard alone: Enter in the text field starts it.
    field = browser.find_element(
        By.CSS_SELECTOR, "input[placeholder^='What it says'], textarea[placeholder^='What it says']"
    )
    field.send_keys(Keys.ENTER)
    wait(browser, lambda b: len(b.find_elements(By.CSS_SELECTOR, "#slider img")) >= 2)
    wait(browser, lambda b: " s." in b.find_element(By.ID, "note").text)
    shoot(browser, "result")

    images = browser.find_elements(By.CSS_SELECTOR, "#slider img")
    natural = {
        browser.execute_script("return [arguments[0].naturalWidth, arguments[0].naturalHeight]", i)[0] for i in images
    }
    assert natural == {2 * size[0]}

    handle = browser.find_element(By.CSS_SELECTOR, "#slider .inner, #slider [role=slider], #slider .outer")
    before = handle.location["x"]
    webdriver.ActionChains(browser).drag_and_drop_by_offset(handle, 80, 0).perform()
    assert handle.location["x"] > before

    link = wait(browser, lambda b: b.find_element(By.ID, "download"))
    link.click()
    wait(browser, lambda b: list(b.downloads.glob("*.png")))
    (file,) = browser.downloads.glob("*.png")
    assert file.name == "sign_x2.png"
    assert size_of(file) == (2 * size[0], 2 * size[1])

    severe = [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    assert [message for message in severe if not any(name in message for name in FOREIGN)] == []


def test_nothing_is_wider_than_a_phone(address, browser):
    browser.set_window_size(500, 900)  # the narrowest that the browser's window goes
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    )
    browser.get(address)
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "#picture input[type=file]"))
    shoot(browser, "phone")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
