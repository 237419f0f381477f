// The queue of events: filters, one event at a time by keys, and a verdict on it. Whatever is a name stays text.
"use strict";

(function () {
  const site = window.emobatch;
  const { verdicts } = site;
  const data = JSON.parse(document.getElementById("events").textContent);
  const one = (selector) => document.querySelector(selector);
  const form = one("#filters");
  const panel = one("#review");
  const pending = one("#pending");
  const table = one("table.events");
  const note = one("#review [name=note]");
  const DEFAULTS = { q: "", verdict: "open", rule: "", camera: "", severity: "", day: "", event: "" };
  const NOBODY = "(unknown)";
  const WORDS = { "useful": "useful", "false-alarm": "false alarm", "unclear": "unclear" };
  const PAGE = 100;
  const drafts = new Map(); // notes on events that have no verdict yet
  let view = { ...DEFAULTS };
  let found = [];
  let chosen = -1; // place in found

  // --- words -------------------------------------------------------------------------------------------------------

  function element(name, className, ...content) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...content);
    return made;
  }

  const outside = (text) => (text === null ? element("span", "unknown", "unknown") : element("bdi", "", text));
  const number = (value) => value.toLocaleString("en-US");

  function say(words) {
    one("#review .said").textContent = words;
  }

  // --- verdicts ----------------------------------------------------------------------------------------------------

  // What counts now: what was given here, or else what the tables have.
  function verdictOf(event) {
    const here = verdicts.of(event.id);
    return here ? here.verdict : event.verdict;
  }

  function noteOf(event) {
    const here = verdicts.of(event.id);
    return here ? here.note : drafts.get(event.id) || event.note;
  }

  function status(event) {
    const verdict = verdictOf(event);
    const parts = [element("span", `status verdict-${verdict || "open"}`, WORDS[verdict] || "open")];
    if (verdicts.of(event.id)) parts.push(" ", element("small", "here", "not imported yet"));
    else if (event.who) parts.push(" ", element("small", "", "by ", outside(event.who)));
    const told = verdict ? noteOf(event) : "";
    if (told) parts.push(" ", element("small", "remark", outside(told)));
    return parts;
  }

  // --- the list ----------------------------------------------------------------------------------------------------

  const texts = new Map(data.events.map((event) =>
    [event.id, [event.rule, event.camera || "", event.evidence, event.note, event.when, event.id].join("\n").toLowerCase()]));

  function fits(event) {
    const verdict = verdictOf(event);
    const asked = view.verdict;
    return (asked === "" || asked === verdict || (asked === "open" && !verdict) || (asked === "reviewed" && verdict)) &&
      (!view.rule || event.rule === view.rule) &&
      (!view.camera || (event.camera === null ? NOBODY : event.camera) === view.camera) &&
      (!view.severity || event.severity === view.severity) &&
      (!view.day || event.day === view.day) &&
      view.q.toLowerCase().split(/\s+/).every((word) => texts.get(event.id).includes(word));
  }

  function cell(name, className, ...content) {
    const made = element("td", className, ...content);
    made.dataset.label = name;
    return made;
  }

  function row(event, place) {
    let when = document.createTextNode(event.when);
    if (event.page) {
      when = element("a", "", event.when);
      when.href = event.page;
    }
    const where = cell("Camera", "camera", outside(event.camera));
    if (event.day === null && event.file !== null) where.append(" ", element("small", "file", outside(event.file)));
    const made = element("tr", "",
      cell("Severity", "", element("span", `status severity-${event.severity}`, event.severity)),
      cell("When", "time", when), where,
      cell("Rule", "rule", outside(event.rule)),
      cell("Evidence", "evidence", outside(event.evidence)),
      cell("Verdict", "verdict", ...status(event)));
    made.dataset.place = place;
    return made;
  }

  const pageOf = (place) => Math.floor(Math.max(place, 0) / PAGE);

  function list() {
    const from = pageOf(chosen) * PAGE;
    const shown = found.slice(from, from + PAGE);
    table.tBodies[0].replaceChildren(...shown.map((event, k) => row(event, from + k)));
    if (!found.length) {
      const left = view.verdict === "open" && data.events.length > 0;
      const nothing = element("td", "nothing", left ? "No open event is left here." : "No event fits.");
      nothing.colSpan = 6;
      table.tBodies[0].append(element("tr", "", nothing));
    }
    const pager = one("#queue .pager");
    pager.hidden = found.length <= PAGE;
    pager.querySelector("span").textContent =
      `${number(from + 1)} to ${number(Math.min(from + PAGE, found.length))} of ${number(found.length)}`;
    pager.querySelector("[name=before]").disabled = from === 0;
    pager.querySelector("[name=after]").disabled = from + PAGE >= found.length;
    one("#queue .count").textContent = number(found.length);
  }

  function mark() {
    for (const line of table.tBodies[0].rows) {
      const isChosen = Number(line.dataset.place) === chosen;
      line.classList.toggle("selected", isChosen);
      if (isChosen) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
  }

  // --- the event that is looked at ---------------------------------------------------------------------------------

  function describe() {
    const event = found[chosen];
    panel.hidden = !event;
    if (!event) return;
    const head = one("#review .head");
    head.replaceChildren(outside(event.rule), " · ", outside(event.camera === null ? event.file : event.camera),
      ` · ${event.when}`);
    one("#review .place").textContent = `${number(chosen + 1)} of ${number(found.length)}`;
    one("#review .evidence").replaceChildren(outside(event.evidence));
    const link = one("#review a.open");
    link.hidden = !event.page;
    if (event.page) link.href = event.page;
    for (const button of panel.querySelectorAll("[data-verdict]")) {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === verdictOf(event)));
    }
    note.value = noteOf(event);
  }

  function summarise() {
    const ids = new Set(verdicts.ids());
    const listed = data.events.filter((event) => ids.has(event.id));
    const n = one(".n-open");
    n.dataset.all = n.dataset.all || n.textContent.replaceAll(",", "");
    n.textContent = number(Number(n.dataset.all) - listed.filter((event) => !event.verdict).length);
    pending.hidden = !verdicts.count();
    const others = verdicts.count() - listed.length;
    pending.querySelector(".count").textContent = number(verdicts.count()) +
      (others ? `, ${number(others)} of them of events that are not listed any more` : "") +
      (verdicts.isKept() ? "" : "; this browser keeps nothing: save them before you leave");
    const area = pending.querySelector(".csv");
    if (!area.hidden) area.value = verdicts.csv();
    const discard = pending.querySelector("[name=discard]");
    discard.textContent = "Discard";
  }

  function choose(place, isQuiet) {
    const before = pageOf(chosen);
    chosen = Math.min(Math.max(place, found.length ? 0 : -1), found.length - 1);
    if (pageOf(chosen) !== before) list();
    describe();
    mark();
    if (isQuiet || chosen < 0) return;
    view.event = found[chosen].id;
    write(false);
    const line = table.tBodies[0].querySelector("tr.selected");
    if (line) line.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    if (!found.length) return;
    const next = chosen + by;
    if (next < 0 || next >= found.length) say(by > 0 ? "That was the last event." : "That was the first event.");
    else {
      say("");
      choose(next);
    }
  }

  function redraw(event) {
    const line = table.tBodies[0].querySelector(`tr[data-place="${found.indexOf(event)}"]`);
    if (line) line.querySelector("td.verdict").replaceChildren(...status(event));
    describe();
    summarise();
  }

  function give(verdict) {
    const event = found[chosen];
    if (!event) return;
    const here = verdicts.of(event.id);
    if (here && here.verdict === verdict) {
      drafts.set(event.id, here.note);
      verdicts.takeBack(event.id);
      redraw(event);
      say("The verdict is taken back.");
      return;
    }
    verdicts.set(event, verdict, note.value.trim());
    redraw(event);
    const isLast = chosen === found.length - 1;
    if (!isLast) choose(chosen + 1);
    say(`${WORDS[verdict]}: ${event.rule}, ${event.when}${isLast ? ". That was the last event." : ""}`);
  }

  function remark() {
    const event = found[chosen];
    if (!event || note.value.trim() === noteOf(event)) return;
    const verdict = verdictOf(event);
    if (verdict) verdicts.set(event, verdict, note.value.trim());
    else drafts.set(event.id, note.value.trim());
    redraw(event);
  }

  // --- the address and the filters ---------------------------------------------------------------------------------

  function read() {
    const told = new URLSearchParams(location.hash.slice(1));
    const next = { ...DEFAULTS };
    for (const key of Object.keys(next)) if (told.has(key)) next[key] = told.get(key).slice(0, 200);
    if (next.verdict === "all") next.verdict = "";
    if (!["", "open", "reviewed", ...data.verdicts].includes(next.verdict)) next.verdict = "open";
    if (!data.severities.includes(next.severity)) next.severity = "";
    if (!/^\d{4}-\d\d-\d\d$/.test(next.day)) next.day = "";
    return next;
  }

  function write(isNewStep) {
    const told = new URLSearchParams();
    for (const key of Object.keys(DEFAULTS)) if (view[key] !== DEFAULTS[key]) told.set(key, view[key] || "all");
    const fragment = String(told) ? "#" + told : location.href.split("#")[0];
    history[isNewStep ? "pushState" : "replaceState"](null, "", fragment);
  }

  function show() {
    for (const key of Object.keys(DEFAULTS)) {
      const input = form.elements.namedItem(key);
      if (input && input.value !== view[key]) input.value = view[key];
    }
    // Whatever the address leads to is listed, whether or not it was reviewed meanwhile.
    found = data.events.filter((event) => event.id === view.event || fits(event));
    const place = found.findIndex((event) => event.id === view.event);
    chosen = Math.max(place, found.length ? 0 : -1);
    list();
    choose(chosen, true);
    summarise();
    const filtered = Object.keys(DEFAULTS).some((key) => key !== "event" && view[key] !== DEFAULTS[key]);
    form.classList.toggle("filtered", filtered);
    form.querySelector("output").textContent = filtered
      ? `${number(found.length)} of ${number(data.events.length)} events` : "";
  }

  function filter(isTyped) {
    for (const key of Object.keys(DEFAULTS)) {
      const input = form.elements.namedItem(key);
      if (input) view[key] = input.value;
    }
    view.event = "";
    write(!isTyped);
    say("");
    show();
  }

  function follow() {
    view = read();
    show();
  }

  function fill() {
    const add = (name, values) => form.elements.namedItem(name).append(...values.map(([value, text]) => new Option(text, value)));
    const sorted = (values) => [...new Set(values)].sort((a, b) => a.localeCompare(b)).map((value) => [value, value]);
    add("rule", sorted(data.events.map((event) => event.rule)));
    add("camera", sorted(data.events.filter((event) => event.camera !== null).map((event) => event.camera)));
    if (data.events.some((event) => event.camera === null)) add("camera", [[NOBODY, "unknown"]]);
    add("severity", data.severities.map((name) => [name, name]));
    const days = data.events.map((event) => event.day).filter(Boolean).sort();
    const day = form.elements.namedItem("day");
    if (days.length) [day.min, day.max] = [days[0], days[days.length - 1]];
    else day.closest("label").hidden = true;
  }

  // --- out of the browser ------------------------------------------------------------------------------------------

  function download() {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([verdicts.csv()], { type: "text/csv" }));
    link.download = "verdicts.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async function copy() {
    const area = pending.querySelector(".csv");
    area.value = verdicts.csv();
    area.hidden = false;
    area.select();
    const button = pending.querySelector("[name=copy]");
    try {
      await navigator.clipboard.writeText(area.value);
      button.textContent = "Copied";
    } catch {
      button.textContent = document.execCommand("copy") ? "Copied" : "Marked: copy it with the keyboard";
    }
    setTimeout(() => { button.textContent = "Copy as CSV"; }, 4000);
  }

  function discard(event) {
    const button = event.target;
    if (button.textContent === "Discard") {
      button.textContent = `Discard ${number(verdicts.count())} for good?`;
      return;
    }
    verdicts.discard();
    pending.querySelector(".csv").hidden = true;
    show();
  }

  if (!table) return;
  verdicts.load(data);
  fill();
  form.hidden = false;
  view = read();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => { if (event.target.name === "q") filter(true); });
  form.addEventListener("change", (event) => { if (event.target.name !== "q") filter(false); });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    view = { ...DEFAULTS };
    write(true);
    show();
  });
  table.addEventListener("click", (event) => {
    const line = event.target.closest("tr[data-place]");
    if (line) choose(Number(line.dataset.place));
  });
  const turn = (by) => () => choose((pageOf(chosen) + by) * PAGE);
  one("#queue .pager [name=before]").addEventListener("click", turn(-1));
  one("#queue .pager [name=after]").addEventListener("click", turn(1));
  note.addEventListener("change", remark);
  note.addEventListener("keydown", (event) => { if (["Enter", "Escape"].includes(event.key)) note.blur(); });
  pending.querySelector("[name=download]").addEventListener("click", download);
  pending.querySelector("[name=copy]").addEventListener("click", copy);
  pending.querySelector("[name=discard]").addEventListener("click", discard);
  addEventListener("popstate", follow);
  addEventListener("storage", () => { verdicts.load(data); show(); });
  site.keys({
    n: () => step(1),
    p: () => step(-1),
    o: () => { if (found[chosen] && found[chosen].page) location.href = found[chosen].page; },
    u: () => give("useful"),
    f: () => give("false-alarm"),
    c: () => give("unclear"),
    m: () => note.focus(),
  });
  show();
  document.documentElement.dataset.listed = String(data.events.length);
})();
