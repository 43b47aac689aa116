// Tables whose numbers can be copied: into a spreadsheet as tab-separated values with full precision.

/**
 * `columns` are { title, value(row), text(row)?, name? }; numbers stand to the right. What is copied is `value`, what is shown
 * is `text`.
 */
function table(title, columns, rows, note) {
  const id = `table-${table.count = (table.count || 0) + 1}`;
  const numeric = columns.map(column => rows.some(row => typeof column.value(row) === "number"));
  const cell = (row, column, at) => {
    const value = column.value(row);
    const text = column.text ? column.text(row) : typeof value === "number" ? shown(value) : value ?? "–";
    return element("td", { class: numeric[at] ? "n" : column.name ? "name" : null }, text);
  };
  const copied = () => [columns.map(column => column.title), ...rows.map(row => columns.map(column => column.value(row) ?? ""))]
    .map(line => line.join("\t")).join("\n");
  const button = element("button", { type: "button", "aria-label": `Copy the table: ${title}`, onclick: async () => {
    button.textContent = await copy(copied()) ? "Copied" : "Could not copy";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  } }, "Copy");
  return element("div", { class: "table" },
    element("div", { class: "head" }, element("h3", { id }, title), button),
    note ? element("p", { class: "note" }, note) : null,
    element("div", { class: rows.length > 14 ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-labelledby": id },
      element("table", { "aria-labelledby": id },
        element("thead", {}, element("tr", {}, ...columns.map((column, at) => element("th", { scope: "col", class: numeric[at] ? "n" : null }, column.title)))),
        element("tbody", {}, ...rows.map(row => element("tr", {}, ...columns.map((column, at) => cell(row, column, at))))))));
}

/** Pages opened from a file may not use the clipboard's own interface: then through a selection. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element("textarea", { class: "visually-hidden" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** The columns of every list of weights. */
const weightColumns = [
  { title: "weight", value: row => row.weight, name: true },
  { title: "value", value: row => row.value, text: row => shown(row.value, 4) },
  { title: "impact", value: row => row.impact },
  { title: "|w| rank", value: row => row.magnitude_rank, text: row => grouped(row.magnitude_rank) },
  { title: "impact rank", value: row => row.impact_rank, text: row => grouped(row.impact_rank) },
  { title: "source", value: row => (row.executed === null ? "" : row.executed ? "executed" : "estimate") },
];
