// The zones of events over the picture of the player: outlined and named while such an event goes on.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const SVG = "http://www.w3.org/2000/svg";

  function made(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  // An outline twice: the wider one beneath keeps it apart from whatever the picture shows.
  function outline(drawing, corners) {
    const points = corners.map((corner) => corner.join()).join(" ");
    const group = made("g", {});
    group.append(made("polygon", { class: "under", points }), made("polygon", { points }));
    drawing.append(group);
    return group;
  }

  function name(place, words, corners) {
    const [x, y] = corners.reduce((best, corner) =>
      corner[1] < best[1] || (corner[1] === best[1] && corner[0] < best[0]) ? corner : best);
    const label = document.createElement("span");
    label.className = "zone";
    label.textContent = words;
    label.style.left = 100 * x + "%";
    label.style.top = 100 * y + "%";
    // At the right edge there is room to the left of the corner alone.
    if (x > 0.8) label.style.transform = "translateX(-100%)";
    place.append(label);
    return label;
  }

  // Draws into a place, from [name, corners as shares of the picture, [from ms, until ms], …] of the page.
  site.zones = function (place, zones) {
    if (!zones.length) return { draw() {} };
    const drawing = made("svg", { class: "zones", viewBox: "0 0 1 1", preserveAspectRatio: "none" });
    const labels = document.createElement("div");
    place.prepend(drawing, labels);
    const drawn = zones.map(([words, corners, spans]) =>
      ({ spans, parts: [outline(drawing, corners), name(labels, words, corners)] }));

    function draw(seconds) {
      const ms = seconds === null ? null : Math.round(seconds * 1000);
      for (const { spans, parts } of drawn) {
        const isOn = ms !== null && spans.some(([from, until]) => from <= ms && ms <= until);
        for (const part of parts) part.toggleAttribute("hidden", !isOn);
      }
    }

    draw(null);
    return { draw };
  };
})();
