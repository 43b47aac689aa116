// 3: which weights affect which output and which input feature.

function featuresSection() {
  const features = data.features;
  const made = section("features", "Features", "Which weights affect which feature?", features);
  if (!features.missing) {
    made.append(picture("plot-features", () => ({ ...heatMap(features.groups.slice(0, 60), features.names, features.share.slice(0, 60), "share of impact that goes", false),
      text: "Share of each group's impact that goes when an input feature is held at its mean: dark rows lean on that feature." })).frame);
    if (features.top_units.length > 0)
      made.append(table("The neurons that lean most on each feature", [
        { title: "feature", value: row => row.feature, name: true }, { title: "neuron", value: row => row.unit, name: true },
        { title: "share of its impact", value: row => row.share, text: row => percent(row.share) }],
      features.top_units.flatMap(each => each.units.map(unit => ({ feature: each.feature, ...unit })))));
  }
  const effects = data.effects;
  made.append(element("h3", {}, "And which output?"));
  if (effects.missing) {
    made.append(missingLine({ missing: "Impacts were not split by output yet.", command: effects.command }));
    return;
  }
  const rows = effects.groups.filter(group => group.sign === "all" && group.impact);
  const levels = [...new Set(rows.map(row => row.level))];
  if (rows.length === 0) return;
  const state = { level: levels[0] };
  const plot = picture("plot-outputs", () => {
    const part = rows.filter(row => row.level === state.level).slice(0, 60);
    return { ...heatMap(part.map(row => row.name), effects.outputs, part.map(row => row.impact), "rms change of the output", false),
      text: `How much each output moves when all weights of ${levelWords[state.level] ?? state.level} are removed together.` };
  });
  made.append(controls(choice("Of", levels.map(level => [level, levelWords[level] ?? level]), value => { state.level = value; plot.again(); })), plot.frame);
}
