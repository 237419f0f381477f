// The queue of events: filters, one event at a time by keys, and a verdict on it. Whatever is a name stays text.
"use strict";

(function () {
  const site = window.emobatch;
  const { verdicts } = site;
  const { data, DEFAULTS, WORDS, drafts, element, outside, number, verdictOf, noteOf, status, row } = site.queue;
  const one = (selector) => document.querySelector(selector);
  const form = one("#filters");
  const panel = one("#review");
  const pending = one("#pending");
  const later = one("#review [name=later]");
  const table = one("table.events");
  const note = one("#review [name=note]");
  const PAGE = 100;
  let view = { ...DEFAULTS };
  let found = [];
  let chosen = -1; // place in found

  // --- words -------------------------------------------------------------------------------------------------------

  function say(words) {
    one("#review .said").textContent = words;
  }

  // --- the list ----------------------------------------------------------------------------------------------------

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
    const count = (of) => listed.filter(of).length;
    const opened = count((event) => event.verdict && !verdictOf(event)) - count((event) => !event.verdict && verdictOf(event));
    n.textContent = number(Number(n.dataset.all) + opened);
    pending.hidden = later.hidden = !verdicts.count();
    later.textContent = `${number(verdicts.count())} to save`;
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
    if (verdictOf(event) === verdict) {
      drafts.set(event.id, noteOf(event));
      verdicts.takeBack(event);
      redraw(event);
      say(event.verdict ? "The verdict is taken back, as soon as that is imported." : "The verdict is taken back.");
      return;
    }
    verdicts.set(event, verdict, note.value.trim());
    redraw(event);
    const isLast = chosen === found.length - 1;
    if (!isLast) choose(chosen + 1);
    say(`${event.rule}, ${event.at}: ${WORDS[verdict]}.${isLast ? " That was the last event." : ""}`);
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
    found = data.events.filter((event) => event.id === view.event || site.queue.fits(event, view));
    const place = found.findIndex((event) => event.id === view.event);
    chosen = Math.max(place, found.length ? 0 : -1);
    list();
    choose(chosen, true);
    summarise();
    const filtered = Object.keys(DEFAULTS).some((key) => key !== "event" && view[key] !== DEFAULTS[key]);
    form.classList.toggle("filtered", filtered);
    form.querySelector("output").textContent = filtered
      ? `${number(found.length)} of ${number(data.events.length)} event${data.events.length === 1 ? "" : "s"}` : "";
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
    const next = site.queue.read();
    if (!next) return;
    view = next;
    show();
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
  site.queue.fill(form);
  form.hidden = false;
  view = site.queue.read() || { ...DEFAULTS };
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
  later.addEventListener("click", () => pending.scrollIntoView());
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
