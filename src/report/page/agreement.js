// What several runs agree on: seeds, checkpoints, input sets.

function agreementPlot(agreement, kind) {
  const colours = palette();
  const rows = kind.rows.slice(0, 40);
  const runs = agreement.runs.map((name, run) => ({ type: "scatter", mode: "markers", name: plain(shortened(name, 24)), x: rows.map(row => row.impact[run]), y: rows.map((_, at) => at),
    marker: { size: 7, symbol: "circle-open", color: colours.lines[run % colours.lines.length] }, customdata: rows.map(row => [plain(row.name), shown(row.impact[run])]),
    hovertemplate: `<b>%{customdata[0]}</b><br>${plain(shortened(name, 24))}: %{customdata[1]}<extra></extra>` }));
  const mean = { type: "scatter", mode: "markers", name: "mean ± spread", x: rows.map(row => row.mean), y: rows.map((_, at) => at), marker: { size: 9, color: colours.ink },
    error_x: { type: "data", array: rows.map(row => row.spread ?? 0), color: colours.neutral, thickness: 1.5, width: 0 },
    customdata: rows.map(row => [plain(row.name), shown(row.mean), shown(row.spread, 2)]), hovertemplate: "<b>%{customdata[0]}</b><br>%{customdata[1]} ± %{customdata[2]} over runs<extra></extra>" };
  return { height: barHeight(rows.length) + 40, traces: [...runs, mean], layout: { showlegend: true, xaxis: axis(impactWords, { rangemode: "tozero" }),
    yaxis: nameAxis(rows.map(row => row.name), nameWidth(), { autorange: "reversed" }) },
  text: "Impact in each run, and the mean over runs with their standard deviation." };
}

function agreementSection() {
  const agreement = data.agreement;
  if (!agreement) return;
  const words = kind => `${levelWords[kind.level] ?? kind.level}${kind.path && kind.path !== "all" ? ` (${kind.path})` : ""}`;
  const first = agreement.kinds[0];
  const made = section("agreement", "Runs", "Do these runs agree?", { number: first.mean_spearman === null ? "–" : first.mean_spearman.toFixed(2),
    what: "mean Spearman of each two runs' rankings (1: the same order)", sentence: `${agreement.runs.length} runs of the same architecture were compared, over ${grouped(first.common)} components of the first kind.`,
    sure: "Each run's own intervals apply; see its report." });
  const state = { kind: 0 };
  const kind = () => agreement.kinds[state.kind];
  const plot = picture("plot-agreement", () => agreementPlot(agreement, kind()));
  const holder = element("div", {});
  const fill = () => {
    holder.replaceChildren(table("Mean and spread over runs", [
      { title: "component", value: row => row.name, name: true }, { title: "mean", value: row => row.mean },
      { title: "spread", value: row => row.spread, text: row => shown(row.spread, 2) },
      ...agreement.runs.slice(0, 8).map((name, run) => ({ title: shortened(name, 16), value: row => row.impact[run] }))], kind().rows));
    if (agreement.runs.length > 2)
      holder.append(table("Spearman of each two runs", [{ title: "run", value: row => row.name, name: true },
        ...agreement.runs.map((name, run) => ({ title: shortened(name, 16), value: row => row.values[run] }))],
      agreement.runs.map((name, run) => ({ name, values: kind().spearman[run] ?? [] }))));
  };
  made.append(controls(choice("Of", agreement.kinds.map((each, at) => [at, words(each)]), value => { state.kind = Number(value); plot.again(); fill(); })), plot.frame, holder);
  fill();
}
