/* The live preview's part in each window: shows what is saved where the reader is, and what is wrong. `octavo serve` puts it
   at the end of each page that it sends, before the page's own scripts have run; no built page has it. */
(function () {
  "use strict";
  var script = document.currentScript;
  var root = document.documentElement;
  var version = script.dataset.version;
  var PLACE = "octavo-live-place";
  var BLOCKS = "article section > :not(section)";
  /* what has scripts or panels of its own is shown anew with the whole page */
  var COMPLEX = "pre, script, iframe, details, table, .ov-set, .ov-output, .ov-code";
  var html = null;

  function all(selector, inside) {
    return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
  }

  /* -- the place of the reader, over a reload */

  function onScreen() {
    return all(BLOCKS + ", .ov-set").filter(function (block) {
      if (block.closest(".ov-panel")) { return false; }
      var box = block.getBoundingClientRect();
      return box.height && box.bottom > 60;
    });
  }

  function words(block) { return block.textContent.trim().slice(0, 300); }

  function keepPlace() {
    var blocks = all(BLOCKS + ", .ov-set");
    var place = {
      path: location.pathname,
      y: window.scrollY,
      count: blocks.length,
      near: onScreen().slice(0, 6).map(function (block) {
        return { words: words(block), at: blocks.indexOf(block), top: block.getBoundingClientRect().top };
      }),
      open: all("article details").map(function (box) { return box.open; }),
      closed: overlay.closed
    };
    try {
      sessionStorage.setItem(PLACE, JSON.stringify(place));
      history.scrollRestoration = "manual";
    } catch (error) { /* the browser's own way has to do */ }
  }

  function keptPlace() {
    try {
      var kept = JSON.parse(sessionStorage.getItem(PLACE));
      sessionStorage.removeItem(PLACE);
      return kept && kept.path === location.pathname ? kept : null;
    } catch (error) { return null; }
  }

  function goTo(place) {
    var blocks = all(BLOCKS + ", .ov-set");
    if (place.y < 5) { return; }
    for (var i = 0; i < place.near.length; i++) {
      var wanted = place.near[i], found = null;
      blocks.forEach(function (block, at) {
        if (words(block) === wanted.words && (!found || Math.abs(at - wanted.at) < found.far)) {
          found = { block: block, far: Math.abs(at - wanted.at) };
        }
      });
      if (!found && place.count === blocks.length && blocks[wanted.at]) { found = { block: blocks[wanted.at] }; }
      if (found && found.block.getBoundingClientRect().height) {
        var moved = found.block.getBoundingClientRect().top - wanted.top;
        if (Math.abs(moved) >= 1) { window.scrollBy({ top: moved, left: 0, behavior: "instant" }); }
        return;
      }
    }
    window.scrollTo({ top: place.y, left: 0, behavior: "instant" });
  }

  /* pictures and scripts may move things until the page is loaded, unless the reader has moved on by then */
  function restore(place) {
    var theirs = false;
    var boxes = all("article details");
    function again() { if (!theirs) { goTo(place); } }
    if (boxes.length === place.open.length) {
      boxes.forEach(function (box, at) { box.open = place.open[at]; });
    }
    ["wheel", "touchmove", "keydown", "mousedown"].forEach(function (kind) {
      window.addEventListener(kind, function () { theirs = true; }, { once: true, passive: true });
    });
    again();
    document.addEventListener("DOMContentLoaded", again);
    window.addEventListener("load", function () {
      again();
      setTimeout(function () { again(); history.scrollRestoration = "auto"; }, 50);
    });
  }

  /* -- a new version of this page */

  function parsed(text) { return new DOMParser().parseFromString(text, "text/html"); }

  function versionIn(page) {
    var tag = page.querySelector("script[src='/_octavo/live.js']");
    return tag ? tag.dataset.version : "";
  }

  /* the page without the blocks of its text, in which two versions have to agree */
  function shell(page) {
    var copy = page.documentElement.cloneNode(true);
    all("script[src='/_octavo/live.js']", copy).forEach(function (tag) { tag.remove(); });
    all(BLOCKS, copy).forEach(function (block) { block.replaceWith(copy.ownerDocument.createElement("i")); });
    return copy.outerHTML;
  }

  function isPlain(block) { return !block.matches(COMPLEX) && !block.querySelector(COMPLEX); }

  /* put the blocks that differ into the page; false where only the whole page will do */
  function replaceBlocks(before, after) {
    var old = all(BLOCKS, before), now = all(BLOCKS, after), live = all(BLOCKS);
    if (old.length !== now.length || old.length !== live.length || shell(before) !== shell(after)) { return false; }
    var differ = old.map(function (block, at) { return at; }).filter(function (at) {
      return !old[at].isEqualNode(now[at]);
    });
    var fits = differ.every(function (at) {
      return isPlain(old[at]) && isPlain(now[at]) && live[at].isEqualNode(old[at]);
    });
    if (!fits) { return false; }
    var kept = onScreen().filter(function (block) { return differ.indexOf(live.indexOf(block)) < 0; })[0];
    root.style.overflowAnchor = "none"; /* else the browser may hold the place as well, and go twice as far */
    var top = kept && kept.getBoundingClientRect().top;
    var calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    differ.forEach(function (at) {
      var block = document.importNode(now[at], true);
      live[at].replaceWith(block);
      if (!calm && block.animate) {
        block.animate([{ backgroundColor: "rgba(255, 200, 0, .3)" }, { backgroundColor: "transparent" }], 1200);
      }
    });
    if (kept && kept.getBoundingClientRect().top !== top && window.scrollY > 5) {
      window.scrollBy({ top: kept.getBoundingClientRect().top - top, left: 0, behavior: "instant" });
    }
    requestAnimationFrame(function () {
      requestAnimationFrame(function () { root.style.overflowAnchor = ""; });
    });
    document.dispatchEvent(new CustomEvent("octavo:replaced"));
    return true;
  }

  var fetching = false;

  function refresh() {
    if (fetching) { return; }
    fetching = true;
    var wanted = overlay.state.version;
    fetch(location.pathname, { cache: "no-store", headers: { Accept: "text/html" } }).then(function (answer) {
      return answer.text();
    }).then(function (text) {
      var after = parsed(text), before = html;
      fetching = false;
      if (before && versionIn(before) === version && replaceBlocks(before, after)) {
        html = after;
        version = versionIn(after);
        /* one that was told of meanwhile */
        if (overlay.state.version !== wanted && overlay.state.version !== version) { refresh(); }
        return;
      }
      if (versionIn(after) === version) { return; }
      keepPlace();
      location.reload();
    }).catch(function () { fetching = false; });
  }

  /* the page as it was sent, before scripts have changed it */
  function learn() {
    fetch(location.pathname, { cache: "no-store", headers: { Accept: "text/html" } }).then(function (answer) {
      return answer.text();
    }).then(function (text) {
      var page = parsed(text);
      if (!html && versionIn(page) === version) { html = page; }
    }).catch(function () { /* then the whole page is shown anew */ });
  }

  /* -- what is shown over the page: for its author, in octavo's own English */

  var STYLE =
    ":host{all:initial;position:fixed;right:0;bottom:0;left:0;z-index:2147483000;pointer-events:none;" +
    "display:flex;flex-direction:column;align-items:flex-end;gap:8px;padding:12px;box-sizing:border-box;" +
    "font:14px/1.45 system-ui,-apple-system,'Segoe UI',sans-serif;color:#f4f4f6}" +
    "@media print{:host{display:none}}" +
    "*{box-sizing:border-box}[hidden]{display:none!important}" +
    ".pill,.panel{pointer-events:auto;background:#1d1d22;border:1px solid #5c5c68;border-radius:8px;" +
    "box-shadow:0 4px 18px rgba(0,0,0,.35)}" +
    ".pill{display:flex;flex-wrap:wrap;align-items:center;gap:4px 10px;padding:5px 12px;max-width:100%}" +
    ".panel{width:min(100%,860px);max-height:min(55vh,560px);display:flex;flex-direction:column;align-self:center;" +
    "border-top:4px solid #ff6b6b}.panel.mild{border-top-color:#ffc233}" +
    "header{display:flex;align-items:center;justify-content:space-between;gap:12px;padding:8px 8px 8px 16px}" +
    "h2{font-size:15px;margin:0}" +
    "ol{list-style:none;margin:0;padding:0 16px 12px;overflow:auto;overscroll-behavior:contain}" +
    "li{padding:10px 0;border-top:1px solid #44444e}" +
    ".place{font:600 13px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:#8fd0ff;overflow-wrap:anywhere}" +
    ".head{margin:2px 0 0;overflow-wrap:anywhere}.error .head{color:#ffb3b3}.warning .head{color:#ffdf8e}" +
    "pre{margin:6px 0 0;padding:8px 10px;background:#101013;border-radius:6px;overflow:auto;" +
    "font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:#e6e6ea}" +
    "button{font:inherit;font-weight:600;color:#f4f4f6;background:#3a3a44;border:1px solid #71717f;border-radius:6px;" +
    "padding:2px 10px;min-height:28px;cursor:pointer}button:hover{background:#4a4a56}" +
    "button:focus-visible,a:focus-visible,ol:focus-visible{outline:2px solid #8fd0ff;outline-offset:2px}" +
    "a{color:inherit}.stale{color:#ffdf8e}.lost{color:#ffb3b3}" +
    ".busy::before{content:'';display:inline-block;width:9px;height:9px;margin-right:8px;border-radius:50%;" +
    "background:#8fd0ff;vertical-align:1px;animation:beat 1s ease-in-out infinite alternate}" +
    "@keyframes beat{to{opacity:.25}}@media (prefers-reduced-motion:reduce){.busy::before{animation:none}}";

  function make(name, attributes, text) {
    var element = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    if (text) { element.textContent = text; }
    return element;
  }

  var overlay = { state: null, closed: "", connected: true, host: make("octavo-live") };

  overlay.build = function () {
    var shadow = overlay.host.attachShadow({ mode: "open" });
    shadow.appendChild(make("style", {}, STYLE));
    overlay.panel = make("section", { "class": "panel", "aria-label": "Messages of octavo", hidden: "" });
    var header = make("header");
    var told = make("div", { role: "status" });
    overlay.title = make("h2");
    told.appendChild(overlay.title);
    var close = make("button", { type: "button", "aria-label": "Close the messages" }, "Close");
    overlay.list = make("ol", { tabindex: "0", "aria-label": "Messages" });
    header.append(told, close);
    overlay.panel.append(header, overlay.list);
    overlay.pill = make("div", { "class": "pill", role: "status", hidden: "" });
    shadow.append(overlay.panel, overlay.pill);
    close.addEventListener("click", overlay.close);
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && !event.defaultPrevented && !overlay.panel.hidden) { overlay.close(); }
    });
    document.body.appendChild(overlay.host);
  };

  overlay.close = function () {
    overlay.closed = overlay.mark();
    overlay.wanted = false;
    overlay.show();
  };

  /* the messages that were closed stay so until there are others */
  overlay.mark = function () {
    return ((overlay.state && overlay.state.messages) || []).map(function (message) {
      return message.path + message.line + message.head;
    }).join("\n");
  };

  function counted(number, word) { return number + " " + word + (number === 1 ? "" : "s"); }

  overlay.show = function () {
    var state = overlay.state;
    if (!state) { return; }
    var errors = state.messages.filter(function (message) { return message.severity === "error"; }).length;
    var open = state.messages.length > 0 && (overlay.wanted || (errors > 0 && overlay.closed !== overlay.mark()));
    overlay.panel.hidden = !open;
    if (open) { overlay.fill(state, errors); }
    overlay.fillPill(state, errors, open);
  };

  overlay.fill = function (state, errors) {
    var warnings = state.messages.length - errors;
    var counts = [errors && counted(errors, "error"), warnings && counted(warnings, "warning")];
    overlay.panel.classList.toggle("mild", !errors);
    var title = counts.filter(Boolean).join(" and ");
    if (overlay.title.textContent !== title) { overlay.title.textContent = title; }
    if (overlay.filled === overlay.mark()) { return; }
    overlay.filled = overlay.mark();
    overlay.list.replaceChildren.apply(overlay.list, state.messages.map(function (message) {
      var item = make("li", { "class": message.severity });
      if (message.path) {
        var place = message.path + ":" + message.line;
        var box = make("div", { "class": "place" });
        if (/\.md$/.test(message.path) && "/" + message.path.replace(/\.md$/, ".html") !== location.pathname) {
          var address = "/" + message.path.replace(/\.md$/, ".html").split("/").map(encodeURIComponent).join("/");
          box.appendChild(make("a", { href: address }, place));
        } else {
          box.textContent = place;
        }
        item.appendChild(box);
      }
      item.appendChild(make("p", { "class": "head" }, message.head));
      if (message.rest.trim()) { item.appendChild(make("pre", {}, message.rest)); }
      return item;
    }));
  };

  function title(tab) {
    var named = all(".ov-select option, #ov-choice option").filter(function (one) { return one.value === tab; })[0];
    return named ? named.textContent.trim() : tab;
  }

  overlay.fillPill = function (state, errors, open) {
    var parts = [];
    if (!overlay.connected) {
      parts.push(make("span", { "class": "lost" }, "octavo serve has ended; this page no longer follows"));
    } else {
      if (state.running) {
        parts.push(make("span", { "class": "busy" }, state.running));
      } else if (state.rendering) {
        parts.push(make("span", { "class": "busy" }, "rendering"));
      }
      if (state.stale.length && !(state.running && state.stale.length === 1 && state.stale[0] === state.tab)) {
        var names = state.stale.map(title).join(", ");
        parts.push(make("span", { "class": "stale" }, "results older than the page: " + names));
      }
      if (state.failed.length) {
        parts.push(make("span", { "class": "lost" }, "failed: " + state.failed.map(title).join(", ")));
      }
      if (state.may_run && !state.waits && !state.rendering) {
        var failed = state.failed.indexOf(state.tab) >= 0;
        var run = make("button", { type: "button" }, "Run " + title(state.tab) + (failed ? " again" : ""));
        run.addEventListener("click", function () { say(true); });
        parts.push(run);
      }
      if (state.messages.length && !open) {
        var warnings = state.messages.length - errors;
        var text = [errors && counted(errors, "error"), warnings && counted(warnings, "warning")].filter(Boolean);
        var show = make("button", { type: "button" }, text.join(" and "));
        show.addEventListener("click", function () { overlay.wanted = true; overlay.show(); overlay.list.focus(); });
        parts.push(show);
      }
    }
    var mark = parts.map(function (part) { return part.outerHTML; }).join("");
    if (overlay.pilled !== mark) {
      overlay.pilled = mark;
      overlay.pill.replaceChildren.apply(overlay.pill, parts);
    }
    overlay.pill.hidden = !parts.length;
  };

  /* -- the line to octavo */

  var line = null;
  var pause = 250;

  function shownTab() { return root.dataset.tab || ""; }

  function say(run) {
    if (line && line.readyState === 1) {
      line.send(JSON.stringify({ path: location.pathname, tab: shownTab(), run: run === true }));
    }
  }

  function connect() {
    line = new WebSocket("ws://" + location.host + "/_octavo/live");
    line.addEventListener("open", function () {
      pause = 250;
      overlay.connected = true;
      say();
    });
    line.addEventListener("message", function (event) {
      overlay.state = JSON.parse(event.data);
      overlay.show();
      if (overlay.state.version !== version && (overlay.state.written || !overlay.state.rendering)) { refresh(); }
    });
    line.addEventListener("close", function () {
      overlay.connected = false;
      overlay.show();
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 5000);
    });
  }

  overlay.build();
  var kept = keptPlace();
  if (kept) {
    overlay.closed = kept.closed || "";
    restore(kept);
  }
  learn();
  connect();
  /* whoever changes the framework on view: a control, an address, another window */
  new MutationObserver(function () { say(); }).observe(root, { attributes: true, attributeFilter: ["data-tab"] });
  window.addEventListener("pageshow", function (event) { if (event.persisted) { say(); } });
})();
