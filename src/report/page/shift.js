// 5: the wolf and the snow: does the ranking hold on other inputs?

function shiftSection() {
  const shift = data.shift;
  const made = section("shift", "Shift", "Would the important weights break under a shift in the data?", shift);
  if (shift.missing) {
    made.append(element("p", { class: "note" }, "A classifier that tells wolves from dogs by the snow behind them is right until summer. Rank the same model on the shifted inputs, then compare the two runs: weights that matter on one of them only are the snow."));
    return;
  }
  const kinds = [["only_here", "matter only here"], ["only_there", "matter only there"], ["rose", "rose"], ["fell", "fell"]];
  if (kinds.some(([key]) => shift[key].length > 0)) {
    made.append(picture("plot-shift", () => {
      const colours = palette();
      const every = kinds.flatMap(([key]) => shift[key]).flatMap(row => [row.impact, row.impact_there]).filter(value => value > 0);
      const least = Math.min(...every), most = Math.max(...every);
      return { height: narrow() ? 360 : 440, traces: [
        ...kinds.filter(([key]) => shift[key].length > 0).map(([key, name], at) => ({ type: "scatter", mode: "markers", name, x: shift[key].map(row => Math.max(row.impact ?? 0, least / 2)),
          y: shift[key].map(row => Math.max(row.impact_there ?? 0, least / 2)), marker: { size: 9, color: colours.lines[at], symbol: ["circle", "diamond", "triangle-up", "triangle-down"][at] },
          customdata: shift[key].map(row => [plain(row.weight), shown(row.impact), shown(row.impact_there)]),
          hovertemplate: "<b>%{customdata[0]}</b><br>here %{customdata[1]}, there %{customdata[2]}<extra></extra>" })),
        { type: "scatter", mode: "lines", name: "the same impact", x: [least, most], y: [least, most], line: { color: colours.neutral, dash: "dot", width: 1.5 }, hoverinfo: "skip" }],
      layout: { showlegend: true, xaxis: axis("impact here", { type: "log" }), yaxis: axis(`impact on ${plain(shortened(shift.other, 30))}`, { type: "log" }) },
      text: "Weights whose impact differs most between the two sets of inputs; on the dotted line both are the same." };
    }).frame);
  }
  const columns = [{ title: "weight", value: row => row.weight, name: true }, { title: "value", value: row => row.value, text: row => shown(row.value, 4) },
    { title: "impact here", value: row => row.impact }, { title: "impact there", value: row => row.impact_there }];
  made.append(element("div", { class: "pair tables" }, ...kinds.filter(([key]) => shift[key].length > 0).map(([key, name]) => table(`Weights that ${name}`, columns, shift[key]))));
}
