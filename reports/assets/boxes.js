// The boxes of faces over the picture of the player: where each is at a second, and what stands at it.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const OUTSIDE = "#b8bec4"; // of what has no expression
  const LINE_PX = 18;
  const LETTER_PX = 6.3;

  // Of each sighting: the track, until when it stands, when its faces were seen, and their edges.
  function read([track, end, ...steps]) {
    const n = steps.length / 5;
    const times = new Float64Array(n);
    const edges = new Float64Array(4 * n);
    const last = [0, 0, 0, 0, 0];
    for (let k = 0; k < n; k += 1) {
      for (let j = 0; j < 5; j += 1) last[j] += steps[5 * k + j];
      times[k] = last[0];
      edges.set(last.slice(1), 4 * k);
    }
    return { track, end, times, edges };
  }

  // In a straight line from the face before to the face after.
  function edgesAt({ times, edges }, ms) {
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (times[middle] <= ms) low = middle;
      else high = middle - 1;
    }
    const next = Math.min(low + 1, times.length - 1);
    const passed = next > low ? (ms - times[low]) / (times[next] - times[low]) : 0;
    return [0, 1, 2, 3].map((j) => edges[4 * low + j] + passed * (edges[4 * next + j] - edges[4 * low + j]));
  }

  // From [ms, label, percent, ms, label, percent, …] the last that holds; label -1 where nothing can be told.
  function captionAt(told, ms) {
    let low = 0;
    let high = told.length / 3;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (told[3 * middle] <= ms) low = middle + 1;
      else high = middle;
    }
    return low ? [told[3 * low - 2], told[3 * low - 1]] : [-1, 0];
  }

  // Above its box, or where another caption is in the way below it or a line further off.
  function placeCaption(taken, left, top, bottom, letters) {
    const width = letters * LETTER_PX + 12;
    const rows = [top - LINE_PX, bottom + 2, top - 2 * LINE_PX, bottom + 2 + LINE_PX, top - 3 * LINE_PX];
    const free = (y) => y >= 0 && !taken.some((other) => Math.abs(other.y - y) < LINE_PX &&
      left < other.left + other.width && other.left < left + width);
    const y = rows.find(free) ?? Math.max(0, rows[0]);
    taken.push({ left, y, width });
    return y;
  }

  // Draws into a place, from the data of the page. The size is that of the picture whose px the edges are.
  site.boxes = function (place, data) {
    const sightings = data.boxes.map(read);
    const captions = new Map(data.captions.map(([track, ...told]) => [track, told]));
    const pool = [];

    function box(k) {
      if (!pool[k]) {
        pool[k] = document.createElement("div");
        pool[k].append(document.createElement("span"));
        place.append(pool[k]);
      }
      return pool[k];
    }

    function words(track, label, percent) {
      if (label === data.labels.length) return "track " + track + " · not judged";
      // No percentage stands beside uncertain: its faces may each be sure of something else.
      return "track " + track + (label < 0 ? "" : " · " + data.labels[label] + (percent ? " " + percent + " %" : ""));
    }

    function draw(ms, selected, [width, height]) {
      const seen = ms === null ? [] : sightings.filter((one) => one.times[0] <= ms && ms <= one.end);
      // The selected one has the first choice of a place for its caption.
      seen.sort((a, b) => (b.track === selected) - (a.track === selected));
      const [across, down] = [place.clientWidth / width, place.clientHeight / height];
      const taken = [];
      seen.forEach((sighting, k) => {
        const { track } = sighting;
        const [left, top, right, bottom] = edgesAt(sighting, ms);
        const [label, percent] = captionAt(captions.get(track) || [], ms);
        const drawn = box(k);
        const caption = drawn.firstChild;
        drawn.className = "box" + (label === data.labels.length ? " unjudged" : "") +
          (track === selected ? " selected" : "");
        drawn.dataset.track = track;
        drawn.hidden = false;
        drawn.style.setProperty("--colour", data.colours[label] || OUTSIDE);
        drawn.style.left = left * across + "px";
        drawn.style.top = top * down + "px";
        drawn.style.width = (right - left) * across + "px";
        drawn.style.height = (bottom - top) * down + "px";
        caption.textContent = words(track, label, percent);
        const x = Math.max(0, Math.min(left * across, place.clientWidth - caption.textContent.length * LETTER_PX - 12));
        caption.style.left = x - left * across + "px";
        caption.style.top = placeCaption(taken, x, top * down, bottom * down, caption.textContent.length) - top * down + "px";
      });
      for (const drawn of pool.slice(seen.length)) drawn.hidden = true;
    }

    return { draw: (seconds, selected, size) => draw(seconds === null ? null : Math.round(seconds * 1000), selected, size) };
  };
})();
