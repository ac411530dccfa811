// Pages open as notebooks: a type of file of their own, which JupyterLab's own notebooks show.
//
// Written by hand as what JupyterLab loads: a container with init and get. It needs nothing but what the application
// hands over, and so no build.
(() => {
  const plugin = {
    id: "octavo-pages:pages",
    description: "Opens pages of a book as notebooks.",
    autoStart: true,
    activate: (app) => {
      const style = document.createElement("style");
      style.textContent = ".jp-RawCell:has(.jp-mod-readOnly) { opacity: 0.6 }"; // what other frameworks have
      document.head.append(style);
      const notebook = app.docRegistry.getFileType("notebook");
      app.docRegistry.addFileType(
        {
          name: "octavo-page",
          displayName: "Page",
          pattern: "\\.md$", // a pattern comes before extensions, of which Markdown's is the same
          extensions: [],
          mimeTypes: ["text/markdown"],
          contentType: "notebook",
          fileFormat: "json",
          icon: notebook && notebook.icon,
        },
        ["Notebook"],
      );
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["octavo-pages"] = {
    init: async () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
