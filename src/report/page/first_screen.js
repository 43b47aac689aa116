// The verdict, the three numbers behind it, how sure they are; and the weights that matter most.

function firstScreen() {
  const weights = data.weights > 0 || data.components === 0;
  document.getElementById("over").textContent = `${data.title} · ${weights ? `${grouped(data.weights)} weights ranked` : `${grouped(data.components)} components measured`} by ${data.metric_words}`;
  document.getElementById("title").textContent = `Which ${weights ? "weights" : "parts"} of this network matter?`;
  document.getElementById("verdict").textContent = data.verdict;
  document.getElementById("certainty").textContent = data.certainty || "Nothing was ranked, so there is nothing to be sure of.";
  document.getElementById("numbers").append(...data.numbers.map(each => element("div", {},
    element("dt", {}, each.label), element("dd", { class: "value" }, each.value), element("dd", { class: "meaning" }, each.meaning))));
  if (!data.complete)
    document.getElementById("banner").append(missingLine({ missing: "This run was stopped before its end; what was measured is shown.",
      command: "heft rank … --resume" }));
}

function topSection() {
  const rows = data.top;
  const answer = rows.length === 0 ? { number: "–", what: "", sentence: "No weight was ranked.", sure: "" } : {
    number: shown(rows[0].impact), what: `impact of the foremost weight, as ${data.metric_words}`,
    sentence: `${rows[0].name} matters most: ${data.changing} it moves the output by ${shown(rows[0].impact)}.`,
    sure: `${rows.filter(row => row.executed).length} of these ${rows.length} were executed.` };
  const made = section("weights", "Top", "Which weights matter most?", answer);
  if (rows.length === 0) return;
  made.append(picture("plot-top", () => {
    const colours = palette();
    const bars = rows.slice(0, 30);
    const error = bars.map(row => row.standard_error ?? 0);
    return { height: barHeight(bars.length), traces: [{ type: "scatter", mode: "markers", x: bars.map(row => row.impact), y: bars.map((_, at) => at),
      marker: { size: 9, color: bars.map(row => (row.weight < 0 ? colours.negative : colours.positive)),
        symbol: bars.map(row => (row.executed ? "circle" : "circle-open")) },
      error_x: { type: "data", array: error, color: colours.neutral, thickness: 1.5, width: 0 },
      customdata: bars.map(row => [plain(row.name), shown(row.impact), shown(row.standard_error, 2), shown(row.weight, 4), grouped(row.magnitude_rank)]),
      hovertemplate: "<b>%{customdata[0]}</b><br>impact %{customdata[1]} ± %{customdata[2]}<br>value %{customdata[3]}, |w| rank %{customdata[4]}<extra></extra>" }],
    layout: { xaxis: axis(impactWords, { rangemode: "tozero" }), yaxis: nameAxis(bars.map(row => row.name), nameWidth(), { autorange: "reversed" }) },
    text: "Impact of the foremost weights; the line is one standard error over inputs. Blue: the weight is positive, orange: negative. Filled: executed, hollow: estimate." };
  }).frame);
  made.append(table("The weights that matter most", [
    { title: "#", value: row => row.rank, text: row => grouped(row.rank) },
    { title: "weight", value: row => row.name, name: true },
    { title: "value", value: row => row.weight, text: row => shown(row.weight, 4) },
    { title: "impact", value: row => row.impact },
    { title: "std. error", value: row => row.standard_error, text: row => shown(row.standard_error, 2) },
    { title: data.interval, value: row => (row.executed ? "executed" : `${shown(row.lower)} … ${row.upper === null ? "open" : shown(row.upper)}`) },
    { title: "|w| rank", value: row => row.magnitude_rank, text: row => grouped(row.magnitude_rank) },
    { title: "layer", value: row => row.layer }, { title: "gate", value: row => row.gate }, { title: "unit", value: row => row.unit, text: row => row.unit ?? "–" },
  ], rows));
}
