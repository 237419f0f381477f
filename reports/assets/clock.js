// Seconds as all pages write them: m:ss or h:mm:ss, with tenths where they matter.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const two = (n) => String(n).padStart(2, "0");

  site.clock = function (seconds, withTenths) {
    const tenths = Math.round(Math.max(0, seconds) * 10);
    const whole = Math.floor(tenths / 10);
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    const text = (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(whole % 60);
    return withTenths ? text + "." + (tenths % 10) : text;
  };
})();
