// 1: what negative and positive weights do.

const levelWords = { layer: "each layer", gate: "each gate", matrix: "each matrix", unit: "each neuron", row: "each row", column: "each column", weight: "each weight" };

function signGroups(groups, level, measure) {
  const colours = palette();
  const of = groups.filter(group => group.level === level).slice(0, 60);
  const value = side => (measure === "mean" ? side.mean : side.impact) ?? 0;
  const side = (key, sign, colour) => ({ type: "bar", orientation: "h", name: `${key} weights`, y: of.map((_, at) => at), x: of.map(group => sign * value(group[key])),
    marker: { color: colour }, customdata: of.map(group => [plain(group.name), shown(value(group[key])), grouped(group[key].weights), shown(group[key].largest)]),
    hovertemplate: `<b>%{customdata[0]}</b><br>${key} weights: %{customdata[2]}<br>${measure === "mean" ? "mean impact" : "impact together"} %{customdata[1]}<br>largest %{customdata[3]}<extra></extra>` });
  return { height: barHeight(of.length) + 30, traces: [side("negative", -1, colours.negative), side("positive", 1, colours.positive)],
    layout: { barmode: "relative", bargap: 0.3, showlegend: true,
      xaxis: axis(measure === "mean" ? "mean impact of one weight (left: negative weights)" : `${addedUp} (left: negative weights)`, { tickformat: "~g" }),
      yaxis: nameAxis(of.map(group => group.name), nameWidth(), { autorange: "reversed" }) },
    text: `Impact of negative weights to the left and of positive weights to the right, for ${levelWords[level]}.` };
}

function signUnits(layer) {
  const colours = palette();
  const order = layer.negative.map((_, at) => at).sort((a, b) =>
    Math.hypot(layer.negative[b], layer.positive[b]) - Math.hypot(layer.negative[a], layer.positive[a]));
  const side = (key, sign, colour) => ({ type: "bar", name: `${key} weights`, x: order.map((_, at) => at + 1), y: order.map(unit => sign * layer[key][unit]),
    marker: { color: colour, line: { width: 0 } }, customdata: order.map(unit => [unit, shown(layer[key][unit])]),
    hovertemplate: `neuron %{customdata[0]}<br>${key} incoming weights: %{customdata[1]}<extra></extra>` });
  return { height: 300, traces: [side("positive", 1, colours.positive), side("negative", -1, colours.negative)],
    layout: { barmode: "relative", bargap: 0, showlegend: true, xaxis: axis("neurons, those of most impact first"), yaxis: axis(addedUp, { tickformat: "~g" }) },
    text: `Every neuron of ${layer.layer}: its positive incoming weights above, its negative ones below.` };
}

function effectsPart(made, effects) {
  made.append(element("h3", {}, "Which outputs rise and which fall without them?"));
  if (effects.missing) {
    made.append(missingLine(effects));
    return;
  }
  made.append(element("p", {}, effects.sentence));
  const levels = [...new Set(effects.groups.map(group => group.level))];
  const signs = [...new Set(effects.groups.map(group => group.sign))];
  const state = { level: levels[0], sign: signs.includes("negative") ? "negative" : signs[0] };
  const plot = picture("plot-effects", () => {
    const rows = effects.groups.filter(group => group.level === state.level && group.sign === state.sign).slice(0, 60);
    return { ...heatMap(rows.map(row => row.name), effects.outputs, rows.map(row => row.change), "mean change of the output", true),
      text: `Mean change of each output when the ${state.sign === "all" ? "" : `${state.sign} `}weights of ${levelWords[state.level] ?? state.level} are removed together. Blue: the output rises, orange: it falls.` };
  });
  made.append(controls(
    choice("Of", levels.map(level => [level, levelWords[level] ?? level]), value => { state.level = value; plot.again(); }),
    choice("Weights", signs.map(sign => [sign, sign]), value => { state.sign = value; plot.again(); })), plot.frame);
  made.querySelector("#plot-effects").closest("figure").previousSibling.querySelectorAll("select")[1].value = state.sign;
}

/** Rows x columns in colours; `signed` puts white at zero. */
function heatMap(rows, columns, values, title, signed) {
  const colours = palette();
  const flat = values.flat().filter(value => value !== null);
  const most = Math.max(...flat.map(Math.abs), 1e-300);
  return { height: Math.max(barHeight(rows.length) + 40, 260), traces: [{ type: "heatmap", z: values, x: columns.map((_, at) => at), y: rows.map((_, at) => at), xgap: 1, ygap: 1,
    colorscale: signed ? colours.both : colours.scale, zmin: signed ? -most : 0, zmax: most, colorbar: narrow() ? { ...colourBar(""), thickness: 6 } : colourBar(title),
    customdata: values.map((row, r) => row.map((value, c) => [plain(rows[r]), plain(columns[c]), shown(value)])),
    hovertemplate: `<b>%{customdata[0]}</b><br>%{customdata[1]}: %{customdata[2]}<extra></extra>` }],
  layout: { xaxis: nameAxis(columns, 18, { tickangle: -40, showgrid: false }), yaxis: nameAxis(rows, nameWidth(), { autorange: "reversed", showgrid: false }) } };
}

function signsSection() {
  const signs = data.signs;
  const made = section("signs", "Signs", "What do negative and positive weights do?", signs);
  if (signs.groups.length > 0) {
    const levels = [...new Set(signs.groups.map(group => group.level))];
    const state = { level: levels[0], measure: "mean" };
    const plot = picture("plot-signs", () => signGroups(signs.groups, state.level, state.measure));
    made.append(controls(
      choice("Impact of", levels.map(level => [level, levelWords[level]]), value => { state.level = value; plot.again(); }),
      choice("Shown", [["mean", "mean of one weight"], ["all", "all weights together"]], value => { state.measure = value; plot.again(); })), plot.frame);
    made.append(element("p", { class: "note" }, `"Together" is the ${data.aggregate} of the weights' own impacts, each measured alone.`));
  }
  if (signs.units.length > 0) {
    let layer = 0;
    const plot = picture("plot-sign-units", () => signUnits(signs.units[layer]));
    made.append(element("h3", {}, "And in each neuron?"),
      controls(choice("Layer", signs.units.map((each, at) => [at, each.layer]), value => { layer = Number(value); plot.again(); })), plot.frame);
  }
  effectsPart(made, data.effects);
}
