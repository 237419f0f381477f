// What the queue of events lists: rows, filters and how the address names them. Whatever is a name stays text.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const { verdicts } = site;
  const data = JSON.parse(document.getElementById("events").textContent);
  const DEFAULTS = { q: "", verdict: "open", rule: "", camera: "", severity: "", day: "", event: "" };
  const NOBODY = "(unknown)";
  const WORDS = { "useful": "useful", "false-alarm": "false alarm", "unclear": "unclear" };
  const drafts = new Map(); // notes on events that have no verdict yet

  function element(name, className, ...content) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...content);
    return made;
  }

  const outside = (text) => (text === null ? element("span", "unknown", "unknown") : element("bdi", "", text));
  const number = (value) => value.toLocaleString("en-US");

  // What counts now: what was given here, or else what the tables have.
  function verdictOf(event) {
    const here = verdicts.of(event.id);
    return here ? !verdicts.isOpen(here) && here.verdict : event.verdict;
  }

  function noteOf(event) {
    const here = verdicts.of(event.id);
    return here && !verdicts.isOpen(here) ? here.note : drafts.get(event.id) || event.note;
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

  const texts = new Map(data.events.map((event) =>
    [event.id, [event.rule, event.camera || "", event.evidence, event.note, event.when, event.id].join("\n").toLowerCase()]));

  function fits(event, view) {
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
    let when = document.createTextNode(event.at);
    if (event.page) {
      when = element("a", "", event.at);
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

  // The view that the address names; null where its fragment is the name of a place in the page.
  function read() {
    const fragment = location.hash.slice(1);
    if (fragment && !fragment.includes("=")) return null;
    const told = new URLSearchParams(fragment);
    const next = { ...DEFAULTS };
    for (const key of Object.keys(next)) if (told.has(key)) next[key] = told.get(key).slice(0, 200);
    if (next.verdict === "all") next.verdict = "";
    if (!["", "open", "reviewed", ...data.verdicts].includes(next.verdict)) next.verdict = "open";
    if (!data.severities.includes(next.severity)) next.severity = "";
    if (!/^\d{4}-\d\d-\d\d$/.test(next.day)) next.day = "";
    return next;
  }

  // Put the choices into the form of the filters.
  function fill(form) {
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

  site.queue = { data, DEFAULTS, WORDS, drafts, element, outside, number, verdictOf, noteOf, status, fits, row, read, fill };
})();
