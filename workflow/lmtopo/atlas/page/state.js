// What is chosen, and the address that says so.

const KEYS = ["model", "budget", "dataset", "layer", "pooling", "step"];
const SHARED = ["dimension", "signature", "null", "colour", "measure"];
const COLOURINGS = [["position", "position"], ["document", "text"]];

const depthOf = ({model, dataset, layer}) => {
  const found = study.depths[model]?.[dataset]; // of what an address may say: "constructor", "length"
  const all = Array.isArray(found) ? found : [];
  return all.indexOf(layer) < 0 ? 1 : all.indexOf(layer) / Math.max(all.length - 1, 1);
};

/** The one of `items` at the least distance; the later of two. */
function nearest(items, distance) {
  return items.reduce((best, one) => distance(one) <= distance(best) ? one : best);
}

/** The layer at about the same depth of a model. */
function layerNear(model, dataset, depth) {
  return nearest(layersOf(model, dataset), (layer) =>
    Math.abs(depthOf({model, dataset, layer}) - depth));
}

/** The checkpoint of a run at about the same compute, or step where compute is not known. */
function stepNear(run, step, flops) {
  const known = flops != null && run.flops.every((one) => one != null);
  const measure = known ? (at) => Math.log1p(run.flops[at]) : (at) => run.step[at];
  const goal = known ? Math.log1p(flops) : step;
  return run.step[nearest([...run.step.keys()], (at) => Math.abs(measure(at) - goal))];
}

const one = (value, allowed, otherwise = allowed[0]) => allowed.includes(value) ? value : otherwise;

/** A side in which everything exists: what does not is replaced by what is nearest to it. */
function settled(side, before = side) {
  const model = one(side.model, models, one(study.opening.model, models));
  const budget = one(side.budget, budgetsOf(model));
  const dataset = one(side.dataset, datasetsOf(model));
  const pooling = one(side.pooling, study.poolings[dataset]);
  const layers = layersOf(model, dataset);
  const layer = layers.includes(side.layer) ? side.layer
    : layerNear(model, dataset, depthOf(side.layer === before.layer ? before : {...side, model, dataset}));
  const run = runOf(model, budget), last = runOf(before.model, before.budget);
  const moved = last && last !== run;
  const step = run.step.includes(side.step) && !moved ? side.step
    : stepNear(run, Number.isFinite(side.step) ? side.step : Infinity,
      moved ? last.flops[last.step.indexOf(before.step)] : null);
  return {model, budget, dataset, layer, pooling, step};
}

/** Names of the signatures of a homology dimension, and of clouds as such. */
const namesOf = (dimension) =>
  study.signatures.filter(([of]) => of === dimension).map(([, name]) => name);
const dimensionOf = ({dimension, signature}) =>
  namesOf(dimension).includes(signature) ? dimension : -1;

function settledAll(raw) {
  const dimension = one(raw.dimension, study.dimensions, study.opening.dimension);
  const names = [...namesOf(dimension), ...namesOf(-1)];
  return {
    a: settled(raw.a),
    b: raw.b && settled(raw.b),
    dimension,
    signature: one(raw.signature, names, one(study.opening.signature, names)),
    null: one(raw.null, [...study.nulls, "none"]),
    colour: one(raw.colour, COLOURINGS.map(([name]) => name)),
    measure: one(raw.measure, study.measures.map(([name]) => name)),
  };
}

function toHash(state) {
  const told = new URLSearchParams();
  for (const key of KEYS) told.set(key, state.a[key]);
  if (state.b) for (const key of KEYS) told.set(`${key}-b`, state.b[key]);
  for (const key of SHARED) if (state[key] != null) told.set(key, state[key]);
  return `#${told}`;
}

function fromHash(hash) {
  const told = new URLSearchParams(hash.slice(1));
  const side = (ending) => Object.fromEntries(KEYS.map((key) => {
    const value = told.get(key + ending) ?? study.opening[key];
    return [key, key === "step" ? (value == null ? NaN : Number(value)) : value];
  }));
  const shared = Object.fromEntries(SHARED.map((key) => [key, told.get(key) ?? study.opening[key]]));
  shared.dimension = Number(shared.dimension);
  return settledAll({a: side(""), b: told.has("model-b") ? side("-b") : null, ...shared});
}
