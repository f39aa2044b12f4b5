"""One server and one browser for all browser tests; a notebook for each.

They end with the last of these tests: the browser's driver keeps an event loop running in this thread as long as it
lives, and other tests need their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import sync_playwright

from browser.lab import Chromium, Lab


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        with sync_playwright() as playwright:
            browser = Chromium(playwright, lab)
            yield browser
            browser.close()
    finally:
        lab.close()
