// Charts: each takes what it shows and a size, and gives an SVG with values under the pointer.

const format = (value) => {
  if (value == null || Number.isNaN(value)) return "unknown";
  if (!Number.isFinite(value)) return "∞";
  const size = Math.abs(value);
  if (size >= 1e7 || (size > 0 && size < 1e-3)) return value.toExponential(2).replace("e+", "e");
  return value.toLocaleString("en", {maximumSignificantDigits: 4});
};
const words = (name) => name.replaceAll("_", " ");
const INK = "currentColor", FAINT = 0.12;
const GREY = "var(--null)";
const SYMBOLS = ["circle", "triangle", "square"];
const dark = matchMedia("(prefers-color-scheme: dark)");
/** A run's colour; in the dark a little lighter, and black, which could not be seen, as the ink. */
const onPaper = (colour) => colour === "#000000" ? "var(--ink)"
  : dark.matches ? d3.interpolateRgb(colour, "#ffffff")(0.25) : colour;

function plot(told, width, height, options) {
  return Plot.plot({
    width, height, marginTop: 18, marginRight: 12, marginBottom: 34, marginLeft: 42,
    style: {background: "transparent", color: "inherit", fontSize: "11px", overflow: "visible"},
    ariaLabel: told,
    ...options,
  });
}

const tipped = {tip: {fill: "var(--paper)", stroke: "var(--line)", textPadding: 7, lineWidth: 24}};
const grid = (axis) => axis === "x"
  ? Plot.gridX({stroke: INK, strokeOpacity: FAINT}) : Plot.gridY({stroke: INK, strokeOpacity: FAINT});

const aBar = (bar, radius, dimension) => [
  `H${dimension} bar`,
  `born at ${format(bar.birth)} R`,
  bar.death === Infinity ? "never dies" : `dies at ${format(bar.death)} R`,
  bar.death === Infinity ? "" : `lives ${format(bar.death - bar.birth)} R = ${format((bar.death - bar.birth) * radius)}`,
].filter(Boolean).join("\n");

/** A little beyond the range, where what never dies is drawn. */
const beyond = ([low, high]) => high + (high - low) * 0.07;

function diagram({cloud, drawn, dimension, colour, range}, width, height) {
  const [low, high] = range, above = beyond(range), axis = d3.ticks(low, high, 5);
  const chosen = cloud.bars[dimension] ?? [];
  const endless = chosen.some((bar) => bar.death === Infinity);
  const place = {x: "birth", y: (bar) => Math.min(bar.death, above)};
  return plot(`Persistence diagram with ${chosen.length} bars of H${dimension}`, width, height, {
    x: {domain: [low, high], label: "birth / R", ticks: axis, tickFormat: format},
    y: {domain: [low, above], label: "death / R", ticks: axis, tickFormat: format},
    marks: [
      grid("x"), grid("y"),
      Plot.line([[low, low], [high, high]], {stroke: INK, strokeOpacity: 0.4}),
      endless ? Plot.text([[high, above]], {text: ["∞ never dies"], textAnchor: "end", fill: INK, fillOpacity: 0.65}) : null,
      drawn ? Plot.dot(drawn.bars[dimension] ?? [], {...place, r: 3, stroke: GREY, strokeWidth: 1.1, symbol: SYMBOLS[dimension]}) : null,
      Plot.dot(chosen, {...place, symbol: SYMBOLS[dimension], r: 3.4, fill: colour, fillOpacity: 0.66,
        title: (bar) => aBar(bar, cloud.radius, dimension), ...tipped}),
    ],
  });
}

function barcode({cloud, dimension, colour, range}, width, height) {
  const bars = [...(cloud.bars[dimension] ?? [])]
    .sort((one, other) => one.birth - other.birth || one.death - other.death)
    .map((bar, row) => ({...bar, row}));
  const end = (bar) => Math.min(bar.death, beyond(range));
  const thick = Math.max(0.7, Math.min(6, (height - 46) / Math.max(bars.length, 1) * 0.62));
  return plot(`Barcode with ${bars.length} bars of H${dimension}`, width, height, {
    marginLeft: 16,
    x: {domain: [range[0], beyond(range)], label: "scale / R", ticks: d3.ticks(...range, 5), tickFormat: format},
    y: {domain: [-1, Math.max(bars.length, 8)], axis: null, reverse: true},
    marks: [
      grid("x"),
      Plot.ruleY(bars, {y: "row", x1: "birth", x2: end, stroke: colour, strokeWidth: thick, strokeOpacity: 0.85}),
      Plot.tip(bars, Plot.pointerY({y: "row", x: end, title: (bar) => aBar(bar, cloud.radius, dimension), ...tipped.tip})),
    ],
  });
}

/** Betti numbers at every scale at which they change. */
function bettiCurve(bars) {
  const events = bars.flatMap(({birth, death}) => [[birth, 1], [death, -1]])
    .filter(([at]) => at <= 1).sort((one, other) => one[0] - other[0]);
  const curve = [{at: 0, count: 0}];
  for (const [at, change] of events) {
    const last = curve.at(-1);
    if (last.at === at) last.count += change;
    else curve.push({at, count: last.count + change});
  }
  return [...curve, {at: 1, count: curve.at(-1).count}];
}

/** The greatest Betti number of a cloud and of its null. */
const mostAlive = (cloud, drawn, dimension) => Math.max(4,
  ...bettiCurve(cloud.bars[dimension] ?? []).map((one) => one.count), ...(drawn?.high[dimension] ?? []));

function betti({cloud, drawn, dimension, colour, range, most}, width, height) {
  const curve = bettiCurve(cloud.bars[dimension] ?? []);
  const band = drawn?.low[dimension] ? GRID.map((at, index) => ({
    at, low: drawn.low[dimension][index], median: drawn.median[dimension][index], high: drawn.high[dimension][index],
  })) : [];
  const ofNull = (at) => {
    const one = band[Math.round(at * (GRID.length - 1))];
    return one ? `\nnull ${format(one.median)} (${format(one.low)} to ${format(one.high)})` : "";
  };
  return plot(`Betti curve of H${dimension}`, width, height, {
    x: {domain: range, label: "scale / R", ticks: 5, clamp: true},
    y: {domain: [0, most * 1.04], label: `bars of H${dimension} alive`, ticks: 5},
    marks: [
      grid("x"), grid("y"),
      Plot.areaY(band, {x: "at", y1: "low", y2: "high", fill: GREY, fillOpacity: 0.25}),
      Plot.lineY(band, {x: "at", y: "median", stroke: GREY, strokeDasharray: "4 3"}),
      Plot.areaY(curve, {x: "at", y: "count", curve: "step-after", fill: colour, fillOpacity: 0.14}),
      Plot.lineY(curve, {x: "at", y: "count", curve: "step-after", stroke: colour, strokeWidth: 2}),
      Plot.ruleX(curve, Plot.pointerX({x: "at", stroke: INK, strokeOpacity: 0.4})),
      Plot.tip(curve, Plot.pointerX({x: "at", y: "count", ...tipped.tip,
        title: (one) => `${one.count} alive from ${format(one.at)} R${ofNull(one.at)}`})),
    ],
  });
}

function aPlace(place) {
  if (!place) return "unknown token";
  const where = `position ${place.position}, text ${place.document + 1}`;
  if (place.tokens != null) return `${place.text}\n\n${where}, ${place.tokens} tokens`;
  const show = (text) => text.replaceAll("\n", "⏎");
  return `${show(place.before)}【${show(place.text)}】${show(place.after)}\n\n${where}`;
}

function projection({cloud, places, colouring}, width, height) {
  const points = Array.from(cloud.x, (x, index) => ({
    x, y: cloud.y[index], place: places[index], value: places[index]?.[colouring] ?? 0,
  }));
  const extent = (values) => { const [low, high] = d3.extent(values); return [(low + high) / 2, (high - low) / 2 || 1e-9]; };
  const [middleX, halfX] = extent(cloud.x), [middleY, halfY] = extent(cloud.y);
  const inner = {width: width - 54, height: height - 46};
  const unit = 1.08 * Math.max(halfX / inner.width, halfY / inner.height); // one scale for both axes
  const percent = (share) => share == null ? "" : ` (${Math.round(100 * share)}% of variance)`;
  const order = colouring === "document" ? [...new Set(points.map((one) => one.value))].sort(d3.ascending) : [];
  const spot = colouring === "document"
    ? (one) => d3.interpolateRainbow(order.indexOf(one.value) / Math.max(order.length, 1)) : "value";
  const seen = dark.matches ? [0.3, 1] : [0, 0.9]; // the rest of viridis is too near to the paper
  return plot(`Projection of the cloud: ${points.length} points`, width, height, {
    x: {domain: [middleX - unit * inner.width, middleX + unit * inner.width], label: `component 1${percent(cloud.variance[0])}`, ticks: 4},
    y: {domain: [middleY - unit * inner.height, middleY + unit * inner.height], label: `component 2${percent(cloud.variance[1])}`, ticks: 4},
    color: colouring === "document" ? {type: "identity"} : {scheme: "viridis", range: seen},
    marks: [
      grid("x"), grid("y"),
      Plot.dot(points, {x: "x", y: "y", r: 3.4, fill: spot, fillOpacity: 0.85, stroke: "var(--paper)", strokeWidth: 0.5}),
      Plot.tip(points, Plot.pointer({x: "x", y: "y", title: (one) => aPlace(one.place), ...tipped.tip})),
    ],
  });
}

/** A logarithmic axis of compute with a place for 0 at its left. */
function computeAxis(values, name) {
  const known = values.filter((one) => one != null && !Number.isNaN(one));
  const positive = known.filter((one) => one > 0);
  const [first, last] = positive.length ? d3.extent(positive) : [1, 10];
  const zero = first / Math.max((last / first) ** 0.08, 2);
  const starts = known.some((one) => one === 0);
  const decades = d3.range(Math.ceil(Math.log10(first)), Math.floor(Math.log10(last)) + 1).map((power) => 10 ** power);
  const some = decades.filter((_, index) => index % Math.ceil(decades.length / 6) === 0);
  const raised = (value) => value >= 1e4 || value < 1
    ? `10${String(Math.round(Math.log10(value))).replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? "⁻")}` : String(value);
  const ticks = some.length > 1 ? some : [...new Set([first, last])];
  return {
    place: (value) => value === 0 ? zero : value,
    scale: {type: "log", label: name, domain: [starts ? zero : first, last === first ? first * 10 : last]},
    // as text, since d3's logarithmic scales leave out labels of what is far from a power of ten
    axis: Plot.axisX([...(starts ? [zero] : []), ...ticks], {
      text: (value) => value === zero && starts ? "0" : some.length > 1 ? raised(value) : format(value),
    }),
  };
}

/** A few round numbers for a logarithmic axis. */
function logTicks(values) {
  const [low, high] = d3.extent(values.filter((one) => one > 0));
  if (low === undefined) return [];
  const powers = d3.range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1);
  for (const steps of [[1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1]]) {
    const ticks = powers.flatMap((power) => steps.map((step) => step * 10 ** power)).filter((one) => one >= low && one <= high);
    if (ticks.length <= 7) return ticks;
  }
  const inside = powers.map((power) => 10 ** power).filter((one) => one >= low && one <= high);
  const every = Math.ceil(inside.length / 7);
  return inside.filter((_, place) => place % every === 0);
}

/** Where the axis of quality ends if a run diverges: at ten times the worst of what is within a
    thousand times the start of the runs. */
function ceiling(series) {
  const known = series.map(({points}) => points.map(({y}) => y).filter(Number.isFinite)).filter((one) => one.length);
  const usual = d3.median(known, ([first]) => first);
  return 10 * d3.max(known.flat().filter((one) => one <= 1000 * usual));
}
const isAbove = (series) => { const most = ceiling(series); return ({y}) => y > most; };

/** The letters of the sides at their marks, where they are in nobody's way; one label where marks
    coincide. */
function addLetters(chart, marks, at, level) {
  const labels = [];
  for (const mark of marks) {
    const x = chart.scale("x").apply(at(mark)), y = chart.scale("y").apply(level(mark));
    const there = labels.find((one) => Math.hypot(one.x - x, one.y - y) < 18);
    if (there) there.name += `, ${mark.name}`;
    else labels.push({x, y, name: mark.name});
  }
  const near = (one, least, most) => labels.some(({x, y}) =>
    Math.abs(x - one.x) < 24 && y - one.y > least && y - one.y < most);
  const below = (one) => near(one, -34, 0) || (one.y < 34 && !near(one, 0, 34));
  const right = chart.getAttribute("width") - 32;
  d3.select(chart).append("g").attr("class", "letters").selectAll("text").data(labels).join("text")
    .attr("x", ({x}) => x).attr("y", (one) => one.y + (below(one) ? 20 : -10))
    .attr("text-anchor", ({x}) => x < 70 ? "start" : x > right ? "end" : "middle").text(({name}) => name);
  return chart;
}

/** Lines over training: of all runs faintly, of those that are chosen strongly, with a mark where
    each side is. A series: {run, x, y, low, high, mean, sd, told, steps}. */
function course({series, marks, yLabel, log, label: told}, width, height) {
  const {place, scale, axis} = computeAxis(series.flatMap((one) => one.points.map(({x}) => x)), study.compute.label);
  const at = ({x}) => place(x);
  const above = log ? isAbove(series) : () => false, most = ceiling(series);
  const level = (point) => above(point) ? most : point.y;
  const points = series.flatMap((one) => one.points.filter(({x, y}) => x != null && y != null && !Number.isNaN(y)));
  const strong = series.filter((one) => one.chosen), weak = series.filter((one) => !one.chosen);
  const line = (one) => Plot.line(one.points, {
    x: at, y: level, stroke: onPaper(one.run.colour), strokeDasharray: one.run.dash || undefined,
    strokeWidth: one.chosen ? 2.4 : 1.1, strokeOpacity: one.chosen ? 1 : 0.5,
  });
  // of a line of one point nothing is seen
  const known = (point) => point && point.x != null && Number.isFinite(point.y);
  const lonely = (one) => Plot.dot(one.points.filter((point, at) =>
    known(point) && !known(one.points[at - 1]) && !known(one.points[at + 1])), {
    x: at, y: level, r: one.chosen ? 3.5 : 2.5, fill: onPaper(one.run.colour), fillOpacity: one.chosen ? 1 : 0.7,
  });
  const tips = (one) => Plot.dot(one.points.filter(above), {
    x: at, y: level, symbol: "triangle", r: 4, fill: onPaper(one.run.colour),
  });
  const band = (one) => [
    Plot.areaY(one.points, {x: at, y1: ({mean, sd}) => mean - 2 * (sd || 0), y2: ({mean, sd}) => mean + 2 * (sd || 0), fill: GREY, fillOpacity: 0.22}),
    Plot.line(one.points, {x: at, y: "mean", stroke: GREY, strokeDasharray: "4 3"}),
    Plot.areaY(one.points, {x: at, y1: "low", y2: "high", fill: onPaper(one.run.colour), fillOpacity: 0.16}),
  ];
  const marked = marks.filter(({x, y}) => x != null && y != null && !Number.isNaN(y));
  const chart = plot(told, width, height, {
    marginLeft: 54, marginRight: 16,
    x: scale,
    y: log ? {type: "log", label: yLabel} : {label: yLabel, ticks: 5, nice: true},
    marks: [
      axis, log ? Plot.axisY(logTicks(points.map(level)), {text: format}) : null,
      log ? Plot.gridY(logTicks(points.map(level)), {stroke: INK, strokeOpacity: FAINT}) : grid("y"),
      ...strong.flatMap(band), ...weak.map(line), ...strong.map(line), ...series.map(lonely), ...series.map(tips),
      Plot.ruleX(marked, {x: at, stroke: INK, strokeOpacity: 0.25}),
      Plot.dot(marked, {x: at, y: level, r: 6, fill: "colour", stroke: "var(--paper)", strokeWidth: 2}),
      Plot.dot(points, Plot.pointer({x: at, y: level, r: 5, stroke: INK, maxRadius: 30})),
      Plot.tip(points, Plot.pointer({x: at, y: level, title: "told", maxRadius: 30, ...tipped.tip})),
    ].filter(Boolean),
  });
  return addLetters(chart, marked.filter(({name}) => name), at, level);
}
