/* Code, outputs and formulas: copying, and what paper needs. A page can be read without it. */
(function () {
  "use strict";
  var CODE = ".ov-code pre, article div[class*='highlight-']:not(.highlight-none, .highlight-default) pre";

  function all(selector, inside) {
    return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
  }

  /* what a reader would type: without prompts, and without what a terminal answered */
  function typed(pre) {
    var copy = pre.cloneNode(true);
    var marked = all(".gp", copy);
    marked.forEach(function (prompt) {
      /* the highlighter takes the space behind a prompt into it, or not */
      var text = prompt.textContent;
      prompt.textContent = (/ $/.test(text) ? "\u0001" : "\u0002") + (/\n$/.test(text) ? "\n" : "");
    });
    var lines = copy.textContent.replace(/\n+$/, "").split("\n");
    var prompt = marked.length ? /^(\u0001|\u0002 ?)/ : /^(\$ |>>> |\.\.\.( |$))/;
    if (!prompt.test(lines[0])) { return lines.join("\n"); }
    return lines.filter(function (line) { return prompt.test(line); })
      .map(function (line) { return line.replace(prompt, ""); })
      .join("\n");
  }

  /* pages that are opened as files, and old browsers, have no other way */
  function copyBySelection(text) {
    var box = document.createElement("textarea");
    box.value = text;
    box.className = "ov-unseen";
    document.body.appendChild(box);
    box.select();
    var done = document.execCommand("copy");
    box.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("refused"));
  }

  function write(text) {
    if (!navigator.clipboard) { return copyBySelection(text); }
    return navigator.clipboard.writeText(text).catch(function () { return copyBySelection(text); });
  }

  function addButtons() {
    var template = document.getElementById("ov-copy");
    var status = document.getElementById("ov-copied");
    if (!template) { return; }
    all(CODE).forEach(function (pre) {
      if (pre.closest(".ov-output, .ov-failure")) { return; }
      var button = template.content.firstElementChild.cloneNode(true);
      var box = pre.parentElement;
      box.classList.add("ov-copied-from");
      box.appendChild(button);
      button.addEventListener("click", function () {
        write(typed(pre)).then(function () {
          button.classList.add("ov-done");
          button.focus({ preventScroll: true });
          status.textContent = template.dataset.done;
          setTimeout(function () {
            button.classList.remove("ov-done");
            status.textContent = "";
          }, 2000);
        }, function () { /* the browser forbids it */ });
      });
    });
  }

  /* a selection with formulas in it is copied with their TeX */
  document.addEventListener("copy", function (event) {
    var selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed || !event.clipboardData) { return; }
    var within = selection.getRangeAt(0).commonAncestorContainer;
    within = (within.closest ? within : within.parentElement).closest(".math");
    var piece = document.createDocumentFragment();
    if (within) {
      piece.append(within.cloneNode(true));
    } else {
      piece = selection.getRangeAt(0).cloneContents();
    }
    if (!piece.querySelector(".math annotation")) { return; }
    var box = document.createElement("div");
    box.className = "ov-unseen";
    box.append(piece);
    event.clipboardData.setData("text/html", box.innerHTML);
    all(".math annotation", box).forEach(function (tex) {
      var formula = tex.closest(".math");
      var dollars = formula.tagName === "DIV" ? "$$" : "$";
      tex.closest("math").replaceWith(dollars + tex.textContent + dollars);
    });
    document.body.append(box);
    event.clipboardData.setData("text/plain", box.innerText);
    box.remove();
    event.preventDefault();
  });

  /* paper shows what is folded away */
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = all("details.ov-more:not([open])");
    opened.forEach(function (fold) { fold.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (fold) { fold.open = false; });
  });

  addButtons();
})();
