/* Code that all frameworks share names a library; its links lead to that of the framework on view. */
(function () {
  "use strict";

  function turn() {
    var tab = document.documentElement.dataset.tab;
    Array.prototype.forEach.call(document.querySelectorAll("a[data-in]"), function (link) {
      var addresses = JSON.parse(link.dataset.in);
      if (Object.prototype.hasOwnProperty.call(addresses, tab)) { link.setAttribute("href", addresses[tab]); }
    });
  }

  document.addEventListener("octavo:tab", turn);
  if (document.documentElement.dataset.tab) { turn(); }
})();
