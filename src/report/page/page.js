// Puts the page together.

function factsSection() {
  const made = section("facts", "Facts", "How was this measured?", null);
  made.append(element("p", {}, "A weight's impact is how far the model's output moves, on the run's own inputs, when that weight alone is changed. An executed impact comes from running the changed model; an estimate comes from unit response, and its interval says how far off it may be."),
    element("p", {}, `The impact of many weights of a group, each measured alone, is shown as the ${data.aggregate}; their joint impact, where given, was executed with all of them changed at once.`),
    element("dl", { class: "facts" }, ...data.facts.flatMap(fact => [element("dt", {}, fact.label), element("dd", {}, fact.value)])));
  if (data.notes.length > 0)
    made.append(element("h3", {}, "Notes of the run"), element("ul", {}, ...data.notes.map(note => element("li", {}, note))));
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark";
  drawn.forEach(each => each.again());
}

/** The navigation follows the reader. */
function followSections() {
  const links = new Map([...document.querySelectorAll("#navigation a")].map(link => [link.getAttribute("href").slice(1), link]));
  const observer = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(entry => {
    links.forEach(link => link.removeAttribute("aria-current"));
    const link = links.get(entry.target.id);
    if (!link) return;
    link.setAttribute("aria-current", "true");
    link.closest("nav").scrollTo({ left: link.offsetLeft - 80 });
  }), { rootMargin: "-30% 0px -60% 0px" });
  document.querySelectorAll("main section").forEach(each => observer.observe(each));
}

const darkWished = window.matchMedia("(prefers-color-scheme: dark)");
let chosen = false;
document.documentElement.dataset.theme = darkWished.matches ? "dark" : "light";
firstScreen();
// A run of components alone has nothing to say about single weights.
const hasWeights = data.weights > 0 || data.components === 0;
if (hasWeights) {
  topSection();
  signsSection();
  magnitudeSection();
  featuresSection();
  outliersSection();
  shiftSection();
}
hierarchySection();
servedSection();
agreementSection();
if (hasWeights) {
  criteriaSection();
  curvesSection();
}
factsSection();
followSections();
setTheme(darkWished.matches ? "dark" : "light");
document.getElementById("theme").addEventListener("click", () => {
  chosen = true;
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
});
darkWished.addEventListener("change", () => { if (!chosen) setTheme(darkWished.matches ? "dark" : "light"); });
// On paper every picture is there, in ink for white ground.
let before = null;
window.addEventListener("beforeprint", () => {
  before = document.documentElement.dataset.theme;
  drawn.forEach(each => each.show());
  setTheme("light");
});
window.addEventListener("afterprint", () => setTheme(before));
