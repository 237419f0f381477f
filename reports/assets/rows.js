// The videos and changes of a page, and which of them a view shows. Knows nothing of the document but its data.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const DAY_S = 86400;
  const block = document.getElementById("rows");
  const rows = JSON.parse(block.textContent);
  const videos = rows.videos;
  const n = videos.id.length;

  const epochs = rows.days.map((day) => Date.parse(day + "T00:00:00Z") / 1000);
  // Seconds since 1970 by the camera's own clock; NaN where nothing tells.
  const begins = Float64Array.from(videos.day, (day, k) => (day < 0 ? NaN : epochs[day] + videos.start[k]));
  const ends = Float64Array.from(videos.duration, (tenths, k) => begins[k] + Math.max(tenths, 0) / 10);
  const names = videos.name.map((name) => name.toLowerCase());
  const texts = { camera: rows.cameras, folder: rows.folders, note: rows.notes };
  for (const key of Object.keys(texts)) texts[key] = texts[key].map((text) => text.toLowerCase());
  const nobody = "(unknown)";

  // Whether each video holds this word in its name, folder, camera or reason. A shared text is looked at once.
  function holding(word) {
    const found = {};
    for (const key of Object.keys(texts)) found[key] = texts[key].map((text) => text.includes(word));
    const { camera, folder, note } = found;
    return (k) => names[k].includes(word) || camera[videos.camera[k]] || folder[videos.folder[k]] || note[videos.note[k]];
  }

  function overlaps(k, from, to) {
    return begins[k] < to && (ends[k] > from || begins[k] >= from);
  }

  // Whether a video goes on in this hour of some day between two moments.
  function inHour(k, hour, from, to) {
    const first = Math.max(Math.floor(begins[k] / DAY_S), from === -Infinity ? -Infinity : from / DAY_S);
    const last = Math.min(Math.floor(ends[k] / DAY_S), to === Infinity ? Infinity : to / DAY_S - 1);
    for (let day = first; day <= last; day += 1) {
      if (overlaps(k, day * DAY_S + hour * 3600, day * DAY_S + (hour + 1) * 3600)) return true;
    }
    return false;
  }

  function tests(view) {
    const found = view.q.toLowerCase().split(/\s+/).filter(Boolean).map(holding);
    if (view.camera) {
      const camera = view.camera === nobody ? -1 : rows.cameras.indexOf(view.camera);
      found.push((k) => videos.camera[k] === (camera < 0 && view.camera !== nobody ? -2 : camera));
    }
    if (view.status === "problems") {
      const bad = ["partial", "failed"].map((status) => rows.statuses.indexOf(status));
      found.push((k) => bad.includes(videos.status[k]));
    } else if (view.status) {
      const status = rows.statuses.indexOf(view.status);
      found.push((k) => videos.status[k] === status);
    }
    return found;
  }

  function between(view) {
    const from = view.from ? Date.parse(view.from + "T00:00:00Z") / 1000 : -Infinity;
    const to = view.to ? Date.parse(view.to + "T00:00:00Z") / 1000 + DAY_S : Infinity;
    return [from, to, view.hour === "" ? -1 : Number(view.hour)];
  }

  const dated = ([from, to, hour]) => hour >= 0 || from !== -Infinity || to !== Infinity;

  // Places of the videos that a view shows, in the order given.
  function videosOf(view, order) {
    const all = tests(view);
    const time = between(view);
    const label = rows.labels.indexOf(view.shown);
    if (view.shown) all.push((k) => videos.shown[k].some((value, i) => i % 2 === 0 && value === label));
    if (dated(time)) {
      const [from, to, hour] = time;
      all.push((k) => begins[k] === begins[k] && (hour < 0 ? overlaps(k, from, to) : inHour(k, hour, from, to)));
    }
    return order.filter((k) => all.every((test) => test(k)));
  }

  // The changes that a view shows, the strongest first. One that is dated counts by its own moment.
  function changesOf(view) {
    const all = tests(view);
    const time = between(view);
    const label = rows.labels.indexOf(view.shown);
    return rows.changes.filter((change) => {
      const [video, , , moment, before, after] = change;
      if (view.shown && before !== label && after !== label) return false;
      if (dated(time)) {
        const [from, to, hour] = time;
        if (moment < 0 || moment < from || moment >= to) return false;
        if (hour >= 0 && Math.floor((moment % DAY_S) / 3600) !== hour) return false;
      }
      return all.every((test) => test(video));
    });
  }

  // What a column is sorted by; unknown values come last either way.
  const keys = {
    name: names,
    camera: videos.camera.map((camera) => (camera < 0 ? null : texts.camera[camera])),
    start: Array.from(begins, (begin) => (begin === begin ? begin : null)),
    duration: videos.duration.map((value) => (value < 0 ? null : value)),
    coverage: videos.coverage.map((value) => (value < 0 ? null : value)),
    // The worst first.
    status: videos.status.map((status) => ["failed", "partial", "duplicate", "done"].indexOf(rows.statuses[status])),
    tracks: videos.tracks,
    shown: videos.shown.map((shown) => (shown.length ? rows.labels[shown[0]] : null)),
    note: videos.note.map((note) => (note < 0 ? null : texts.note[note])),
  };
  const orders = new Map([["-start", Array.from({ length: n }, (_, k) => k)]]);

  // All places in the order of a column; "-" before its name turns it around.
  function ordered(sort) {
    if (!orders.has(sort)) {
      const down = sort.startsWith("-") ? -1 : 1;
      const key = keys[sort.replace("-", "")];
      const compare = (a, b) => (a < b ? -down : a > b ? down : 0);
      orders.set(sort, Array.from({ length: n }, (_, k) => k).sort((a, b) => {
        if (key[a] === null || key[b] === null) return (key[a] === null) - (key[b] === null) || a - b;
        return compare(key[a], key[b]) || a - b;
      }));
    }
    return orders.get(sort);
  }

  site.rows = { ...rows, n, nobody, columns: Object.keys(keys), videosOf, changesOf, ordered, begins };
})();
