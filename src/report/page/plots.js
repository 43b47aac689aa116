// The look of all pictures, and the frame that each stands in.

// Okabe and Ito's colours, told apart with any kind of colour vision; each has a form for dark ground.
const palettes = {
  light: { ink: "#1d2329", soft: "#59626c", grid: "#e8e5dc", card: "#ffffff", negative: "#c4501b", positive: "#0b5fa5", neutral: "#8b949d",
    lines: ["#0b5fa5", "#c4501b", "#00795a", "#9c4f83", "#8a6d00", "#3a9bd0", "#59626c"],
    scale: [[0, "#e6eef5"], [0.25, "#a9c8e0"], [0.5, "#5f9cc9"], [0.75, "#24689f"], [1, "#0a2f52"]],
    both: [[0, "#9c3a0c"], [0.25, "#e2945f"], [0.5, "#f5f3ee"], [0.75, "#6aa5d2"], [1, "#0a4a85"]] },
  dark: { ink: "#e8e6e1", soft: "#a3adb7", grid: "#2a3139", card: "#1b2026", negative: "#f08a4b", positive: "#6bb3ee", neutral: "#8b949d",
    lines: ["#6bb3ee", "#f08a4b", "#3cc79b", "#d99ac4", "#e3c34c", "#9ad7f7", "#a3adb7"],
    scale: [[0, "#22303c"], [0.25, "#2c5578"], [0.5, "#3f86b9"], [0.75, "#7dbde6"], [1, "#e3f3ff"]],
    both: [[0, "#ff9a5c"], [0.25, "#a4562c"], [0.5, "#262c33"], [0.75, "#3574a8"], [1, "#8bccff"]] },
};

function palette() {
  return palettes[document.documentElement.dataset.theme === "dark" ? "dark" : "light"];
}

/** Broken at blanks, as Plotly breaks lines. */
function inLines(text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last && last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines.join("<br>");
}

/** An axis of names instead of numbers, the first at the top or the left. */
function nameAxis(names, width, more = {}) {
  return axis("", { tickvals: names.map((_, at) => at), ticktext: names.map(name => plain(shortened(name, width))), zeroline: false, ...more });
}

/** An axis with its title and unit. */
function axis(title, more = {}) {
  const colours = palette();
  return { title: { text: narrow() ? inLines(title, 26) : title, standoff: 8, font: { size: textSize(), color: colours.soft } }, gridcolor: colours.grid, zerolinecolor: colours.neutral,
    linecolor: colours.grid, tickcolor: colours.grid, automargin: true, tickfont: { size: textSize() - 1, color: colours.soft }, exponentformat: "power", ...more };
}

function layoutOf(more) {
  const colours = palette();
  return { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 56, r: 16, t: 12, b: 48 },
    font: { family: getComputedStyle(document.body).fontFamily, size: textSize(), color: colours.ink }, colorway: colours.lines,
    hoverlabel: { bgcolor: colours.card, bordercolor: colours.soft, font: { color: colours.ink, size: textSize() }, align: "left", namelength: -1 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: textSize() } }, showlegend: false, ...more };
}

/** Larger where the page's own text is. */
const textSize = () => (window.innerWidth >= 1760 ? 14 : 12);
const colourBar = title => ({ title: { text: title, side: "right", font: { size: 11 } }, thickness: 10, outlinewidth: 0, tickfont: { size: 10 } });
const drawn = [];  // of every picture: draws it again

/**
 * A picture in its frame. `draw` gives { traces, layout, height, text }: `text` says in one sentence what it shows and is its
 * name for screen readers and its caption. It is drawn when it comes near the window, so that a long page opens at once.
 */
function picture(id, draw) {
  const plot = element("div", { class: "plot", id, role: "img", tabindex: "0" });
  const caption = element("figcaption", {});
  const frame = element("figure", {}, plot, caption);
  let seen = false;
  const again = () => {
    const { traces, layout, height, text } = draw();
    caption.textContent = text;
    plot.setAttribute("aria-label", text);
    plot.style.height = `${height}px`;
    if (!seen) return;
    Plotly.react(plot, traces, layoutOf({ ...layout, height, width: plot.clientWidth }), { displaylogo: false, responsive: false, scrollZoom: false,
      showSendToCloud: false, plotlyServerURL: "",  // the page sends nothing anywhere
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], displayModeBar: plot.clientWidth > 560 ? "hover" : false });
  };
  const show = () => {
    if (seen) return;
    seen = true;
    again();
  };
  new IntersectionObserver((entries, observer) => {
    if (!entries.some(entry => entry.isIntersecting)) return;
    observer.disconnect();
    show();
  }, { rootMargin: "600px" }).observe(plot);
  let width = 0;
  new ResizeObserver(() => {
    if (seen && Math.abs(plot.clientWidth - width) > 1) again();
    width = plot.clientWidth;
  }).observe(frame);
  drawn.push({ again, show });
  again();
  return { frame, again };
}

/** Bars of names down the side: as tall as their number needs. */
const barHeight = count => Math.max(180, 90 + 26 * count);
const narrow = () => window.innerWidth < 560;
const nameWidth = () => (narrow() ? 18 : 40);
