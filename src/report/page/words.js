// Numbers and names as people read them.

const data = JSON.parse(document.getElementById("data").textContent);

/** Three significant digits: 0.0123, 1.2e-7, 204,042; a dash for what is undefined. */
function shown(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 1).replace("e+", "e");
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(digits)));
}

/** Whole numbers in groups of three. */
function grouped(value) {
  return value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en-US");
}

function percent(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "<0.1 %";
  return `${Number(value.toPrecision(value < 10 ? 2 : 3))} %`;
}

/** The middle of a long name goes, since names differ at their ends. */
function shortened(name, width = 26) {
  if (name.length <= width) return name;
  const front = Math.floor((width - 1) / 2);
  return `${name.slice(0, front)}…${name.slice(name.length - (width - 1 - front))}`;
}

/** Plotly reads some HTML in every text it is given: names go through here. */
function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** How a group's own impacts are added up, for axis titles. */
const addedUp = data.squares ? "root of the sum of squared impacts" : "sum of impacts";
const impactWords = `impact (${data.metric_words})`;
