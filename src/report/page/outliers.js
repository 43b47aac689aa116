// 4: do the outlying weights play the big role?

const binName = bin => (bin.to === null ? `${bin.from} and more` : `${bin.from} to ${bin.to}`);

function outlierBars(matrix) {
  const colours = palette();
  const bins = matrix.bins;
  const bar = (key, name, colour) => ({ type: "bar", name, x: bins.map(binName), y: bins.map(bin => bin[key]), marker: { color: colour },
    customdata: bins.map(bin => [grouped(bin.weights), percent(bin[key]), shown(bin.mean_impact)]),
    hovertemplate: `robust |z| %{x}<br>%{customdata[0]} weights<br>${name}: %{customdata[1]}<br>mean impact %{customdata[2]}<extra></extra>` });
  return { height: 340, traces: [bar("share", "share of weights", colours.neutral), bar("impact_share", "share of impact", colours.positive)],
    layout: { barmode: "group", bargap: 0.25, showlegend: true, xaxis: axis("robust |z|", { type: "category" }),
      yaxis: axis("share", { tickformat: ".0%", rangemode: "tozero" }) },
    text: `Weights by how far they lie from the median of their matrix, in robust standard deviations (1.4826 x the median absolute deviation): their share of all weights beside their share of the impact${data.squares ? " (squared impacts)" : ""}.` };
}

function outlierMeans(matrix) {
  const colours = palette();
  const bins = matrix.joint.length > 0 ? matrix.joint : matrix.bins;
  const line = (key, name, colour, symbol) => ({ type: "scatter", mode: "lines+markers", name, x: bins.map(binName), y: bins.map(bin => bin[key]),
    line: { color: colour, width: 2 }, marker: { size: 9, symbol }, customdata: bins.map(bin => [grouped(bin.weights), shown(bin[key])]),
    hovertemplate: `robust |z| %{x}<br>%{customdata[0]} weights<br>${name} %{customdata[1]}<extra></extra>` });
  const traces = [line("mean_impact", "mean impact of one weight", colours.positive, "circle")];
  if (matrix.joint.length > 0) traces.push(line("joint_impact", "joint impact of the bin, executed", colours.negative, "diamond"));
  return { height: 320, traces, layout: { showlegend: true, xaxis: axis("robust |z|", { type: "category" }), yaxis: axis(impactWords, { type: "log" }) },
    text: matrix.joint.length > 0 ? "Mean impact of one weight of a bin, and the executed impact of all its weights together." : `Mean impact of one weight, by how far it lies from the middle.${data.outliers.has_joint ? " Choose one matrix above for the joint impact of its bins." : ""}` };
}

function outliersSection() {
  const outliers = data.outliers;
  const made = section("outliers", "Outliers", "Do the outlying weights play the big role?", outliers);
  const matrices = outliers.matrices.filter(matrix => matrix.bins.some(bin => bin.weights > 0));
  if (matrices.length > 0) {
    let at = 0;
    const bars = picture("plot-outliers", () => outlierBars(matrices[at]));
    const means = picture("plot-outlier-means", () => outlierMeans(matrices[at]));
    made.append(controls(choice("Weights of", matrices.map((matrix, place) => [place, matrix.parameter || "the whole model"]),
      value => { at = Number(value); bars.again(); means.again(); })), element("div", { class: "pair" }, bars.frame, means.frame));
  }
  if (outliers.joint_missing) made.append(missingLine(outliers.joint_missing));
}
