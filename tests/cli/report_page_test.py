"""The page of heft report as people meet it: in a browser, at both ends of the range of widths, in light and dark."""

import json

import pytest
from browser import CHROMIUM, chromium, draw_all, opened
from example_comparison import fill
from heft import rank, succeed
from safetensors.numpy import load_file

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
QUESTIONS = ("Which weights of this network matter?", "Which weights matter most?", "What do negative and positive weights do?",
             "Is a weight far from zero important?", "Which weights affect which feature?", "Do the outlying weights play the big role?",
             "Would the important weights break under a shift in the data?", "What does each layer, gate and neuron do?",
             "Which cheap score comes closest to measured impact?", "What happens when weights are removed in order?", "How was this measured?")
PICTURES = {"plot-top", "plot-signs", "plot-sign-units", "plot-effects", "plot-magnitude", "plot-features", "plot-outputs", "plot-outliers",
            "plot-outlier-means", "plot-shift", "plot-hierarchy", "plot-joint", "plot-criteria", "plot-curves"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The page of a run as heft rank leaves it."""
    folder = tmp_path_factory.mktemp("page") / "run"
    assert rank("gru_2_layers_bidirectional", folder, "--components", "weight", "gate", "layer").code == 0
    succeed("report", folder)
    return folder / "report.html"


@pytest.fixture(scope="module")
def full(bare):
    """The same with every section, and with names that try to be HTML."""
    fill(bare.parent, HOSTILE)
    file = bare.parent / "full.html"
    succeed("report", bare.parent, "-o", file)
    return file


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def test_every_question_and_every_picture_is_there_with_data(browser, full):
    page = opened(browser, full)
    headings = page.locator("h1, h2").all_text_contents()
    assert [each for each in QUESTIONS if each not in headings] == []
    assert set(draw_all(page)) == PICTURES
    for each in PICTURES:
        counts = page.evaluate("""id => document.getElementById(id).data.map(trace => {
            const values = trace.type === 'heatmap' ? trace.z.flat() : trace.values ?? trace.x;
            return values.filter(value => value !== null && value !== undefined).length; })""", each)
        assert counts and all(count > 0 for count in counts), (each, counts)
    assert page.complaints == []


def test_sections_without_measurements_say_which_command_fills_them(browser, bare):
    page = opened(browser, bare)
    draw_all(page)
    lines = page.locator(".missing").all_text_contents()
    assert sum("heft compare run" in line for line in lines) >= 5
    assert page.complaints == []


@pytest.mark.parametrize("width", [360, 2000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_at_either_width(browser, full, width, scheme):
    page = opened(browser, full, width, scheme)
    draw_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate("""[...document.querySelectorAll('main *')].filter(each => !each.closest('.scroll') && !each.closest('.plot') &&
        !each.classList.contains('visually-hidden') && each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 80))""")
    assert wide == []
    sizes = page.evaluate("[...document.querySelectorAll('.plot')].map(plot => [plot.clientWidth, plot.querySelector('.main-svg').getBoundingClientRect().width])")
    assert all(abs(plot - drawn) <= 1 for plot, drawn in sizes), sizes
    assert page.complaints == []


def test_dark_and_light_follow_the_system_and_the_button(browser, full):
    page = opened(browser, full, scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.click("#theme")
    light = page.evaluate(ground)
    assert dark != light and page.get_attribute("html", "data-theme") == "light"
    assert opened(browser, full, scheme="light").evaluate(ground) == light


def test_hover_says_what_is_under_the_pointer_and_zoom_changes_the_range(browser, full):
    page = opened(browser, full)
    draw_all(page)
    plot = page.locator("#plot-top")
    plot.scroll_into_view_if_needed()
    point = plot.locator(".scatterlayer .point").nth(0)
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.wait_for_selector("#plot-top .hoverlayer .hovertext")
    assert "impact" in page.locator("#plot-top .hoverlayer .hovertext").first.text_content()

    ranges = "document.getElementById('plot-magnitude')._fullLayout.xaxis.range"
    page.evaluate("document.getElementById('plot-magnitude').scrollIntoView({ behavior: 'instant', block: 'center' })")
    area = page.locator("#plot-magnitude .nsewdrag").first.bounding_box()
    before = page.evaluate(ranges)
    page.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 0.3 * area["height"])
    page.mouse.down()
    page.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 0.6 * area["height"], steps=5)
    page.mouse.up()
    page.wait_for_function(f"before => Math.abs({ranges}[0] - before[0]) > 1e-6", arg=before)
    after = page.evaluate(ranges)
    assert before[0] < after[0] < after[1] < before[1]
    assert page.complaints == []


def test_a_click_on_the_hierarchy_goes_down(browser, full):
    page = opened(browser, full)
    draw_all(page)
    page.evaluate("document.getElementById('plot-hierarchy').scrollIntoView({ behavior: 'instant', block: 'center' })")
    page.locator("#plot-hierarchy g.slice").nth(1).click(position={"x": 12, "y": 12})
    page.wait_for_function("(document.getElementById('plot-hierarchy')._fullData[0].level ?? '') !== ''")


def test_choices_change_the_pictures(browser, full):
    page = opened(browser, full)
    draw_all(page)
    titles = "document.getElementById('plot-signs').data[0].customdata.map(row => row[0])"
    layers = page.evaluate(titles)
    page.locator("#signs select").first.select_option("matrix")
    assert len(page.evaluate(titles)) > len(layers)


def test_names_that_look_like_html_stay_text(browser, full):
    page = opened(browser, full)
    draw_all(page)
    page.locator("#plot-features .nsewdrag").first.hover()
    page.wait_for_selector("#plot-features .hoverlayer .hovertext")
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert HOSTILE in page.locator("#features .what").text_content() + page.locator("#features .table").text_content()
    assert page.complaints == []


def test_pictures_and_controls_have_names_for_screen_readers_and_can_be_reached_by_keyboard(browser, full):
    page = opened(browser, full)
    page.keyboard.press("Tab")  # first of all: where the keyboard begins follows what was scrolled to
    assert page.evaluate("document.activeElement.className") == "skip"
    draw_all(page)
    assert page.evaluate("[...document.querySelectorAll('.plot')].every(plot => plot.getAttribute('aria-label').endsWith('.') && plot.tabIndex === 0)")
    assert page.evaluate("[...document.querySelectorAll('select')].every(select => select.labels.length === 1)")
    assert page.evaluate("[...document.querySelectorAll('section')].every(each => document.getElementById(each.getAttribute('aria-labelledby')))")


def test_a_table_is_copied_with_its_full_precision(browser, full):
    page = opened(browser, full)
    page.evaluate("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }")
    page.locator("#weights .table button").click()
    lines = page.evaluate("window.copied").split("\n")
    assert lines[0].split("\t")[:4] == ["#", "weight", "value", "impact"] and len(lines) == 21
    assert len(lines[1].split("\t")[3]) > 5


def test_nothing_offers_to_upload_a_picture(browser, full):
    page = opened(browser, full)
    draw_all(page)
    buttons = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map(button => button.dataset.title)")
    assert buttons and not any("share" in each.lower() or "cloud" in each.lower() for each in buttons), set(buttons)


def test_it_prints_every_picture(browser, full):
    page = opened(browser, full, scheme="dark")
    assert len(page.pdf()) > 50_000
    assert page.locator(".plot .main-svg").count() >= len(PICTURES)
    assert page.complaints == []


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    """The page of a run of components alone, by step, compared with another one."""
    folder = tmp_path_factory.mktemp("lesions")
    for seed in (1, 2):
        assert rank("seeded_lstm_every_step", folder / f"seed-{seed}", "--components", "unit", "gate", "--by", "step", "--perturb", "noise:1", "--seed", seed).code == 0
    succeed("compare", folder / "seed-1", folder / "seed-2")
    succeed("compare", folder / "seed-1", "--criteria", "magnitude", "snip", "-q")
    succeed("report", folder / "seed-1")
    return folder / "seed-1" / "report.html"


def test_components_alone_have_a_page_without_what_needs_weights(browser, lesions):
    page = opened(browser, lesions)
    assert set(draw_all(page)) == {"plot-joint", "plot-served", "plot-agreement"}
    assert page.locator("h1").text_content() == "Which parts of this network matter?"
    assert page.locator("h2").all_text_contents()[1:] == ["What does each layer, gate and neuron do?", "Which component serves which step?", "Do these runs agree?", "How was this measured?"]
    assert page.locator(".missing").count() == 0 and "the norm of their weights" in page.locator("#hierarchy").text_content()
    assert page.complaints == []


@pytest.mark.parametrize("width", [360, 2000])
def test_the_page_of_components_does_not_overflow(browser, lesions, width):
    page = opened(browser, lesions, width)
    draw_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width and page.complaints == []


def test_the_heat_map_holds_the_table_and_shows_shares_of_it(browser, lesions):
    page = opened(browser, lesions)
    draw_all(page)
    table = load_file(lesions.parent / "groups.safetensors")["impact"]
    names = [one["name"] for one in json.loads((lesions.parent / "run.json").read_text())["components"]]
    values = "document.getElementById('plot-served').data[0].z"
    drawn, rows = page.evaluate(values), page.evaluate("document.getElementById('plot-served').data[0].customdata.map(row => row[0][0])")
    assert rows and all(drawn[at] == pytest.approx(table[names.index(name)], rel=1e-4) for at, name in enumerate(rows))
    page.locator("#served select").nth(1).select_option("row")
    assert [max(row) for row in page.evaluate(values)] == pytest.approx([1] * len(rows))
    page.locator("#served select").nth(1).select_option("column")
    assert [max(column) for column in zip(*page.evaluate(values))] == pytest.approx([1] * table.shape[1])
    page.locator("#served select").nth(0).select_option(label="gates")
    assert page.evaluate("document.getElementById('plot-served').data[0].customdata.map(row => row[0][0])")[0].count(":gate=") == 1
    assert page.complaints == []
