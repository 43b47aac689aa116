// 2: |weight| against impact, and the two lists where they disagree.

const middles = bins => Array.from({ length: bins.bins }, (_, at) => 10 ** (bins.from + (at + 0.5) * bins.width));

function magnitudeMap(histogram) {
  const colours = palette();
  const { x, y } = histogram;
  const logs = Array.from({ length: y.bins }, () => new Array(x.bins).fill(null));
  const counts = Array.from({ length: y.bins }, () => new Array(x.bins).fill(""));
  const columns = Array.from({ length: x.bins }, () => []);
  for (let at = 0; at < histogram.cells.length; at += 2) {
    const row = Math.floor(histogram.cells[at] / x.bins), column = histogram.cells[at] % x.bins, count = histogram.cells[at + 1];
    logs[row][column] = Math.log10(count);
    counts[row][column] = grouped(count);
    columns[column].push([row, count]);
  }
  // The median impact of each column of the picture, where it has enough weights for one.
  const line = { x: [], y: [] };
  columns.forEach((cells, column) => {
    const total = cells.reduce((sum, [, count]) => sum + count, 0);
    if (total < 10) return;
    let below = 0;
    const middle = cells.find(([, count]) => (below += count) >= total / 2);
    line.x.push(middles(x)[column]);
    line.y.push(middles(y)[middle[0]]);
  });
  const most = Math.max(0, ...histogram.cells.filter((_, at) => at % 2 === 1).map(Math.log10));
  const ticks = Array.from({ length: Math.floor(most) + 1 }, (_, at) => at);
  const left = [[histogram.zero_weights, "that are exactly 0"], [histogram.zero_impacts, "that do not move the output"]]
    .filter(([count]) => count > 0).map(([count, words]) => `${grouped(count)} ${words}`);
  return { height: narrow() ? 380 : 460, traces: [
    { type: "heatmap", z: logs, x: middles(x), y: middles(y), colorscale: colours.scale, hoverongaps: false, zmin: 0, zmax: Math.max(most, 0.5), customdata: counts,
      colorbar: { ...colourBar(narrow() ? "" : "weights in a cell"), tickvals: ticks, ticktext: ticks.map(power => grouped(10 ** power)) },
      hovertemplate: "%{customdata} weights<br>|weight| about %{x:.2~e}<br>impact about %{y:.2~e}<extra></extra>" },
    { type: "scatter", mode: "lines", name: "median impact", ...line, line: { color: colours.negative, width: 2.5 }, hovertemplate: "median impact %{y:.2~e}<br>at |weight| %{x:.2~e}<extra></extra>" }],
  layout: { xaxis: axis("|weight|", { type: "log", dtick: narrow() ? 2 : 1 }), yaxis: axis(impactWords, { type: "log", dtick: 1 }) },
  text: `${grouped(histogram.weights)} weights by size and impact, both axes logarithmic; the orange line is the median impact at that size: were magnitude a guide, it would climb steeply.${left.length > 0 ? ` Not in the picture: ${left.join(" and ")}.` : ""}` };
}

function magnitudeSection() {
  const magnitude = data.magnitude;
  const made = section("magnitude", "Magnitude", "Is a weight far from zero important?", magnitude);
  const maps = magnitude.histograms.filter(histogram => histogram.weights > 0);
  if (maps.length > 0) {
    let at = 0;
    const plot = picture("plot-magnitude", () => magnitudeMap(maps[at]));
    made.append(controls(choice("Weights of", maps.map((map, place) => [place, map.parameter || "the whole model"]),
      value => { at = Number(value); plot.again(); })), plot.frame);
  }
  made.append(element("div", { class: "pair tables" },
    table("Large but inert", weightColumns, magnitude.large_but_inert, "Among the largest 1 % by |weight|, those that move the output least."),
    table("Small but critical", weightColumns, magnitude.small_but_critical, "Among the smaller half by |weight|, those that move the output most.")));
  made.append(table("Magnitude against impact, matrix by matrix", [
    { title: "matrix", value: row => row.parameter || "all", name: true },
    { title: "weights", value: row => row.weights, text: row => grouped(row.weights) },
    { title: "Spearman", value: row => row.spearman, text: row => (row.spearman === null ? "–" : row.spearman.toFixed(2)) },
    { title: "Kendall", value: row => row.kendall, text: row => (row.kendall === null ? "–" : row.kendall.toFixed(2)) },
    { title: "top 1 % in common", value: row => row.overlap, text: row => percent(row.overlap) },
    { title: "by chance", value: row => row.chance, text: row => percent(row.chance) }], magnitude.agreements));
}
