"""The page in a real browser: it is drawn, in light and in dark, and asks nobody for anything."""

import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from examining import Examined

from fraudwatch.backtest import Page, Run, written_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTH, HEIGHT = 1_200, 2_000
PAGE = {"light": (0xF6, 0xF7, 0xF9), "dark": (0x10, 0x15, 0x1C)}
"""The colour around the panels, of page/style.py."""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
    return found


@pytest.fixture(scope="module")
def page(labelled_run: Examined, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    findings = labelled_run.finding.findings()
    path.write_text(
        written_page(Page("stream.jsonl.gz", "EUR", Run("my.yaml", labelled_run.report, findings))),
        encoding="utf-8",
    )
    return path


def ask(browser: str, page: Path, *options: str) -> str:
    """Run it without a screen and return what it prints."""
    command = [
        *(
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ),
        *(f"--user-data-dir={page.parent / 'profile'}", "--hide-scrollbars", *options, page.as_uri()),
    ]
    environment = os.environ | {"HOME": str(page.parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pixel(png: Path, x: int, y: int) -> tuple[int, int, int]:
    """One pixel of an image of 8 bits a channel (PNG specification, sections 5, 6 and 9)."""
    content = png.read_bytes()
    width, height, depth, kind = struct.unpack(">IIBB", content[16:26])
    assert (depth, kind in (2, 6)) == (8, True)
    channels = 3 if kind == 2 else 4
    packed, at = b"", 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        if content[at + 4 : at + 8] == b"IDAT":
            packed += content[at + 8 : at + 8 + length]
        at += length + 12
    assert y < height
    raw, stride = zlib.decompress(packed), width * channels
    above = bytearray(stride)
    for line in range(y + 1):
        begin = line * (stride + 1)
        above = unfiltered(raw[begin], bytearray(raw[begin + 1 : begin + 1 + stride]), above, channels)
    red, green, blue = above[x * channels : x * channels + 3]
    return red, green, blue


def unfiltered(kind: int, line: bytearray, above: bytearray, channels: int) -> bytearray:
    for at in range(len(line)):
        left = line[at - channels] if at >= channels else 0
        up, corner = above[at], above[at - channels] if at >= channels else 0
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda value: abs(guess - value))
        line[at] = (line[at] + (0, left, up, (left + up) // 2, nearest)[kind]) % 256
    return line


def test_the_browser_shows_what_was_written(browser: str, page: Path, labelled_run: Examined) -> None:
    shown = ask(browser, page, "--dump-dom")
    assert shown.count("</svg>") == 3
    best = labelled_run.finding.findings().best[0]
    assert best.account_id in shown
    assert "</footer>" in shown


@pytest.mark.parametrize("scheme", PAGE)
def test_it_is_light_or_dark_as_the_reader_has_it(
    browser: str, page: Path, tmp_path: Path, scheme: str
) -> None:
    image = tmp_path / f"{scheme}.png"
    wanted = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    ask(browser, page, f"--screenshot={image}", f"--window-size={WIDTH},{HEIGHT}", *wanted)
    assert pixel(image, 2, 2) == PAGE[scheme]
