// Panels: the figures of each side and those of both, with what they say in words.

const PANELS = ["diagram", "barcode", "betti", "projection"];
const TITLES = {diagram: "Persistence diagram", barcode: "Barcode", betti: "Betti curve", projection: "Projection"};

/** Put a chart, or words where there is none, into a figure. */
function fill(figure, title, detail, draw, words) {
  const caption = document.createElement("figcaption");
  const strong = Object.assign(document.createElement("strong"), {textContent: title});
  const small = Object.assign(document.createElement("span"), {textContent: detail});
  caption.append(strong, " ", small);
  const style = getComputedStyle(figure);
  const width = Math.max(200, figure.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
  const height = parseFloat(style.getPropertyValue("--height"));
  const shown = draw ? draw(width, height)
    : Object.assign(document.createElement("p"), {className: "none", textContent: words});
  figure.replaceChildren(caption, shown);
  return shown;
}

/** The side's cloud at its checkpoint, among those of its whole training. */
const cloudAt = (side, clouds) => clouds[runOf(side.model, side.budget).step.indexOf(side.step)];

/** One range of scales and one greatest Betti number for both sides, so that they can be compared. */
async function axesOfSides({a, b, dimension, null: name}) {
  const sides = await Promise.all([a, b].filter(Boolean).map(async (side) => {
    const clouds = await cloudsOf(side), cloud = cloudAt(side, clouds);
    return {range: rangeOf(clouds, dimension, name), most: cloud ? mostAlive(cloud, cloud.nulls[name], dimension) : 0};
  }));
  return {
    range: [d3.min(sides, ({range}) => range[0]), d3.max(sides, ({range}) => range[1])],
    most: d3.max(sides, ({most}) => most),
  };
}

async function showSide(section, side, state) {
  const [clouds, places, axes] = await Promise.all([cloudsOf(side), placesOf(side), axesOfSides(state)]);
  const figure = (name) => section.querySelector(`[data-panel=${name}]`);
  const run = runOf(side.model, side.budget), {dimension} = state;
  const cloud = cloudAt(side, clouds);
  return () => {
    if (!cloud) {
      for (const name of PANELS) fill(figure(name), TITLES[name], "", null, whyMissing(side));
      return;
    }
    const drawn = cloud.nulls[state.null], colour = onPaper(run.colour);
    const shown = {cloud, drawn, dimension, colour, ...axes, places, colouring: state.colour};
    const bars = cloud.bars[dimension];
    const longest = Math.max(...(bars ?? []).map((bar) => bar.death - bar.birth).filter(Number.isFinite));
    const none = `No bars of H${dimension}: ${["no points", "this cloud has no loops", "this cloud has no voids"][dimension]}.`;
    const beside = drawn ? `hollow: ${words(state.null)} null` : state.null === "none" ? "" : "no null here";
    fill(figure("diagram"), TITLES.diagram, beside, (...size) => diagram(shown, ...size));
    fill(figure("barcode"), TITLES.barcode,
      bars?.length ? `${bars.length} bars, longest ${format(longest)} R` : "",
      bars?.length ? (...size) => barcode(shown, ...size) : null, none);
    fill(figure("betti"), TITLES.betti, drawn ? `grey: ${drawn.draws} draws of the null` : "",
      bars?.length || drawn ? (...size) => betti(shown, ...size) : null, none);
    fill(figure("projection"), TITLES.projection, (state.colour === "position"
      ? "dark to light: position" : "one colour a text") + (state.b ? "; own scale" : ""),
      (...size) => projection(shown, ...size));
  };
}

function qualityCourse(state) {
  const {measure} = state, name = study.measures.find(([one]) => one === measure)?.[1];
  const sides = [["A", state.a], ["B", state.b]].filter(([, side]) => side);
  const of = (dataset, runs) => (study.quality[dataset] ?? []).map((one) => {
    const run = runOf(one.model, one.budget);
    return {
      run, dataset, chosen: sides.some(([, side]) => side.dataset === dataset && runOf(side.model, side.budget) === run),
      points: one.step.map((step, at) => ({
        x: one.x[at], y: one[measure][at], run, step,
        told: `${label(run)} on ${dataset}\nstep ${step.toLocaleString("en")}\n${name} ${format(one[measure][at])}`,
      })),
    };
  }).filter(({run}) => !runs || runs.includes(run));
  const series = of(state.a.dataset);
  if (state.b && state.b.dataset !== state.a.dataset) series.push(...of(state.b.dataset, [runOf(state.b.model, state.b.budget)]));
  const marks = sides.flatMap(([called, side]) =>
    marksOf([[called, side]], series.filter(({dataset}) => dataset === side.dataset))
      .map((mark) => ({...mark, name: state.b ? called : ""})));
  const on = [...new Set(sides.map(([, side]) => side.dataset))].join(" and ");
  return {series, marks, name, on};
}

function marksOf(sides, series) {
  return sides.flatMap(([name, side]) => {
    const run = runOf(side.model, side.budget);
    const point = series.find((one) => one.run === run)?.points.find(({step}) => step === side.step);
    return point ? [{...point, name: sides.length > 1 ? name : "", colour: onPaper(run.colour)}] : [];
  });
}

async function signatureCourse(state) {
  const dimension = dimensionOf(state), {signature} = state;
  const same = state.b && ["dataset", "pooling", "layer"].every((key) => state.a[key] === state.b[key]);
  const of = async (side, all) => (await signaturesOf(side))
    .filter((one) => one.name === signature && one.dimension === dimension
      && (all || runOf(one.model, one.budget) === runOf(side.model, side.budget)))
    .map((one) => {
      const run = runOf(one.model, one.budget), drawn = one.nulls[state.null];
      return {
        run, side, points: run.step.map((step, at) => ({
          x: run[study.compute.column][at], y: one.value[at], low: one.low[at], high: one.high[at],
          mean: drawn?.mean[at] ?? NaN, own: drawn?.own[at] ?? NaN, sd: drawn?.sd[at] ?? NaN, percentile: drawn?.percentile[at] ?? NaN, run, step,
          told: `${label(run)}\nstep ${step.toLocaleString("en")}\n${words(signature)} ${format(one.value[at])}`
            + (drawn && !Number.isNaN(drawn.mean[at]) ? `\nnull ${format(drawn.mean[at])} ± ${format(drawn.sd[at])}` : ""),
        })),
      };
    });
  const series = await of(state.a, true);
  if (state.b && !same) series.push(...await of(state.b, false));
  for (const one of series) {
    one.chosen = [state.a, state.b].some((side) => side && (side === one.side || same)
      && runOf(side.model, side.budget) === one.run);
  }
  const marks = [["A", state.a], ["B", state.b]].filter(([, side]) => side).flatMap(([name, side]) =>
    marksOf([[name, side]], series.filter((one) => same || one.side === side))
      .map((mark) => ({...mark, name: state.b ? name : ""})));
  return {series, marks};
}

/** What the null says of a value, in words: of that of the subsamples that have draws, which need not
    be all. */
function besideNull({y, mean, own, sd, percentile}, name, draws) {
  if (name === "none" || Number.isNaN(mean)) return "";
  const rank = percentile === 0 ? "below all draws" : percentile === 100 ? "above all draws"
    : Number.isNaN(percentile) ? `${draws || "few"} draws, too few for a percentile` : `percentile ${Math.round(percentile)}`;
  const whose = format(own) === format(y) ? "" : `the ${format(own)} of subsamples with draws is `;
  return `${words(name)} null ${format(mean)} ± ${format(sd)}: ${whose}${rank}`;
}

/** Where the signatures of the sides are measured: once, or where they differ, of each. */
function measuredAt({a, b}) {
  const place = ({dataset, layer, pooling}) => [b && a.dataset !== b.dataset ? dataset : "", layer, pooling].filter(Boolean).join(", ");
  return !b || place(a) === place(b) ? place(a) : `A: ${place(a)}; B: ${place(b)}`;
}

/** The figures of all sides; what the page says of each side. */
async function show(state, place) {
  const paints = await Promise.all([
    showSide(place.a, state.a, state), state.b ? showSide(place.b, state.b, state) : () => {}]);
  const quality = qualityCourse(state), signature = await signatureCourse(state);
  const dimension = dimensionOf(state), called = (dimension < 0 ? "" : `H${dimension} `) + words(state.signature ?? "");
  const higher = quality.series.some(({points}) => points.some(isAbove(quality.series)));
  return () => {
    for (const paint of paints) paint();
    const charts = [
      fill(place.quality, `Quality on ${quality.on}`, "a click goes there" + (higher ? "; triangles lie further up" : ""),
        quality.series.length ? (...size) => course({...quality, yLabel: quality.name, log: true, label: `${quality.name} over training`}, ...size) : null,
        "No quality was measured on this dataset."),
      fill(place.signature, state.signature ? called : "Signature", measuredAt(state)
        + (state.null === "none" ? "" : `; grey: ${words(state.null)} null ± 2 sd`),
        signature.series.length ? (...size) => course({...signature, yLabel: called, label: `${called} over training`}, ...size) : null,
        study.signatures.length ? "This signature was not computed here." : "This study computes no signatures."),
    ];
    const said = ["a", "b"].map((key) => {
      const side = state[key];
      if (!side) return null;
      const measured = qualityCourse({...state, a: side, b: null}).marks[0];
      const valued = signature.marks.find(({run, step, name}) =>
        run === runOf(side.model, side.budget) && step === side.step && (!name || name === key.toUpperCase()));
      return [
        measured ? `${quality.name} ${format(measured.y)}` : "",
        valued ? `${called} ${format(valued.y)}` : "",
        valued ? besideNull(valued, state.null) : "",
      ].filter(Boolean);
    });
    return {charts, said};
  };
}
