// Controls: made from the study, each with a name, and kept in step with what is chosen.

const SIDE_CONTROLS = [["model", "Model"], ["budget", "Budget"], ["dataset", "Dataset"], ["layer", "Layer"], ["pooling", "Pooling"]];

const shownAs = {
  layer: (name) => words(name).replace(/^block/, "after block"),
  pooling: (name) => ({token: "single tokens", last: "last tokens", mean: "means of texts"})[name] ?? name,
};

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A label about its control. Who chooses with the pointer goes on, once `event` has come, with keys
    of the page, not of the control. */
function labelled(properties, control, event, ...children) {
  const made = element("label", properties, ...children);
  let pointed = false;
  made.addEventListener("pointerdown", () => { pointed = true; });
  made.addEventListener("keydown", () => { pointed = false; });
  control.addEventListener(event, () => { if (pointed) control.blur(); });
  return made;
}

function select(id, name, change) {
  const made = element("select", {id});
  made.addEventListener("change", () => change(made.value));
  return labelled({className: "field", htmlFor: id}, made, "change", element("span", {textContent: name}), made);
}

/** Give a select its options, in groups where they have names. */
function offer(id, groups, value) {
  const made = document.getElementById(id);
  const told = JSON.stringify(groups);
  if (made.dataset.told !== told) {
    made.dataset.told = told;
    made.replaceChildren(...groups.filter(({options}) => options.length).map(({name, options}) => {
      const children = options.map(([key, text]) => element("option", {value: key, textContent: text}));
      return name ? element("optgroup", {label: name}, ...children) : children;
    }).flat());
  }
  made.value = value ?? "";
  made.disabled = made.options.length < 2;
}

/** The controls and the empty panels of a side. */
function makeSide(section, key, act) {
  const fields = element("div", {className: "fields"}, ...SIDE_CONTROLS.map(([name, text]) =>
    select(`${name}-${key}`, text, (value) => act.choose(key, {[name]: value}))));
  const slider = element("input", {type: "range", id: `step-${key}`, min: 0, step: 1});
  slider.addEventListener("input", () => act.drag(key, Number(slider.value)));
  slider.addEventListener("change", () => act.commit(key));
  const button = (text, name, run) => {
    const made = element("button", {type: "button", textContent: text, title: name, ariaLabel: name});
    made.addEventListener("click", run);
    return made;
  };
  const time = element("div", {className: "time"},
    element("span", {className: "letter", textContent: key.toUpperCase()}),
    button("‹", "Previous checkpoint", () => act.move(key, -1)),
    Object.assign(button("▶", "Play through training", () => act.play(key)), {id: `play-${key}`}),
    button("›", "Next checkpoint", () => act.move(key, 1)),
    element("label", {className: "unseen", htmlFor: slider.id, textContent: "Checkpoint"}), slider,
    element("output", {id: `at-${key}`, htmlFor: slider.id}));
  const panels = element("div", {className: "panels"}, ...PANELS.map((name) => {
    const figure = element("figure", {className: "card"});
    figure.dataset.panel = name;
    return figure;
  }));
  section.replaceChildren(fields, time, element("p", {className: "said", id: `said-${key}`}), panels);
}

function makeShared(group, act) {
  const dimensions = element("fieldset", {className: "field segments"}, element("legend", {textContent: "Dimension"}),
    ...study.dimensions.map((one) => {
      const input = element("input", {type: "radio", name: "dimension", value: one, id: `dimension-${one}`});
      input.addEventListener("change", () => act.share({dimension: one}));
      const name = ["components", "loops", "voids"][one];
      return labelled({title: name}, input, "click", input, element("span", {textContent: `H${one} ${name}`}));
    }));
  group.replaceChildren(dimensions,
    select("signature-name", "Signature", (signature) => act.share({signature})),
    select("null", "Null", (value) => act.share({null: value})),
    select("colour", "Colour of points", (colour) => act.share({colour})),
    select("measure", "Quality", (measure) => act.share({measure})));
}

/** All runs as they are drawn; a click goes to one. */
function makeLegend(list, act) {
  list.replaceChildren(...study.runs.map((run) => {
    const button = element("button", {type: "button", title: `${run.parameters.toLocaleString("en")} parameters`});
    const line = d3.create("svg").attr("width", 26).attr("height", 8).attr("aria-hidden", "true");
    line.append("line").attr("x2", 26).attr("y1", 4).attr("y2", 4).attr("stroke", onPaper(run.colour))
      .attr("stroke-width", 2.4).attr("stroke-dasharray", run.dash || null);
    button.append(line.node(), label(run));
    button.addEventListener("click", () => act.choose("a", {model: run.model, budget: run.budget}));
    return element("li", {}, button);
  }));
}

function syncLegend(state) {
  const chosen = [state.a, state.b].filter(Boolean).map((side) => runOf(side.model, side.budget));
  document.querySelectorAll("#legend button").forEach((button, index) =>
    button.setAttribute("aria-pressed", String(chosen.includes(study.runs[index]))));
}

function syncSide(key, side) {
  const plain = (names, shown = (name) => name) => [{options: names.map((name) => [name, shown(name)])}];
  offer(`model-${key}`, plain(models), side.model);
  offer(`budget-${key}`, plain(budgetsOf(side.model)), side.budget);
  offer(`dataset-${key}`, plain(datasetsOf(side.model)), side.dataset);
  offer(`layer-${key}`, plain(layersOf(side.model, side.dataset), shownAs.layer), side.layer);
  offer(`pooling-${key}`, plain(study.poolings[side.dataset], shownAs.pooling), side.pooling);
  const run = runOf(side.model, side.budget), at = run.step.indexOf(side.step);
  const slider = document.getElementById(`step-${key}`);
  slider.max = run.step.length - 1;
  slider.value = at;
  slider.disabled = run.step.length < 2;
  const told = [`step ${side.step.toLocaleString("en")}`,
    run.tokens[at] == null ? "" : `${format(run.tokens[at])} tokens`,
    run.flops[at] == null ? "" : `${format(run.flops[at])} FLOPs`].filter(Boolean);
  slider.setAttribute("aria-valuetext", told[0]);
  document.getElementById(`at-${key}`).replaceChildren(
    element("strong", {textContent: told[0]}), element("span", {textContent: told.slice(1).join(", ")}));
  document.getElementById(`side-${key}`).style.setProperty("--run", onPaper(run.colour));
}

function syncShared(state) {
  const named = (names) => names.map((name) => [name, words(name)]);
  document.getElementById(`dimension-${state.dimension}`).checked = true;
  offer("signature-name", [
    {name: `of H${state.dimension}`, options: named(namesOf(state.dimension))},
    {name: "of the whole cloud", options: named(namesOf(-1))}], state.signature);
  offer("null", [{options: named([...study.nulls, "none"])}], state.null);
  offer("colour", [{options: COLOURINGS}], state.colour);
  offer("measure", [{options: study.measures}], state.measure);
  document.getElementById("compare").setAttribute("aria-pressed", String(state.b !== null));
  document.getElementById("side-b").hidden = state.b === null;
  document.getElementById("main").classList.toggle("two", state.b !== null);
}

function writeNotes(footer) {
  const runs = study.runs.length, most = Math.max(...study.runs.map((run) => run.all));
  const lines = [
    `${study.study}: ${runs} run${runs > 1 ? "s" : ""}, up to ${most} checkpoints each. Diagrams, barcodes and Betti curves are of the first subsample of each cloud, in units of its enclosing radius R; the projection is of the whole cloud. Bands around a signature are the range over subsamples.`,
    study.left_out.length ? `Left out to keep this page small: ${study.left_out.join(" ")} atlas.checkpoints, atlas.layers and atlas.megabytes of the study file say how much is shown.` : "",
    study.missing.length ? `Missing: ${study.missing.length} pairs of checkpoint and dataset, such as ${study.missing[0].slice(0, 4).join(" ")} (${study.missing[0][4]}).` : "",
    study.nulls.length ? "" : "This study draws no nulls (homology.nulls), so values stand alone.",
  ];
  footer.replaceChildren(...lines.filter(Boolean).map((textContent) => element("p", {textContent})));
}
