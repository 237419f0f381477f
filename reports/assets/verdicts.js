// Verdicts that are given in the page: kept in this browser, and copied out as CSV for `emobatch review --import`.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  // Pages of several archives may share one store, as all files of a disk do.
  const KEY = "emobatch verdicts " + location.pathname;
  const COLUMNS = ["event_id", "verdict", "note", "when", "rule", "camera", "video_id", "time", "end_time", "start_s", "end_s"];
  const OPEN = "open"; // what withdraws a verdict that the tables have
  let given = new Map(); // by id of the event: verdict, note, when, told
  let keeps = true;

  function isOne(entry, known) {
    return entry !== null && typeof entry === "object" && [...known, OPEN].includes(entry.verdict) &&
      typeof entry.note === "string" && typeof entry.when === "string" && entry.told !== null && typeof entry.told === "object";
  }

  // Whether the tables say so already.
  function isStored(event, verdict, note) {
    return verdict === OPEN ? !event.verdict : event.verdict === verdict && event.note === note;
  }

  // What an earlier visit left. A verdict that the tables have by now is let go of.
  function load(data) {
    let kept = [];
    try {
      kept = Object.entries(JSON.parse(localStorage.getItem(KEY) || "{}"));
    } catch {
      keeps = false;
    }
    const stored = new Map(data.events.map((event) => [event.id, event]));
    given = new Map(kept.filter(([id, entry]) => {
      if (!isOne(entry, data.verdicts)) return false;
      const event = stored.get(id);
      return !((event && isStored(event, entry.verdict, entry.note)) || (event && event.given && Date.parse(event.given) >= Date.parse(entry.when)));
    }));
    save();
  }

  function save() {
    try {
      if (given.size) localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(given)));
      else localStorage.removeItem(KEY);
    } catch {
      keeps = false;
    }
  }

  function set(event, verdict, note) {
    if (isStored(event, verdict, note)) given.delete(event.id);
    else given.set(event.id, { verdict, note, when: new Date().toISOString(), told: event.told });
    save();
  }

  // No verdict counts any more, whether it was given here or lies in the tables.
  function takeBack(event) {
    set(event, OPEN, "");
  }

  function discard() {
    given.clear();
    save();
  }

  // A text that a spreadsheet would take for a formula gets an apostrophe, which the import takes off again.
  function cell(value) {
    let text = value === null || value === undefined ? "" : String(value);
    if (typeof value === "string" && /^[=+\-@\t\r\n＝＋－＠]/.test(text)) text = "'" + text;
    return /[",\r\n;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function csv() {
    const lines = [...given].map(([id, entry]) => {
      const row = { event_id: id, verdict: entry.verdict, note: entry.note, when: entry.when, ...entry.told };
      return COLUMNS.map((name) => cell(row[name])).join(",");
    });
    return [COLUMNS.join(","), ...lines].join("\r\n") + "\r\n";
  }

  site.verdicts = {
    load, set, takeBack, discard, csv,
    of: (id) => given.get(id),
    isOpen: (entry) => entry.verdict === OPEN,
    count: () => given.size,
    isKept: () => keeps,
    ids: () => [...given.keys()],
  };
})();
