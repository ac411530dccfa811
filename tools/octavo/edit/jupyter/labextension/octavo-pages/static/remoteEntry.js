// Pages open as notebooks: a type of file of their own, which JupyterLab's own notebooks show.
//
// Written by hand as what JupyterLab loads: a container with init and get. It needs nothing but what the application
// hands over, and so no build.
(() => {
  // Markdown that is not of the book, as its README: the server names it when JupyterLab is loaded. A type of file
  // cannot tell it from pages, since JupyterLab shows types only the last part of a path.
  const opensAsText = (registry) => {
    const given = document.getElementById("jupyter-config-data");
    const others = new Set((given && JSON.parse(given.textContent).octavoNoPages) || []);
    const isText = (path) => others.has(String(path).split(":").pop().replace(/^\/+/, ""));
    const preferred = registry.preferredWidgetFactories.bind(registry);
    registry.preferredWidgetFactories = (path) => {
      const rank = (factory) => ["Notebook", "Editor"].indexOf(factory.name); // -1, which is what is left, between
      const places = { 1: 0, "-1": 1, 0: 2 };
      const found = preferred(path);
      return isText(path) ? [...found].sort((one, two) => places[rank(one)] - places[rank(two)]) : found;
    };
    const rendered = registry.defaultRenderedWidgetFactory.bind(registry);
    registry.defaultRenderedWidgetFactory = (path) =>
      isText(path) ? registry.preferredWidgetFactories(path)[0] : rendered(path);
  };

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
      opensAsText(app.docRegistry);
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["octavo-pages"] = {
    init: async () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
