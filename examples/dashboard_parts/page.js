"use strict";
// Draws what /data says, once a second. No library, nothing fetched from elsewhere.

const KINDS = [["fresh", "--fresh"], ["stale", "--stale"], ["default", "--default"], ["error", "--error"]];
const OUTCOMES = [["healed", "--fresh"], ["skipped", "--blue"], ["refused", "--default"], ["failed", "--error"], ["dropped", "--stale"], ["lost", "--faint"]];
const EDGE = { left: 46, right: 8, top: 8, bottom: 22 };
const colour = (name) => `var(${name})`;
const byId = (id) => document.getElementById(id);

function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds >= 86400) return `${seconds / 86400} d`;
  if (seconds >= 3600) return `${seconds / 3600} h`;
  if (seconds >= 60) return `${+(seconds / 60).toFixed(1)} min`;
  return `${seconds} s`;
}

function tile(id, big, note, mood) {
  const box = byId(id);
  box.className = `tile ${mood || ""}`;
  box.querySelector(".big").textContent = big;
  box.querySelector(".note").textContent = note;
}

function legend(id, entries) {
  const box = byId(id);
  if (box.childElementCount) return;
  for (const [name, hue] of entries) {
    const one = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = colour(hue);
    one.append(dot, name);
    box.append(one);
  }
}

const sum = (counts) => Object.values(counts).reduce((all, n) => all + n, 0);

function frame(id, data) {
  const svg = byId(id), width = svg.clientWidth, height = svg.clientHeight;
  const rows = data.rows, last = rows[rows.length - 1].at;
  const first = Math.max(rows[0].at, last - data.seconds_kept), reach = Math.max(last - first, 20);
  const x = (at) => EDGE.left + (at - first) / reach * (width - EDGE.left - EDGE.right);
  const parts = [];
  for (let i = 0, end; i < rows.length; i = end) {  // the dependency's phases behind everything
    for (end = i + 1; end < rows.length && rows[end].phase === rows[i].phase;) end += 1;
    if (rows[i].phase !== "slow" && rows[i].phase !== "dead") continue;
    const from = x(rows[i].at), to = x(rows[Math.min(end, rows.length - 1)].at);
    parts.push(`<rect x="${from}" y="${EDGE.top}" width="${to - from}" height="${height - EDGE.top - EDGE.bottom}" fill="${colour("--" + rows[i].phase)}"/>`);
  }
  const step = reach <= 40 ? 10 : reach <= 100 ? 20 : 60;
  for (let back = 0; back < reach - step / 3; back += step) {
    const anchor = back === 0 ? "end" : "middle";
    parts.push(`<text x="${x(last - back)}" y="${height - 6}" text-anchor="${anchor}">${back ? "−" + back + " s" : "now"}</text>`);
  }
  return { svg, width, height, rows, x, parts, y: (share) => height - EDGE.bottom - share * (height - EDGE.top - EDGE.bottom) };
}

function guide(f, share, label) {
  f.parts.push(`<line x1="${EDGE.left}" x2="${f.width - EDGE.right}" y1="${f.y(share)}" y2="${f.y(share)}" stroke="${colour("--line")}"/>`);
  f.parts.push(`<text x="${EDGE.left - 8}" y="${f.y(share) + 4}" text-anchor="end">${label}</text>`);
}

function drawAges(data) {
  const f = frame("age-chart", data);
  const lines = [["half of them", "--blue", "age_half"], ["99 % of them", "--error", "age_most"]];
  const seen = f.rows.flatMap((row) => [row.age_half, row.age_most]).filter((age) => age !== null);
  const promised = data.rows[data.rows.length - 1].promise.younger_than;
  const low = Math.log(1), high = Math.log(Math.max(60, ...seen));
  const share = (age) => Math.min(1, Math.max(0, (Math.log(age) - low) / (high - low)));
  for (const mark of [1, 2, 5, 15, 30, 60, 300, 900]) if (Math.log(mark) <= high + 0.01) guide(f, share(mark), span(mark));
  const at = f.y(share(promised));
  f.parts.push(`<line x1="${EDGE.left}" x2="${f.width - EDGE.right}" y1="${at}" y2="${at}" stroke="${colour("--text")}" stroke-dasharray="5 4" opacity="0.65"/>`);
  f.parts.push(`<text x="${EDGE.left + 6}" y="${at - 5}">promised: younger than ${span(promised)}</text>`);
  for (const [, hue, field] of lines) {
    let path = "", before = null;
    for (const row of f.rows) {
      if (row[field] === null) { before = null; continue; }
      const y = f.y(share(row[field]));
      path += before === null ? `M${f.x(row.at)} ${y}` : `H${f.x(row.at)}V${y}`;
      before = y;
    }
    f.parts.push(`<path d="${path}" fill="none" stroke="${colour(hue)}" stroke-width="2" stroke-linejoin="round"/>`);
  }
  f.svg.innerHTML = f.parts.join("");
  legend("age-legend", [...lines, ["dependency slow", "--slow"], ["dependency dead", "--dead"]]);
}

function drawStack(id, data, entries, of, top, label) {
  const f = frame(id, data);
  for (const share of [0, 0.5, 1]) guide(f, share, label(share * top));
  let floor = f.rows.map(() => 0);
  for (const [name, hue] of entries) {
    const ceiling = f.rows.map((row, i) => floor[i] + of(row, name) / top);
    const up = f.rows.map((row, i) => `${f.x(row.at)} ${f.y(ceiling[i])}`);
    const down = f.rows.map((row, i) => `${f.x(row.at)} ${f.y(floor[i])}`).reverse();
    f.parts.push(`<path d="M${up.join("L")}L${down.join("L")}Z" fill="${colour(hue)}" opacity="0.9"/>`);
    floor = ceiling;
  }
  f.svg.innerHTML = f.parts.join("");
}

function drawTiles(data) {
  const row = data.rows[data.rows.length - 1], promise = row.promise, kept = promise.is_kept;
  const mood = { healthy: "good", back: "good", slow: "warn", dead: "bad" }[row.phase];
  tile("phase", row.phase, "what it goes through now", mood);
  const share = promise.share === null ? "–" : `${(100 * promise.share).toFixed(1)} %`;
  tile("promise", kept ? "kept" : "not kept", `${share} younger than ${span(promise.younger_than)}; ${100 * promise.target} % promised`, kept ? "good" : "bad");
  tile("age", span(row.age_most), `half: ${span(row.age_half)}; ttl: ${span(data.ttl)}`, row.age_most > promise.younger_than ? "bad" : row.age_most > data.ttl ? "warn" : "good");
  tile("rate", String(Math.round(sum(row.answers) / row.seconds)), `${row.answers.error} errors, ${row.answers.default} defaults`, row.answers.error ? "bad" : "");
  tile("heals", `${row.healing} under way`, `${row.failing} keys fail, ${row.waiting} heals wait`, row.failing ? "warn" : "");
  tile("breaker", row.breaker || "none", row.breaker ? "of the one dependency" : "nothing has one here", row.breaker === "open" ? "bad" : row.breaker === "half-open" ? "warn" : "");
}

function drawBooks(totals) {
  const a = totals.answers, c = totals.client;
  const lines = [["values", a.fresh + a.stale, c.value], ["defaults", a.default, c.default], ["errors", a.error, c.error + c["gave up"]]];
  byId("counts").innerHTML = lines.map(([name, theirs, ours]) => `<tr><td>${name}</td><td>${theirs.toLocaleString("en")}</td><td>${ours.toLocaleString("en")}</td></tr>`).join("");
}

let shown = null;

function draw() {
  const data = shown;
  if (data === null) return;
  drawTiles(data);
  drawAges(data);
  drawStack("answer-chart", data, KINDS, (row, name) => row.answers[name] / Math.max(1, sum(row.answers)), 1, (share) => `${100 * share} %`);
  legend("answer-legend", KINDS);
  const most = Math.max(4, ...data.rows.map((row) => sum(row.heals) / row.seconds));
  drawStack("heal-chart", data, OUTCOMES, (row, name) => row.heals[name] / row.seconds, most, (n) => String(Math.round(n)));
  legend("heal-legend", OUTCOMES);
  drawBooks(data.totals);
  document.body.dataset.drawn = String(data.rows.length);
}

async function look() {
  const trouble = byId("trouble");
  try {
    const data = await (await fetch("/data")).json();
    trouble.hidden = true;
    if (data.rows.length < 2) return;
    shown = data;
    draw();
  } catch (error) {
    trouble.textContent = `The page cannot reach its server, and shows what it last knew (${error.message}).`;
    trouble.hidden = false;
  }
}

look();
setInterval(look, 1000);
for (const chart of document.querySelectorAll("svg")) new ResizeObserver(draw).observe(chart);
