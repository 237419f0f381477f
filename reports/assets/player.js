// The player of a video's page: every chart, row and key leads to a second of the footage. Faces have boxes over it.
// Where the browser cannot play the footage, the same clicks choose a second and tell how another player shows it.
"use strict";

(function () {
  const data = JSON.parse(document.getElementById("player").textContent);
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const video = one(".stage video");
  const boxes = video && window.emobatch.boxes(one(".boxes"), data);
  const zones = video && window.emobatch.zones(one(".boxes"), data.zones);
  const OVERLAYS = data.zones.length ? "Boxes and zones" : "Boxes";
  const OFTEN_MS = 250; // the line in the charts moves this often
  const LATE_MS = 8000; // footage that says nothing for so long is told of
  const FIRST_MS = 5000; // a first frame that takes longer is not waited for
  const STEP_S = 5;

  const chosen = { seconds: 0, track: null };
  let plays = false; // there is a picture
  let ahead = null; // seconds of the player's clock before the first frame; null until known
  let boxesOn = true;

  // --- words -------------------------------------------------------------------------------------------------------

  const clock = (seconds) => window.emobatch.clock(seconds, true);

  // By the camera's clock; nothing where the start is unknown.
  function wall(seconds) {
    const step = data.clock.filter(([from]) => from <= seconds + 1e-6).pop();
    if (!step) return "";
    return new Date(step[1] + seconds * 1000).toISOString().slice(0, 19).replace("T", " ") + " " + step[2];
  }

  function say(words) {
    one(".said").textContent = words;
  }

  // --- the moment --------------------------------------------------------------------------------------------------

  function shown() {
    if (!plays || pending !== null) return chosen.seconds;
    const seconds = video.currentTime - ahead;
    // A player rounds what it is asked for.
    return video.paused && Math.abs(seconds - chosen.seconds) < 0.02 ? chosen.seconds : Math.max(0, seconds);
  }

  let toldAt = 0;
  let telling = 0;

  function tell() {
    clearTimeout(telling);
    telling = 0;
    toldAt = performance.now();
    const seconds = shown();
    for (const place of all("output.moment")) place.textContent = clock(seconds);
    one(".wall").textContent = wall(seconds);
    const command = one(".mpv code");
    if (command && !plays) command.textContent = "mpv --start=" + seconds.toFixed(1) + " " + data.mpv;
    document.dispatchEvent(new CustomEvent("moment-shown", { detail: { seconds, track: chosen.track } }));
  }

  // At most once in OFTEN_MS, and once more at the end.
  function tellSoon() {
    if (!telling) telling = setTimeout(tell, Math.max(0, OFTEN_MS - (performance.now() - toldAt)));
  }

  let pending = null; // a second to go to as soon as the player can

  function seek() {
    if (!plays || ahead === null || pending === null) return;
    // A millisecond more, so that rounding never shows the frame before.
    video.currentTime = pending + ahead + 0.001;
    pending = null;
  }

  function select(track) {
    chosen.track = data.tracks.some(([id]) => id === track) ? track : null;
    for (const row of all("tr[data-track], .changes li")) {
      row.classList.toggle("selected", Number(row.dataset.track) === chosen.track);
    }
    one("output.track").textContent = chosen.track === null ? "–" : chosen.track;
  }

  function goTo(seconds, track) {
    const end = data.end_s || 0;
    chosen.seconds = Math.min(Math.max(0, seconds), end);
    if (track !== undefined) select(track);
    pending = chosen.seconds;
    seek();
    const fragment = "#t=" + Math.round(chosen.seconds * 1000) / 1000;
    history.replaceState(null, "", fragment + (chosen.track === null ? "" : "&track=" + chosen.track));
    tell();
    drawBoxes(chosen.seconds);
  }

  function followAddress() {
    const said = new URLSearchParams(location.hash.slice(1));
    const seconds = parseFloat(said.get("t"));
    const track = parseInt(said.get("track"), 10);
    if (Number.isFinite(seconds)) goTo(seconds, Number.isFinite(track) ? track : null);
  }

  // --- from moment to moment ---------------------------------------------------------------------------------------

  function goToTrack(step) {
    const here = data.tracks.findIndex(([id]) => id === chosen.track);
    const next = here < 0 ? (step > 0 ? 0 : data.tracks.length - 1) : here + step;
    if (!data.tracks.length) return;
    if (next < 0 || next >= data.tracks.length) {
      say(step > 0 ? "That was the last track." : "That was the first track.");
      return;
    }
    const [id, start, end, best, expression] = data.tracks[next];
    goTo(best, id);
    followRow(id);
    say("Track " + id + ", " + (expression || "not judged") + ", from " + clock(start) + " to " + clock(end) +
      "; best moment " + clock(best));
  }

  // Whoever reads the table of tracks sees the row; who reads something else goes on reading it.
  function followRow(track) {
    const row = one("tr[data-track='" + track + "']");
    const table = row && row.closest("table").getBoundingClientRect();
    if (row && table.top < innerHeight && table.bottom > 0) row.scrollIntoView({ block: "nearest" });
  }

  function goToChange(step) {
    const now = shown();
    const here = data.changes.findIndex(([at, track]) => track === chosen.track && Math.abs(at - now) < 0.01);
    const next = here >= 0 ? here + step : step > 0
      ? data.changes.findIndex(([at]) => at > now)
      : data.changes.findLastIndex(([at]) => at < now);
    const change = data.changes[next];
    if (!change) {
      say(step > 0 ? "No later change." : "No earlier change.");
      return;
    }
    goTo(change[0], change[1]);
    say("Track " + change[1] + ", from " + change[2] + " to " + change[3] + " at " + clock(change[0]));
  }

  function toggleBoxes() {
    boxesOn = !boxesOn;
    for (const button of all("[data-key=b]")) button.setAttribute("aria-pressed", String(boxesOn));
    say(OVERLAYS + (boxesOn ? " on" : " off"));
    drawBoxes(shown());
  }

  function playOrPause() {
    if (!plays) return;
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  function clicked(event) {
    const link = event.target.closest("a[href]");
    if (link && !link.matches(".jump")) return; // It leads to another page.
    const place = link || event.target.closest("[data-at]");
    // Whoever marks words of a row with the mouse, or opens a link elsewhere, goes nowhere.
    if (!place || event.ctrlKey || event.metaKey || event.shiftKey || (!link && String(getSelection()))) return;
    event.preventDefault();
    const track = place.dataset.track;
    goTo(parseFloat(place.dataset.at), track === undefined ? undefined : Number(track));
  }

  // --- footage that does not play ----------------------------------------------------------------------------------

  // Why: gone, blind, late or broken, in the words that the page holds.
  function failed(why) {
    if (plays) chosen.seconds = shown();
    plays = false;
    const place = one(".elsewhere .why");
    place.textContent = place.dataset[why];
    showStage();
    tell();
  }

  function showStage() {
    one(".elsewhere").hidden = plays;
    one(".stage").classList.toggle("dark", !plays);
    for (const button of all("[data-key=b]")) button.hidden = !plays;
  }

  function works() {
    if (!video.videoWidth) {
      video.pause();
      failed("blind");
      return;
    }
    plays = true;
    showStage();
    fit();
    awaitFirstFrame();
  }

  // Tables count from the first frame of the video; players from whatever stream begins first. The first frame that
  // is shown tells the difference.
  function awaitFirstFrame() {
    const known = (seconds) => {
      if (ahead !== null) return;
      // A first frame that is damaged is not shown: what is shown instead is no beginning.
      const most = video.duration - (data.duration_s || 0) + 0.25;
      ahead = seconds > 0 && seconds <= most ? seconds : 0;
      document.documentElement.dataset.player = "ready";
      seek();
      drawBoxes(shown());
    };
    if (!video.requestVideoFrameCallback || video.currentTime > 0) known(0);
    else {
      video.requestVideoFrameCallback((now, frame) => known(frame.mediaTime));
      setTimeout(known, FIRST_MS, 0);
    }
  }

  async function copy() {
    const command = one(".mpv code");
    try {
      await navigator.clipboard.writeText(command.textContent);
      say("Copied");
    } catch (refused) {
      getSelection().selectAllChildren(command);
      say(document.execCommand("copy") ? "Copied" : "Marked: copy it with the keyboard");
    }
  }

  // --- boxes ----------------------------------------------------------------------------------------------------------

  // Boxes lie over the picture, which may be smaller than the player.
  function fit() {
    const [width, height] = [video.clientWidth, video.clientHeight];
    const scale = Math.min(width / video.videoWidth, height / video.videoHeight);
    const place = one(".boxes").style;
    place.width = video.videoWidth * scale + "px";
    place.height = video.videoHeight * scale + "px";
    place.left = (width - video.videoWidth * scale) / 2 + "px";
    place.top = (height - video.videoHeight * scale) / 2 + "px";
  }

  function drawBoxes(seconds) {
    if (!video) return;
    const at = boxesOn && plays ? seconds : null;
    boxes.draw(at, chosen.track, data.size || [video.videoWidth, video.videoHeight]);
    zones.draw(at);
  }

  function everyFrame(now, frame) {
    // Between two seconds that were chosen the old picture is still there.
    if (pending === null && !video.seeking && ahead !== null) drawBoxes(frame.mediaTime - ahead);
    video.requestVideoFrameCallback(everyFrame);
  }

  // --- all together ------------------------------------------------------------------------------------------------

  function watch() {
    video.addEventListener("error", () => failed(plays ? "broken" : "gone"));
    video.addEventListener("loadedmetadata", works);
    for (const event of ["timeupdate", "seeked", "pause"]) video.addEventListener(event, tellSoon);
    video.addEventListener("seeked", () => drawBoxes(shown()));
    video.addEventListener("seeking", () => {
      // By the player's own bar.
      if (pending === null && ahead !== null && video.seeking) tellSoon();
    });
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(everyFrame);
    else video.addEventListener("timeupdate", () => drawBoxes(shown()));
    new ResizeObserver(() => { if (plays) fit(); }).observe(video);
    setTimeout(() => {
      if (!plays && one(".elsewhere").hidden) failed("late");
    }, LATE_MS);
    if (video.error) failed("gone");
    // Its first frame may have been shown already, and is to be seen.
    else if (video.readyState > 0) video.load();
  }

  one(".controls").hidden = false;
  document.documentElement.dataset.player = "";
  window.emobatch.keys({
    n: () => goToTrack(1),
    "]": () => goToTrack(1),
    p: () => goToTrack(-1),
    "[": () => goToTrack(-1),
    ".": () => goToChange(1),
    ",": () => goToChange(-1),
    " ": playOrPause,
    ArrowLeft: () => goTo(shown() - STEP_S),
    ArrowRight: () => goTo(shown() + STEP_S),
    b: toggleBoxes,
  });
  document.addEventListener("click", clicked);
  document.addEventListener("moment-chosen", (event) => goTo(event.detail.seconds, event.detail.track));
  document.addEventListener("moment-wanted", tell);
  addEventListener("hashchange", followAddress);
  const copying = one(".mpv .copy");
  if (copying) copying.addEventListener("click", copy);
  if (video) watch();
  tell();
  followAddress();
})();
