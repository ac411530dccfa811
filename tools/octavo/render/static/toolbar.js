/* What can be done with a page. Links need none of this: it closes menus, copies the page as Markdown, and shows a
   discussion on the page once the reader asks for it, which is the only time that another host is asked for anything. */
(function () {
  "use strict";
  var OPEN = ".ov-menu[open]";
  var asked = null;

  function all(selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); }

  /* -- menus */

  function close(except) {
    all(OPEN).forEach(function (menu) { if (menu !== except) { menu.open = false; } });
  }

  document.addEventListener("click", function (event) {
    var menu = event.target.closest && event.target.closest(".ov-menu");
    close(menu && !event.target.closest("a") ? menu : null);
  });

  document.addEventListener("keydown", function (event) {
    var menu = event.target.closest && event.target.closest(OPEN);
    if (event.key === "Escape" && !event.defaultPrevented && document.querySelector(OPEN)) {
      close(null);
      if (menu) { menu.querySelector("summary").focus(); }
      return;
    }
    if (!menu || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) { return; }
    event.preventDefault();
    var stops = Array.prototype.slice.call(menu.querySelectorAll("summary, a, button")).filter(function (one) {
      return one.offsetParent !== null;
    });
    var at = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    stops[(at + stops.length) % stops.length].focus();
  });

  document.addEventListener("focusin", function (event) {
    close(event.target.closest && event.target.closest(".ov-menu"));
  });

  /* -- the page as Markdown: its text comes as a script, since a page that is opened as a file may read no other file */

  function say(done) {
    var place = document.querySelector("[data-copied]");
    place.textContent = "";
    setTimeout(function () { place.textContent = done ? place.dataset.copied : place.dataset.failed; }, 50);
    if (!asked) { return; }
    var button = asked, before = button.innerHTML;
    asked = null;
    button.textContent = done ? place.dataset.copied : place.dataset.failed;
    setTimeout(function () { button.innerHTML = before; button.disabled = false; }, 1500);
    button.disabled = true;
  }

  /* the older way, for browsers and addresses that have no clipboard for scripts */
  function copied(text) {
    var box = document.createElement("textarea"), before = document.activeElement, done = false;
    box.value = text;
    box.readOnly = true;
    box.className = "ov-unseen";
    document.body.appendChild(box);
    box.select();
    try { done = document.execCommand("copy"); } catch (error) { /* then it is not copied */ }
    box.remove();
    if (before) { before.focus({ preventScroll: true }); }
    return done;
  }

  function copy(text) {
    if (!navigator.clipboard) { say(copied(text)); return; }
    navigator.clipboard.writeText(text).then(function () { say(true); }, function () { say(copied(text)); });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest(".ov-copy-page");
    if (!button || asked) { return; }
    asked = button;
    var script = document.createElement("script");
    window.octavoMarkdown = copy;
    script.src = button.dataset.copy;
    script.onload = script.onerror = function (outcome) {
      script.remove();
      if (outcome.type === "error") { say(false); }
    };
    document.head.appendChild(script);
  });

  /* -- discussions */

  function colours() {
    var mode = document.body.dataset.theme;
    return mode === "light" || mode === "dark" ? mode : "preferred_color_scheme";
  }

  function framed(button) {
    var frame = document.createElement("iframe");
    frame.src = button.dataset.frame;
    frame.title = button.closest("li").querySelector("a").textContent;
    frame.referrerPolicy = "no-referrer-when-downgrade";
    frame.className = "ov-talk";
    return frame;
  }

  /* giscus brings a script of its own, which puts the discussion where an element is called so, one at a time */
  function withGiscus(button) {
    var place = document.createElement("div"), script = document.createElement("script");
    all(".giscus").forEach(function (old) {
      old.previousElementSibling.hidden = false;
      old.remove();
    });
    place.className = "ov-talk giscus";
    Object.keys(button.dataset).forEach(function (name) { script.dataset[name] = button.dataset[name]; });
    script.dataset.theme = colours();
    script.dataset.reactionsEnabled = "1";
    script.dataset.emitMetadata = "0";
    script.dataset.inputPosition = "top";
    script.src = "https://giscus.app/client.js";
    script.crossOrigin = "anonymous";
    script.async = true;
    document.head.appendChild(script);
    return place;
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest(".ov-show-talk");
    if (!button) { return; }
    var shown = button.dataset.frame ? framed(button) : withGiscus(button);
    button.after(shown);
    button.hidden = true;
    shown.tabIndex = -1;
    shown.focus({ preventScroll: true });
  });

  function start() {
    all(".ov-show-talk").forEach(function (button) { button.hidden = false; });
    all(".ov-copy-page").forEach(function (button) { button.parentElement.hidden = false; });
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
