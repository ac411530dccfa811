// A slide that is too full gets smaller letters; then reveal.js takes over.
(() => {
  const SMALLEST = 0.5;

  const overflows = (body) => body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1;

  // a formula or table that is too wide is made smaller alone; neither goes on in a second line
  function narrow(body) {
    for (const one of body.querySelectorAll("math, table")) {
      const { right } = (one.closest(".ov-cols > *") || body).getBoundingClientRect();
      const { left, width } = one.getBoundingClientRect();
      const inside = [...one.querySelectorAll("*")].map((part) => part.getBoundingClientRect().right);
      const taken = Math.max(left + width, ...inside) - left;
      const place = one.tagName === "math" && one.parentElement.clientWidth || right - left;
      if (taken > place + 1) one.style.fontSize = `${0.98 * place / taken}em`;
    }
  }

  function fit(section) {
    const body = section.querySelector(".ov-body");
    narrow(body);
    for (let size = 1; size > SMALLEST && overflows(body); size -= 0.05) {
      body.style.setProperty("--fit", size.toFixed(2));
    }
  }

  function fitAll() {
    for (const section of document.querySelectorAll(".slides > section")) {
      const { display, hidden } = { display: section.style.display, hidden: section.hidden };
      section.hidden = false;
      section.style.display = "block";
      fit(section);
      section.style.display = display;
      section.hidden = hidden;
    }
    document.documentElement.dataset.fitted = "true";
  }

  const start = () => Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
    backgroundTransition: "none", pdfSeparateFragments: false, navigationMode: "linear",
  }).then(fitAll);
  if (document.fonts) document.fonts.ready.then(start); else start();
})();
