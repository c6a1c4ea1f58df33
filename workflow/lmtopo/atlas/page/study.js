// The study: which runs, checkpoints and layers there are, and their clouds and curves.

const study = JSON.parse(document.getElementById("study").textContent);
const GRID = Array.from({length: 65}, (_, index) => index / 64);

const models = [...new Set(study.runs.map((run) => run.model))];
const datasets = study.datasets;

const runOf = (model, budget) =>
  study.runs.find((run) => run.model === model && run.budget === budget);
const budgetsOf = (model) =>
  study.runs.filter((run) => run.model === model).map((run) => run.budget);
const datasetsOf = (model) => datasets.filter((one) => study.layers[model]?.[one]);
const layersOf = (model, dataset) => study.layers[model]?.[dataset] ?? [];
const label = (run) => run.budget === "released" ? run.model : `${run.model}, ${run.budget}`;

/** Why a checkpoint was not observed on a dataset. */
function whyMissing(side) {
  const found = study.missing.find(([model, budget, checkpoint, dataset]) =>
    model === side.model && budget === side.budget && dataset === side.dataset
    && checkpoint === `step${side.step}`);
  return found ? `This checkpoint is missing: ${found[4]}.` : "This checkpoint was not observed on this dataset.";
}

/** The diagrams of one cloud: per dimension bars [birth, death] in enclosing radii. */
function readBars(counts, numbers) {
  return counts.map((count, dimension) => {
    const births = dimension === 0 ? new Uint16Array(count) : numbers.takeSteps(count);
    const deaths = dimension === 0 ? numbers.takeSteps(count) : numbers.take(count);
    return Array.from(births, (birth, index) => ({
      birth: birth / TOP,
      death: deaths[index] === NONE ? Infinity : deaths[index] / TOP,
      index,
    }));
  });
}

function readClouds(header, numbers) {
  return header.map((told) => {
    if (!told) return null;
    const bars = readBars(told.bars, numbers);
    const nulls = {};
    for (const [name, null_] of Object.entries(told.nulls)) {
      const drawn = readBars(null_.bars, numbers);
      const [low, median, high] = [0, 1, 2].map(() =>
        null_.bars.map(() => numbers.takeHalves(GRID.length)));
      nulls[name] = {bars: drawn, low, median, high, draws: null_.draws, radius: null_.radius};
    }
    const [x, y] = [0, 1].map(() => numbers.takeScaled(told.points, told.from, told.to));
    return {radius: told.radius, variance: told.variance, bars, nulls, x, y};
  });
}

/** The side's clouds over training; null where there is none. */
async function cloudsOf(side) {
  const name = ["clouds", side.model, side.budget, side.dataset, side.pooling, side.layer].join("/");
  return await load(name, readClouds) ?? [];
}

/** From the first birth to the last death over a whole training, so that axes stand still. */
function rangeOf(clouds, dimension, null_) {
  const bars = clouds.flatMap((cloud) => cloud
    ? [...(cloud.bars[dimension] ?? []), ...(cloud.nulls[null_]?.bars[dimension] ?? [])] : []);
  let low = dimension === 0 ? 0 : 1, high = 0;
  for (const {birth, death} of bars) {
    if (birth < low) low = birth;
    if (Number.isFinite(death) && death > high) high = death;
  }
  return high > low ? [Math.floor(low * 20) / 20, Math.min(1, Math.ceil(high * 20) / 20)] : [0, 1];
}

function readSignatures(header, numbers) {
  return header.map((told) => {
    const count = runOf(told.model, told.budget).step.length;
    const [value, low, high, ...beside] = Array.from({length: 3 + 2 * study.nulls.length}, () =>
      numbers.takeScaled(count, told.from, told.to));
    const deviations = study.nulls.map(() => numbers.takeScaled(count, 0, told.sd));
    const percentiles = study.nulls.map(() => numbers.takeScaled(count, 0, 100));
    const nulls = Object.fromEntries(study.nulls.map((name, index) =>
      [name, {mean: beside[index], own: beside[study.nulls.length + index], sd: deviations[index], percentile: percentiles[index]}]));
    return {...told, value, low, high, nulls};
  });
}

/** The signatures of all runs on the side's dataset, at its layer and pooling. */
async function signaturesOf({dataset, pooling, layer}) {
  return await load(["signatures", dataset, pooling, layer].join("/"), readSignatures) ?? [];
}

/** What the points of the side's cloud stand for. */
async function placesOf(side) {
  const run = runOf(side.model, side.budget);
  const places = await load(run.places + side.dataset, (header) => header);
  return places?.[side.pooling === "token" ? "token" : "text"] ?? [];
}
