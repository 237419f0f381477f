// The keys of a page, the buttons that do the same, and the list of all of them.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});

  // From each key, as KeyboardEvent.key has it, what it does; a button names its key in data-key. "?" is always there.
  site.keys = function (does) {
    const dialog = document.querySelector("dialog.keys");
    const all = { ...does, "?": () => (dialog.open ? dialog.close() : dialog.showModal()) };

    // Keys belong to whoever types, to a button that is pressed, to what scrolls, and to the browser.
    function isTaken(event) {
      const { key, target } = event;
      const control = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
      return control || target.closest("input, textarea, select, [contenteditable]") ||
        (key === " " && target.closest("button, summary")) ||
        (key.startsWith("Arrow") && target.closest(".scroll, .mpv")) ||
        (dialog.open && key !== "?");
    }

    document.addEventListener("keydown", (event) => {
      if (!Object.hasOwn(all, event.key) || isTaken(event)) return;
      event.preventDefault();
      all[event.key]();
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-key]");
      if (button) all[button.dataset.key]();
    });
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  };
})();
