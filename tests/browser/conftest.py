"""One server and one browser for all browser tests; a notebook for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import sync_playwright

from browser.lab import Chromium, Lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: the driver keeps an event loop running in this thread until the session ends, and other
    tests need their own."""
    items.sort(key=lambda item: item.path.parent.name == "browser")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        with sync_playwright() as playwright:
            browser = Chromium(playwright, lab)
            yield browser
            browser.close()
    finally:
        lab.close()
