// 6: what each layer, gate and neuron does.

function hierarchyMap(nodes) {
  const colours = palette();
  const strength = nodes.mean.map(mean => (mean > 0 ? Math.log10(mean) : null));
  const known = strength.filter(value => value !== null);
  const least = known.length > 0 ? known.reduce((a, b) => Math.min(a, b)) : 0;
  const most = known.length > 0 ? known.reduce((a, b) => Math.max(a, b)) : 1;
  const whole = nodes.additive[0] || 1;
  // Only the leaves have a size of their own: a parent is then exactly as large as its children, whatever the rounding.
  const parents = new Set(nodes.parent);
  const leaves = nodes.additive.map((value, at) => (parents.has(at) ? 0 : value));
  return { height: narrow() ? 420 : 560, traces: [{ type: narrow() ? "treemap" : "icicle", ids: nodes.label.map((_, at) => String(at)), labels: nodes.label.map(label => plain(shortened(label, 34))),
    parents: nodes.parent.map(parent => (parent < 0 ? "" : String(parent))), values: leaves, branchvalues: "remainder", maxdepth: narrow() ? 3 : 5, tiling: narrow() ? undefined : { orientation: "h" },
    sort: true, marker: { colors: strength.map(value => value ?? least), colorscale: colours.scale, cmin: least, cmax: Math.max(most, least + 0.01), line: { width: 1, color: colours.card } },
    customdata: nodes.label.map((_, at) => [plain(nodes.name[at] || nodes.label[at]), grouped(nodes.weights[at]), percent(nodes.additive[at] / whole), shown(nodes.impact[at]), shown(nodes.mean[at]),
      nodes.joint[at] === null ? "not executed" : shown(nodes.joint[at])]),
    textfont: { size: 12 }, pathbar: { visible: true, thickness: 22 },
    hovertemplate: `<b>%{customdata[0]}</b><br>%{customdata[1]} weights<br>%{customdata[2]} of the model's impact<br>${addedUp}: %{customdata[3]}<br>joint impact: %{customdata[5]}<br>mean impact of a weight: %{customdata[4]}<extra></extra>` }],
  layout: { margin: { l: 4, r: 4, t: 26, b: 4 } },
  text: `Model, layer, matrix, gate, neuron, weight: the area is the share of the impact${data.squares ? " (squared impacts add up)" : ""}, the colour the mean impact of a weight. A click or a tap goes down, the path above goes back up.` };
}

function jointBars(rows) {
  const colours = palette();
  const of = rows.slice(0, 40);
  const dots = (key, name, colour, symbol) => ({ type: "scatter", mode: "markers", name, x: of.map(row => row[key]), y: of.map((_, at) => at), marker: { size: 10, color: colour, symbol },
    customdata: of.map(row => [plain(row.name), shown(row.joint), shown(row.standard_error, 2), shown(row.aggregate), shown(row.sum), grouped(row.weights)]),
    hovertemplate: `<b>%{customdata[0]}</b><br>%{customdata[5]} weights<br>joint %{customdata[1]} ± %{customdata[2]}<br>${addedUp} %{customdata[3]}<br>plain sum %{customdata[4]}<extra></extra>` });
  const traces = [dots("joint", "joint impact, executed", colours.positive, "circle")];
  if (of.some(row => row.aggregate !== null)) traces.push(dots("aggregate", addedUp, colours.negative, "diamond-open"));
  return { height: barHeight(of.length) + 40, traces, layout: { showlegend: true, xaxis: axis(impactWords, { type: "log" }),
    yaxis: nameAxis(of.map(row => row.name), nameWidth(), { autorange: "reversed" }) },
  text: traces.length > 1 ? "What a group does when all its weights are changed at once, beside what its weights do one by one. Joint to the right: they work together; to the left: they stand in for each other."
    : "What each component does when all its weights are changed at once." };
}

function hierarchySection() {
  const hierarchy = data.hierarchy;
  const made = section("hierarchy", "Hierarchy", "What does each layer, gate and neuron do?", hierarchy);
  if (hierarchy.nodes.label.length > 1) made.append(picture("plot-hierarchy", () => hierarchyMap(hierarchy.nodes)).frame);
  made.append(element("h3", {}, hierarchy.nodes.label.length > 1 ? "Together or one by one?" : "Changed as a whole"));
  if (hierarchy.joint_missing) {
    made.append(missingLine(hierarchy.joint_missing));
    return;
  }
  const kinds = [...new Set(hierarchy.joint.map(row => row.level))];
  const state = { level: kinds[0] };
  const rows = () => hierarchy.joint.filter(row => row.level === state.level);
  const plot = picture("plot-joint", () => jointBars(rows()));
  const holder = element("div", {});
  const fill = () => holder.replaceChildren(table(`Joint impact of ${levelWords[state.level]}`, [
    { title: "component", value: row => row.name, name: true }, { title: "weights", value: row => row.weights, text: row => grouped(row.weights) },
    { title: "joint impact", value: row => row.joint }, { title: "std. error", value: row => row.standard_error, text: row => shown(row.standard_error, 2) },
    { title: addedUp, value: row => row.aggregate }, { title: "plain sum", value: row => row.sum }], rows()));
  made.append(controls(choice("Of", kinds.map(level => [level, levelWords[level]]), value => { state.level = value; plot.again(); fill(); })), plot.frame, holder);
  fill();
  const cards = data.component_criteria;
  if (cards.length > 0)
    made.append(table("Cheap scores against the joint impact: Spearman", [{ title: "score", value: row => row.label, name: true },
      ...cards[0].kinds.map((kind, at) => ({ title: `${levelWords[kind.level] ?? kind.level}${kind.path && kind.path !== "all" ? ` (${kind.path})` : ""}`, value: row => row.kinds[at].spearman }))], cards));
}
