"""A report page in a real, headless Chromium."""

import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def opened(browser, file, width: int = 1280, scheme: str = "light"):
    """The page, with what it said to the console and whatever it wanted from the network in `complaints`."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("dialog", lambda dialog: (page.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: page.complaints.append(request.url) if request.url.startswith("http") else None)
    page.goto(file.as_uri())
    return page


def draw_all(page) -> list:
    """Scrolls through the page, as pictures are drawn when they come near; the ids of all pictures."""
    ids = page.evaluate("[...document.querySelectorAll('.plot')].map(plot => plot.id)")
    for each in ids:
        page.evaluate("id => document.getElementById(id).scrollIntoView({ behavior: 'instant', block: 'center' })", each)
        page.wait_for_selector(f"#{each} .main-svg", state="attached")
    return ids
