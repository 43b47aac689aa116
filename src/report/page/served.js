// Which component serves which class, step, output or label: the lesion matrix.

/** What is shown of the impacts: as they are, or each row or column of its own largest. */
function servedValues(kind, shownAs) {
  const largest = list => Math.max(...list.filter(value => value !== null), 0);
  const share = (value, whole) => (value === null || !(whole > 0) ? null : value / whole);
  if (shownAs === "row") return kind.impact.map(row => row.map(value => share(value, largest(row))));
  if (shownAs === "column") {
    const most = kind.impact[0].map((_, at) => largest(kind.impact.map(row => row[at])));
    return kind.impact.map(row => row.map((value, at) => share(value, most[at])));
  }
  return kind.impact;
}

function servedMap(served, kind, shownAs) {
  const title = { impact: impactWords, row: "share of the component's largest", column: `share of the ${served.by_words}'s largest` }[shownAs];
  const drawn = heatMap(kind.rows, served.groups.map(name => `${served.by_words} ${name}`), servedValues(kind, shownAs), title, false);
  drawn.traces[0].customdata = kind.impact.map((row, r) => row.map((value, c) => [plain(kind.rows[r]), plain(served.groups[c]), shown(value), shown(kind.error[r][c], 2)]));
  drawn.traces[0].hovertemplate = `<b>%{customdata[0]}</b><br>${served.by_words} %{customdata[1]}: %{customdata[2]} ± %{customdata[3]}<extra></extra>`;
  const names = served.groups.every(name => /^-?\d+$/.test(name)) ? served.groups : null;
  if (names) drawn.layout.xaxis = nameAxis(names, 18, { showgrid: false, title: { text: served.by_words } });
  const rows = kind.rows.length < kind.all ? `the ${kind.rows.length} foremost of ${grouped(kind.all)} ${kind.words}` : `${grouped(kind.all)} ${kind.words}`;
  const columns = served.groups.length < served.all_groups ? ` The first ${served.groups.length} of ${grouped(served.all_groups)} are shown.` : "";
  return { ...drawn, text: `What ${rows} do to each ${served.by_words}: the impact on its outputs alone when all of a component's weights are changed at once.${columns}` };
}

function servedSection() {
  const served = data.served;
  if (!served) return;
  const made = section("served", "Groups", `Which component serves which ${served.by_words}?`, served);
  const state = { kind: 0, shownAs: "impact" };
  const kind = () => served.kinds[state.kind];
  const plot = picture("plot-served", () => servedMap(served, kind(), state.shownAs));
  const holder = element("div", {});
  const fill = () => holder.replaceChildren(table(`The ${kind().words} that matter most to each ${served.by_words}`, [
    { title: served.by_words, value: row => row.group, name: true }, { title: "component", value: row => row.name, name: true },
    { title: "impact on it", value: row => row.impact }, { title: "std. error", value: row => row.error, text: row => shown(row.error, 2) },
    { title: "on all outputs", value: row => row.whole }], kind().foremost));
  made.append(controls(
    choice("Of", served.kinds.map((each, at) => [at, each.words]), value => { state.kind = Number(value); plot.again(); fill(); }),
    choice("Shown", [["impact", "impact"], ["row", "share of the component's largest"], ["column", `share of the ${served.by_words}'s largest`]],
      value => { state.shownAs = value; plot.again(); })), plot.frame, holder);
  fill();
}
