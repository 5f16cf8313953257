"""The web app in which people click: a local server, a label store, and a page without a build step."""
