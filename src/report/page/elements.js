// Pieces of the page. Text is set as text only, so that no name is ever read as HTML.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

/** One line instead of a picture: why it is missing and the command that fills it. */
function missingLine(missing) {
  return element("p", { class: "missing" }, `${missing.missing} `, element("code", {}, missing.command), " fills this.");
}

/** A section with its question as heading, the number, the sentence, and how sure it is. */
function section(id, short, question, answer) {
  const made = element("section", { id, "aria-labelledby": `${id}-heading` }, element("h2", { id: `${id}-heading` }, question));
  document.getElementById("sections").append(made);
  document.getElementById("navigation").append(element("li", {}, element("a", { href: `#${id}` }, short)));
  if (answer && answer.missing) {
    made.append(missingLine(answer));
  } else if (answer && answer.number) {
    made.append(element("div", { class: "answer" },
      element("div", {}, element("div", { class: "big" }, answer.number), element("p", { class: "what" }, answer.what)),
      element("div", {}, element("p", { class: "sentence" }, answer.sentence),
        answer.sure ? element("p", { class: "sure" }, `How sure: ${answer.sure}`) : null)));
  }
  return made;
}

/** A labelled choice; `choices` are [value, text]. */
function choice(label, choices, changed) {
  const select = element("select", { onchange: () => changed(select.value) },
    ...choices.map(([value, text]) => element("option", { value }, text)));
  return { select, label: element("label", {}, label, select) };
}

function controls(...choices) {
  return element("div", { class: "controls" }, ...choices.map(each => each.label));
}
