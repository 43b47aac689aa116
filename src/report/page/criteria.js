// Which cheap score comes closest, and what happens when weights are removed in order.

function criteriaSection() {
  const criteria = data.criteria;
  const made = section("criteria", "Scores", "Which cheap score comes closest to measured impact?", criteria);
  if (criteria.missing) {
    const known = criteria.agreements.filter(row => row.parameter && row.spearman !== null);
    if (known.length > 0) made.append(picture("plot-criteria", () => dotPlot(known.map(row => row.parameter), known.map(row => row.spearman), null,
      "Spearman of magnitude and impact", "Magnitude alone: its Spearman correlation with impact, matrix by matrix.")).frame);
    return;
  }
  const rows = criteria.rows.filter(row => row.spearman !== null).sort((a, b) => b.spearman - a.spearman);
  if (rows.length > 0) made.append(picture("plot-criteria", () => dotPlot(rows.map(row => row.label), rows.map(row => row.spearman), rows.map(row => row.interval),
    "Spearman with measured impact", `Spearman correlation of each score with measured impact over all weights${rows.some(row => row.interval) ? "; the line is its 95 % interval over inputs" : ""}.`)).frame);
  const shares = [...new Set(criteria.rows.flatMap(row => Object.keys(row.overlap)))];
  const two = value => (value === null ? "–" : value.toFixed(2).replace("-0.00", "0.00"));
  made.append(table("Scorecard", [{ title: "score", value: row => row.label, name: true }, { title: "Spearman", value: row => row.spearman, text: row => two(row.spearman) },
    { title: "Kendall", value: row => row.kendall, text: row => two(row.kendall) },
    ...shares.map(share => ({ title: `top ${percent(Number(share))} in common`, value: row => row.overlap[share] ?? null, text: row => percent(row.overlap[share]) })),
    { title: "RBO", value: row => row.rbo, text: row => two(row.rbo) }, { title: "deletion area", value: row => row.deletion_area }, { title: "insertion area", value: row => row.insertion_area },
    { title: "seconds", value: row => row.seconds }], criteria.rows.toSorted((a, b) => (b.spearman ?? -2) - (a.spearman ?? -2))));
}

function dotPlot(names, values, intervals, title, text) {
  const colours = palette();
  const known = intervals && intervals.map(each => (each && each.length === 2 ? each : null));
  return { height: barHeight(names.length), traces: [{ type: "scatter", mode: "markers", x: values, y: names.map((_, at) => at), marker: { size: 11, color: colours.positive },
    error_x: known ? { type: "data", symmetric: false, array: known.map((each, at) => (each ? each[1] - values[at] : 0)), arrayminus: known.map((each, at) => (each ? values[at] - each[0] : 0)), color: colours.neutral, width: 0 } : undefined,
    customdata: names.map((name, at) => [plain(name), values[at].toFixed(3)]), hovertemplate: "<b>%{customdata[0]}</b><br>Spearman %{customdata[1]}<extra></extra>" }],
  layout: { xaxis: axis(title, { range: [Math.min(-0.05, ...values.map(value => value - 0.05)), 1.02] }),
    yaxis: nameAxis(names, nameWidth(), { autorange: "reversed" }) }, text };
}

function curvesSection() {
  const curves = data.curves;
  const made = section("curves", "Curves", "What happens when weights are removed in order?", curves);
  if (curves.missing) return;
  const kinds = [...new Set(curves.lines.map(line => line.kind))];
  const measures = ["change", "loss", "accuracy"].filter(key => curves.lines.some(line => line[key]));
  const labels = Object.fromEntries((data.criteria.rows ?? []).map(row => [row.name, row.label]));
  const words = { change: "rms change of the output", loss: "loss", accuracy: "accuracy" };
  const state = { kind: kinds[0], measure: measures[0] };
  const plot = picture("plot-curves", () => {
    const lines = curves.lines.filter(line => line.kind === state.kind && line[state.measure]);
    return { height: narrow() ? 340 + 20 * lines.length : 460, traces: lines.map((line, at) => ({ type: "scatter", mode: "lines+markers", name: plain(labels[line.criterion] ?? line.criterion), x: line.share, y: line[state.measure],
      line: { width: line.criterion === "impact" ? 3.5 : 2, dash: ["solid", "dash", "dot", "dashdot"][Math.floor(at / 7) % 4] }, marker: { size: 5 },
      hovertemplate: `<b>${plain(labels[line.criterion] ?? line.criterion)}</b><br>%{x:.1%} of the weights: %{y:.3~g}<extra></extra>` })),
    layout: { showlegend: true, ...(narrow() ? { legend: { orientation: "v", x: 0, y: -0.4, yanchor: "top" } } : {}),
      xaxis: axis(state.kind === "deletion" ? "share of weights removed, foremost first" : "share of weights kept, foremost first", { type: "log", tickformat: "~%", dtick: narrow() ? 1 : undefined }),
      yaxis: axis(words[state.measure], { rangemode: "tozero" }) },
    text: state.kind === "deletion" ? "Weights removed in the order of each score: a good score does much harm early." : "Only the foremost weights kept, by each score: a good score needs few." };
  });
  made.append(controls(choice("Weights are", kinds.map(kind => [kind, kind === "deletion" ? "removed" : "put back"]), value => { state.kind = value; plot.again(); }),
    choice("Shown", measures.map(measure => [measure, words[measure]]), value => { state.measure = value; plot.again(); })), plot.frame);
}
