// The page: choices lead to pictures, and to the address.

let state = fromHash(location.hash);
let turn = 0, playing = null;
const place = {
  a: document.getElementById("side-a"), b: document.getElementById("side-b"),
  quality: document.getElementById("quality"), signature: document.getElementById("signature"),
};

/** Show what is chosen; of several calls in a row only the last is painted. */
async function paint() {
  const mine = ++turn;
  for (const key of ["a", "b"]) if (state[key]) syncSide(key, state[key]);
  syncShared(state);
  syncLegend(state);
  const draw = await show(state, place);
  await new Promise(requestAnimationFrame);
  if (mine !== turn) return;
  const {charts, said} = draw();
  ["a", "b"].forEach((key, index) => {
    document.getElementById(`said-${key}`).replaceChildren(
      ...(said[index] ?? []).map((textContent) => element("span", {textContent})));
  });
  charts.forEach((chart) => chart.addEventListener("click", () => chart.value && goTo(chart.value)));
  document.documentElement.dataset.shown = mine;
  if (!document.documentElement.dataset.ready) {
    document.documentElement.dataset.ready = Math.round(performance.now());
  }
}

const address = {timer: null, how: null, written: -Infinity};
/** Put what is chosen into the address, at most three times a second: browsers refuse to be told
    of every step of a slider. */
function remember(how) {
  if (address.how !== "pushState") address.how = how;
  if (address.timer !== null) return;
  const wait = address.written + 350 - performance.now();
  if (wait > 0) address.timer = setTimeout(write, wait);
  else write();
}
function write() {
  if (toHash(state) !== location.hash) history[address.how](null, "", toHash(state));
  Object.assign(address, {timer: null, how: null, written: performance.now()});
}
function set(next, how = "pushState") {
  state = settledAll(next);
  remember(how);
  painted = paint();
  return painted;
}
let painted = Promise.resolve();
const chosenSide = (key, keys) => settled({...state[key], ...keys}, state[key]);

const act = {
  choose: (key, keys) => set({...state, [key]: chosenSide(key, keys)}).then(() => announce(key)),
  share: (keys) => set({...state, ...keys}),
  drag(key, at) {
    // while it is dragged, the address follows without filling the history
    const step = runOf(state[key].model, state[key].budget).step[at];
    if (step !== state[key].step) set({...state, [key]: {...state[key], step}}, dragging ? "replaceState" : "pushState");
    dragging = true;
  },
  commit: (key) => { dragging = false; painted.then(() => announce(key)); },
  move(key, by, how) {
    const {step} = runOf(state[key].model, state[key].budget);
    const at = Math.max(0, Math.min(step.length - 1, step.indexOf(state[key].step) + by));
    if (step[at] !== state[key].step) set({...state, [key]: {...state[key], step: step[at]}}, how).then(() => announce(key));
  },
  play(key) {
    const stop = playing !== null;
    if (stop) { clearInterval(playing); playing = null; }
    else {
      const run = runOf(state[key].model, state[key].budget);
      if (state[key].step === run.step.at(-1)) set({...state, [key]: {...state[key], step: run.step[0]}});
      playing = setInterval(() => {
        const {model, budget, step} = state[key] ?? {};
        if (model === undefined || step === runOf(model, budget).step.at(-1)) act.play(key);
        else act.move(key, 1, "replaceState");
      }, 350);
    }
    for (const side of ["a", "b"]) {
      const button = document.getElementById(`play-${side}`);
      const on = !stop && side === key;
      button.textContent = on ? "❚❚" : "▶";
      button.ariaLabel = button.title = on ? "Pause" : "Play through training";
    }
  },
  next(key, name, by) {
    const options = [...document.getElementById(`${name}-${key}`).options].map(({value}) => value);
    const at = options.indexOf(state[key][name]) + by;
    act.choose(key, {[name]: options[(at + options.length) % options.length]});
  },
  nextShared(id, name, by) {
    const options = [...document.getElementById(id).options].map(({value}) => value);
    if (options.length) act.share({[name]: options[(options.indexOf(state[name]) + by + options.length) % options.length]});
  },
  compare() {
    if (playing !== null) act.play("a");
    const first = runOf(state.a.model, state.a.budget).step[0];
    const key = state.b ? "a" : "b";
    set({...state, b: state.b ? null : {...state.a, step: first}}).then(() => announce(key));
  },
  swap: () => state.b && set({...state, a: state.b, b: state.a}),
};
let dragging = false;

/** Go to the checkpoint under the pointer. */
function goTo({run, step}) {
  const {model, budget} = run;
  const key = state.b && runOf(state.b.model, state.b.budget) === run
    && runOf(state.a.model, state.a.budget) !== run ? "b" : "a";
  const there = settled({...state[key], model, budget}, state[key]);
  set({...state, [key]: {...there, step: stepNear(run, step, null)}}).then(() => announce(key));
}

/** Tell screen readers where a side is. */
function announce(key) {
  const side = state[key];
  if (!side) return;
  const told = document.getElementById(`said-${key}`).innerText.replaceAll("\n", ", ");
  const name = state.b ? `${key.toUpperCase()}: ` : "";
  document.getElementById("said").textContent = `${name}${label(runOf(side.model, side.budget))}, step ${side.step}: ${told}`;
}

const HELP = [
  [["←", "→"], "the checkpoint before, after"], [["Home", "End"], "first, last checkpoint"],
  [["Space"], "play, pause"], [["↑", "↓"], "the layer above, below"], [["m"], "next model"], [["b"], "next budget"],
  [["d"], "next dataset"], [["p"], "next pooling"], [study.dimensions.map(String), "homology dimension"],
  [["s", "a"], "next, previous signature"], [["n"], "next null"], [["t"], "colour by position or text"], [["q"], "next measure of quality"],
  [["c"], "compare two checkpoints"], [["x"], "swap them"], [["?"], "these keys"],
];

function onKey(event) {
  const help = document.getElementById("help");
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const inside = event.target.closest("select, input, button, dialog");
  const native = [" ", "Enter"];
  if (inside?.tagName !== "BUTTON") native.push("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End");
  if (inside && (native.includes(event.key) || inside.tagName === "SELECT")) return;
  const side = event.shiftKey && state.b ? "b" : "a";
  const keys = {
    ArrowLeft: () => act.move(side, -1), ArrowRight: () => act.move(side, 1),
    Home: () => act.move(side, -Infinity), End: () => act.move(side, Infinity), " ": () => act.play(side),
    ArrowUp: () => act.next(side, "layer", 1), ArrowDown: () => act.next(side, "layer", -1),
    m: () => act.next(side, "model", 1), b: () => act.next(side, "budget", 1),
    d: () => act.next(side, "dataset", 1), p: () => act.next(side, "pooling", 1),
    s: () => act.nextShared("signature-name", "signature", 1), a: () => act.nextShared("signature-name", "signature", -1),
    n: () => act.nextShared("null", "null", 1), t: () => act.nextShared("colour", "colour", 1),
    q: () => act.nextShared("measure", "measure", 1), c: act.compare, x: act.swap, "?": () => help.showModal(),
    ...Object.fromEntries(study.dimensions.map((one) => [String(one), () => act.share({dimension: one})])),
  };
  const run = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (run) { event.preventDefault(); run(); }
}

function begin() {
  document.getElementById("study-name").textContent = study.study;
  makeSide(place.a, "a", act);
  makeSide(place.b, "b", act);
  makeShared(document.getElementById("shared"), act);
  makeLegend(document.getElementById("legend"), act);
  document.getElementById("compare").addEventListener("click", act.compare);
  document.getElementById("help-open").addEventListener("click", () => document.getElementById("help").showModal());
  document.getElementById("keys").replaceChildren(...HELP.flatMap(([keys, told]) => [
    element("dt", {}, ...keys.map((key) => element("kbd", {textContent: key}))), element("dd", {textContent: told})]));
  writeNotes(document.getElementById("notes"));
  document.addEventListener("keydown", onKey);
  window.addEventListener("popstate", () => {
    clearTimeout(address.timer);
    Object.assign(address, {timer: null, how: null});
    state = fromHash(location.hash);
    remember("replaceState");
    paint();
  });
  dark.addEventListener("change", () => { makeLegend(document.getElementById("legend"), act); paint(); });
  let width = innerWidth;
  window.addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; paint(); } });
  remember("replaceState");
  paint();
}

// Blocks stand behind this script: the first picture needs those that it shows.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
