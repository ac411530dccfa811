/* Tells the service of the book's settings that a page was read: no cookie, nothing stored, nobody told who asks not to be. */
(function () {
  "use strict";
  var own = document.currentScript.dataset;
  if (!/^https?:$/.test(location.protocol) || /^(localhost|127\.|\[::1\])/.test(location.hostname)) return;
  if (navigator.doNotTrack === "1" || window.doNotTrack === "1" || navigator.globalPrivacyControl) return;
  var from = document.referrer.indexOf(location.origin + "/") ? document.referrer : "";
  var options = { method: "POST", mode: "no-cors", credentials: "omit", keepalive: true, referrerPolicy: "origin" };
  var address = own.address;
  if (own.service === "plausible") {
    options.headers = { "Content-Type": "text/plain" };
    options.body = JSON.stringify({ name: "pageview", url: location.origin + location.pathname, domain: location.hostname, referrer: from || null });
  } else {
    var seen = { p: location.pathname, t: document.title, r: from, s: screen.width + "," + screen.height + ",1", rnd: Math.random().toString(36).slice(2) };
    options.method = "GET";
    address += "?" + new URLSearchParams(seen);
  }
  fetch(address, options).catch(function () {});
})();
