// The agent's desk: the candidates of one demand, and every decision at one key. What is pressed shows at once and is
// kept until the server says that it is in the ledger; it is sent again with all that follows it until then, and its
// nonce makes that one entry.

const MOVE_PAUSE = 120;
const desks = new Map();

export default function ({ data: [data], key, parentElement, setStateValue }) {
  const desk = desks.get(key) ?? { waiting: [], demand: null, at: null, marked: [], timer: null, listen: null, seen: null };
  desks.set(key, desk);
  desk.data = data;
  desk.send = (value) => setStateValue("sent", value);
  desk.root = parentElement.querySelector(".desk");
  const done = new Set(data.done);
  // What the agent saw of the candidate in hand stays what it was when they came to it, but for what they did themselves:
  // a colleague's decision in between is to be told, not overruled.
  if (desk.waiting.some((entry) => done.has(entry.nonce) && entry.achievement === desk.at)) desk.seen = null;
  desk.waiting = desk.waiting.filter((entry) => !done.has(entry.nonce));
  if (desk.demand !== data.demand || data.turn !== desk.turn) {
    desk.demand = data.demand;
    desk.turn = data.turn;
    desk.at = data.at;
    desk.marked = [];
    desk.seen = null;
  }
  if (desk.at !== null && !data.candidates.some((each) => each.id === desk.at)) desk.at = data.at;
  look(desk);
  draw(desk);
  // This runs anew with every answer of the server, without the cleaning in between: one listener, or a press counts twice.
  if (!desk.listen) {
    desk.listen = (event) => pressed(desk, event);
    document.addEventListener("keydown", desk.listen, true);
  }
  return () => {
    document.removeEventListener("keydown", desk.listen, true);
    desk.listen = null;
  };
}

function pressed(desk, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const target = event.composedPath()[0];
  const typing = target.closest?.("input:not([type=radio]):not([type=checkbox]), textarea, [contenteditable=true]");
  if (typing) {
    if (event.key === "Escape" && desk.root.contains(target)) target.blur();
    return;
  }
  if (document.querySelector("[role=dialog]")) return;
  const name = (event.shiftKey && event.code.startsWith("Digit") ? "Shift+" + event.code.slice(5) : event.key).toLowerCase();
  const action = desk.data.keys[name];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  act(desk, action);
}

function act(desk, action) {
  const [what, value] = action.split(":");
  if (what === "decide") decide(desk, value, "");
  else if (what === "reject") decide(desk, "reject", value);
  else if (what === "level") setLevel(desk, Number(value));
  else if (what === "move") move(desk, Number(value));
  else if (what === "step") enter(desk, { kind: "step", by: Number(value) });
  else if (what === "undo") undo(desk);
  else if (what === "note") desk.root.querySelector("input").focus();
  else if (what === "mark") mark(desk);
  else if (what === "keys") toggleKeys(desk);
}

function nonce() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function enter(desk, entry) {
  desk.waiting.push({ nonce: nonce(), demand: desk.demand, ...entry });
  tell(desk);
  draw(desk);
}

function tell(desk) {
  clearTimeout(desk.timer);
  desk.send({ log: desk.waiting, demand: desk.demand, at: desk.at, marked: desk.marked });
}

// The candidates as they will stand when all that waits is in the ledger.
function rows(desk) {
  const all = desk.data.candidates.map((each) => ({ ...each }));
  const byId = new Map(all.map((each) => [each.id, each]));
  for (const entry of desk.waiting) {
    const row = entry.demand === desk.demand ? byId.get(entry.achievement) : undefined;
    if (!row) continue;
    if (entry.kind === "decide") Object.assign(row, { verdict: entry.verdict, reason: entry.reason, after: entry.nonce, waits: true });
    if (entry.kind === "undo") Object.assign(row, { verdict: null, reason: "", after: entry.nonce, waits: true });
    if (entry.kind === "level") Object.assign(row, { said: entry.level, waits: true });
  }
  return all;
}

function chosen(desk) {
  return rows(desk).find((each) => each.id === desk.at);
}

function decide(desk, verdict, reason) {
  const row = chosen(desk);
  if (!row) return;
  const field = desk.root.querySelector("input");
  const entry = { kind: "decide", achievement: row.id, verdict, reason, note: field.value, seen: desk.seen.decision, after: row.after ?? null };
  field.value = "";
  const all = rows(desk);
  const place = all.findIndex((each) => each.id === row.id);
  const next = [...all.slice(place + 1), ...all.slice(0, place)].find((each) => !each.verdict);
  // When all are decided nothing is chosen, so that one press too many decides nothing.
  desk.at = next ? next.id : null;
  look(desk);
  enter(desk, entry);
}

// Remember the decision that stands on the candidate in hand as it is seen now.
function look(desk) {
  if (desk.seen?.id === desk.at) return;
  const row = chosen(desk);
  desk.seen = row ? { id: row.id, decision: row.decision } : null;
}

function setLevel(desk, level) {
  const row = chosen(desk);
  if (row) enter(desk, { kind: "level", achievement: row.id, level: row.said === level ? null : level });
}

function undo(desk) {
  const undone = new Set(desk.waiting.filter((each) => each.kind === "undo").map((each) => each.of ?? each.decision));
  const fresh = desk.waiting.findLast((each) => each.kind === "decide" && !undone.has(each.nonce));
  const last = desk.data.recent.find((each) => !undone.has(each.decision));
  const taken = fresh ? { achievement: fresh.achievement, demand: fresh.demand, of: fresh.nonce, decision: null }
    : last ? { achievement: last.achievement, demand: last.demand, of: null, decision: last.decision } : null;
  if (!taken) return;
  if (taken.demand === desk.demand) desk.at = taken.achievement;
  look(desk);
  enter(desk, { kind: "undo", ...taken });
}

function move(desk, by) {
  const all = rows(desk);
  const place = all.findIndex((each) => each.id === desk.at);
  const next = all[Math.max(0, Math.min(all.length - 1, place < 0 ? 0 : place + by))];
  choose(desk, next.id);
}

function choose(desk, id) {
  desk.at = id;
  look(desk);
  draw(desk);
  clearTimeout(desk.timer);
  desk.timer = setTimeout(() => tell(desk), MOVE_PAUSE);
}

function mark(desk) {
  if (desk.at === null) return;
  desk.marked = desk.marked.includes(desk.at) ? desk.marked.filter((each) => each !== desk.at) : [...desk.marked, desk.at].slice(-2);
  tell(desk);
  draw(desk);
}

function toggleKeys(desk) {
  desk.root.querySelector(".keys").toggleAttribute("hidden");
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A key as keyboards show it.
function shown(key) {
  return key.replace("shift+", "\u21e7").toUpperCase();
}

function button(desk, words, hint, action, className) {
  const made = element("button", className);
  made.type = "button";
  made.append(element("span", "", words));
  if (hint) made.append(element("kbd", "", shown(hint)));
  // The second click of a double click would meet the next candidate.
  made.addEventListener("click", (event) => event.detail > 1 || act(desk, action));
  return made;
}

function draw(desk) {
  const { data, root } = desk;
  const all = rows(desk);
  const at = all.find((each) => each.id === desk.at);
  drawList(desk, root.querySelector(".list"), all);
  const bar = root.querySelector(".bar");
  bar.replaceChildren();
  for (const line of data.bar) {
    const made = element("div", "line");
    if (line.label) made.append(element("span", "label", line.label));
    for (const each of line.buttons) {
      const pressedNow = at && ((each.action === "decide:" + at.verdict) || (each.action === "reject:" + at.reason && at.verdict === "reject") || (each.action === "level:" + at.said));
      const drawn = button(desk, each.words, each.key, each.action, each.primary ? "primary" : "");
      drawn.setAttribute("aria-pressed", pressedNow ? "true" : "false");
      drawn.disabled = !at && !["undo", "step", "keys"].includes(each.action.split(":")[0]);
      made.append(drawn);
    }
    bar.append(made);
  }
  const field = root.querySelector("input");
  field.placeholder = data.words.note;
  field.setAttribute("aria-label", data.words.note);
  root.querySelector(".finished").textContent = at ? "" : data.words.finished;
  drawRecent(desk, root.querySelector(".recent"));
  const keys = root.querySelector(".keys");
  keys.replaceChildren(...data.keysTold.map(([key, words]) => {
    const line = element("div");
    line.append(element("kbd", "", shown(key)), element("span", "", words));
    return line;
  }));
}

function drawList(desk, list, all) {
  const { data } = desk;
  list.setAttribute("aria-label", data.words.candidates);
  list.replaceChildren();
  for (const row of all) {
    const line = element("div", "row" + (row.id === desk.at ? " at" : "") + (row.waits ? " waits" : ""));
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", row.id === desk.at ? "true" : "false");
    line.dataset.id = row.id;
    line.append(element("span", "number", String(row.rank)), element("span", "number", row.score), element("span", "level", row.level));
    const title = element("span", "title", row.title);
    title.append(element("span", "institute", row.institute));
    line.append(title);
    const state = row.verdict ? data.verdicts[row.verdict] + (row.reason ? "：" + data.reasons[row.reason] : "") : row.flags;
    const told = element("span", "state " + (row.verdict ?? "flag"), (desk.marked.includes(row.id) ? data.words.marked + " " : "") + state);
    told.title = told.textContent;
    line.append(told);
    line.addEventListener("click", () => choose(desk, row.id));
    list.append(line);
  }
  list.querySelector(".at")?.scrollIntoView({ block: "nearest" });
}

function drawRecent(desk, place) {
  const { data } = desk;
  place.replaceChildren(element("div", "label", data.recent.length ? data.words.recent : data.words.noRecent));
  for (const each of data.recent) {
    const line = element("div", "line");
    const open = element("button", "plain", each.told);
    open.type = "button";
    open.addEventListener("click", () => enter(desk, { kind: "open", demand: each.demand, achievement: each.achievement }));
    const back = element("button", "", data.words.undo);
    back.type = "button";
    back.setAttribute("aria-label", data.words.undo + " " + each.told);
    back.addEventListener("click", () => {
      if (each.demand === desk.demand) desk.at = each.achievement;
      look(desk);
      enter(desk, { kind: "undo", demand: each.demand, achievement: each.achievement, of: null, decision: each.decision });
    });
    line.append(back, open);
    place.append(line);
  }
}
