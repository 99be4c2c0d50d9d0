// The live page. Names come from the user's files: everything goes into the page as text, never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=style-token]").content;
const state = { plan: null, terms: [], points: [], step: null, ended: false, shown: 0 };

const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};
const svg = (name, attributes, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
const number = (value) => {
  if (!Number.isFinite(value)) return "not finite";
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 100000) ? value.toExponential(2).replace(/\.?0*e\+?/, "e") : String(Number(value.toPrecision(4)));
};
const time = (seconds) => {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};
const say = (text, bad) => {
  $("status").textContent = text;
  $("status").className = bad ? "bad" : "";
};

function showPlan(plan) {
  Object.assign(state, { plan, terms: [], points: [], step: null, ended: false });
  $("output").textContent = plan.output;
  const resumed = plan.done > 0 ? `, resumed after step ${plan.done}` : "";
  $("about").textContent = `${plan.width} × ${plan.height} px, preset ${plan.preset}, ${plan.steps} steps${resumed}, ${plan.device}`;
  const names = plan.content === null ? [] : [["content", plan.content]];
  plan.styles.forEach((name, index) => names.push([plan.styles.length > 1 ? `style ${index + 1}` : "style", name]));
  $("inputs").replaceChildren(...names.map(([role, name], index) => {
    const item = element("li");
    const image = element("img");
    image.src = `/input/${index}`;
    image.alt = `${role}: ${name}`;
    item.append(image, `${role}: ${name}`);
    return item;
  }));
  $("frame").style.aspectRatio = `${plan.width} / ${plan.height}`;
  $("picture").hidden = true;
  $("waiting").hidden = false;
  $("result").hidden = true;
  $("layers-hint").textContent = "Loss of each layer against the start of this scale.";
  $("stop").disabled = $("save").disabled = false;
  say("");
  document.title = `0 % · ${plan.output}`;
}

function showStep(step) {
  state.step = step;
  const percent = Math.floor(step.done * 100);
  $("percent").textContent = `${percent} %`;
  $("bar").value = step.done;
  $("left").textContent = step.step < step.steps ? `${time(step.remaining)} left` : "finishing";
  $("where").textContent = `step ${step.step} of ${step.steps}, scale ${step.scale} of ${step.scales} (${step.width} × ${step.height} px), `
    + `loss ${number(step.loss)}, ${time(step.elapsed)} so far`;
  if (!state.ended) document.title = `${percent} % · ${state.plan.output}`;
}

function showPicture(news) {
  const image = new Image();
  image.onload = () => {
    if (news.number < state.shown) return;
    state.shown = news.number;
    $("picture").src = image.src;
    $("picture").hidden = false;
    $("waiting").hidden = true;
    $("caption").textContent = `after step ${news.step}`;
    $("picture").alt = `The picture after step ${news.step}`;
  };
  image.src = `/picture/${news.number}`;
}

// Curves ------------------------------------------------------------------------------------------------------------

const total = (point) => point.losses.reduce((sum, loss) => sum + loss, 0);
const series = () => [
  { name: "total", kind: 0, value: total },
  ...state.terms.map((name, index) => ({ name, kind: 1 + (index % 12), value: (point) => point.losses[index] })),
];

function ticks(low, high) {
  const span = high - low;
  const factors = span < 0.8 ? [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9] : span < 2 ? [1, 2, 5] : [1];
  const every = Math.ceil(span / 6);
  const found = [];
  for (let power = Math.floor(low); power <= high; power += factors.length > 1 ? 1 : every) {
    for (const factor of factors) {
      const at = power + Math.log10(factor);
      if (at >= low && at <= high) found.push([at, number(factor * 10 ** power)]);
    }
  }
  return found;
}

function drawCurves() {
  const chart = $("curves");
  const [width, height] = [chart.clientWidth, chart.clientHeight];
  if (width === 0 || state.points.length === 0) return;
  const [left, right, top, bottom] = [52, 8, 14, 22];
  const all = series();
  const logs = [];
  for (const point of state.points) for (const one of all) if (one.value(point) > 0) logs.push(Math.log10(one.value(point)));
  let low = logs.reduce((a, b) => Math.min(a, b), Infinity);
  const high = logs.reduce((a, b) => Math.max(a, b), -Infinity) + 0.05;
  low = Math.max(low - 0.05, high - 8);
  // As far as the run has come: the bar tells how far that is.
  const last = Math.max(state.points.at(-1).step, 10);
  const x = (step) => left + ((step - 1) / (last - 1)) * (width - left - right);
  const y = (log) => top + ((high - log) / (high - low)) * (height - top - bottom);
  const parts = [];
  for (const [at, label] of ticks(low, high)) {
    parts.push(svg("line", { x1: left, x2: width - right, y1: y(at), y2: y(at), class: "grid" }));
    parts.push(svg("text", { x: left - 6, y: y(at) + 4, "text-anchor": "end" }, label));
  }
  let first = 1;
  let edge = -Infinity;
  for (const scale of state.plan.scales) {
    if (first > last) break;
    if (first > 1) parts.push(svg("line", { x1: x(first), x2: x(first), y1: top, y2: height - bottom, class: "scale" }));
    const label = `${Math.max(scale.width, scale.height)} px`;
    if (x(first) > edge && x(first) + 40 < width) {
      parts.push(svg("text", { x: x(first) + 3, y: 10 }, label));
      edge = x(first) + 46;
    }
    first += scale.steps;
  }
  parts.push(svg("text", { x: left, y: height - 5 }, "step 1"));
  parts.push(svg("text", { x: width - right, y: height - 5, "text-anchor": "end" }, String(last)));
  for (const one of all.toReversed()) parts.push(svg("path", { d: path(one, x, y, low), class: `curve k${one.kind}${one.kind ? "" : " total"}` }));
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.replaceChildren(...parts);
  const now = state.points.at(-1);
  $("legend").replaceChildren(...all.map((one) => {
    const item = element("li");
    item.append(element("span", undefined, `swatch k${one.kind}`), `${one.name} ${number(one.value(now))}`);
    return item;
  }));
}

// A line breaks where a scale ends: the losses on both sides do not compare.
function path(one, x, y, low) {
  let drawn = "";
  let scale = 0;
  for (const point of state.points) {
    const value = one.value(point);
    if (!(value > 0)) { scale = 0; continue; }
    const at = `${x(point.step).toFixed(1)} ${y(Math.max(Math.log10(value), low)).toFixed(1)}`;
    drawn += point.scale === scale ? `L${at}` : `M${at}`;
    scale = point.scale;
  }
  return drawn;
}

function bars(rows) {
  $("layers").replaceChildren(...rows.flatMap(([name, kind, share, label]) => {
    const track = element("span", undefined, "track");
    const fill = element("span", undefined, `fill k${kind}`);
    fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
    track.append(fill);
    return [element("span", name), track, element("span", label)];
  }));
}

function drawLayers() {
  if (state.ended || state.points.length === 0) return;
  const now = state.points.at(-1);
  const start = state.points.find((point) => point.scale === now.scale);
  bars(state.terms.flatMap((name, index) => {
    if (!name.startsWith("style ")) return [];
    const share = start.losses[index] > 0 ? now.losses[index] / start.losses[index] : 0;
    return [[name.slice(6), 1 + (index % 12), share, `${Math.round(share * 100)} %`]];
  }));
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawCurves();
    drawLayers();
  });
}

function addPoints(news) {
  state.terms = news.terms;
  state.points.push(...news.points);
  if (state.points.length > 2000) state.points = state.points.filter((_, index) => index % 2 === 0);
  draw();
}

// The end -----------------------------------------------------------------------------------------------------------

function showEnd(end) {
  state.ended = true;
  $("stop").disabled = $("save").disabled = true;
  $("left").textContent = "";
  if (end.failure) {
    document.title = `failed · ${state.plan.output}`;
    say(end.failure, true);
    return;
  }
  document.title = `${end.stopped ? "stopped" : "done"} · ${state.plan.output}`;
  if (!end.stopped) {
    $("percent").textContent = "100 %";
    $("bar").value = 1;
  }
  say(end.stopped ? `Stopped after ${end.steps} steps; the picture is saved.` : "Done; the picture is saved.");
  const { style_distance: style, content_distance: content, ssim } = end.metrics;
  const rows = [["time", time(end.seconds)], ["size", `${end.width} × ${end.height} px`]];
  if (end.peak_memory) rows.push(["peak memory", `${Math.round(end.peak_memory / 2 ** 20)} MiB`]);
  for (const at of content) rows.push([`content distance at ${at.layer}`, number(at.distance)]);
  if (ssim !== null) rows.push(["SSIM to the content", number(ssim)]);
  $("metrics").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  $("result").hidden = false;
  $("layers-hint").textContent = "Distance of the result from the style at each layer: 0 is equal, 1 has nothing in common.";
  bars(style.map((at, index) => {
    const name = at.region === undefined ? at.layer : `${at.layer} of region ${at.region}`;
    const term = state.terms.indexOf(`style ${name}`);
    return [name, 1 + ((term < 0 ? index : term) % 12), at.distance, number(at.distance)];
  }));
  drawCurves();
}

async function order(what, waiting) {
  try {
    const answer = await fetch(what, { method: "POST", headers: { "x-style-token": token } });
    say(answer.ok ? waiting : `refused: ${answer.status}`, !answer.ok);
    return answer.ok;
  } catch {
    say("The program does not answer.", true);
    return false;
  }
}

$("stop").addEventListener("click", async () => {
  $("stop").disabled = true;
  if (!await order("/stop", "Ending after this step …") && !state.ended) $("stop").disabled = false;
});
$("save").addEventListener("click", () => order("/save", "Saving after this step …"));

const source = new EventSource("/events");
const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
on("plan", showPlan);
on("points", addPoints);
on("step", showStep);
on("picture", showPicture);
on("note", (note) => say(note.text));
on("end", showEnd);
source.onerror = () => {
  if (state.ended) {
    source.close();
    return;
  }
  say("The connection to the program is lost; the page tries again.", true);
};
source.onopen = () => { if (!state.ended) say(""); };
new ResizeObserver(draw).observe($("curves"));
