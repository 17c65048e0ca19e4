// Passes the port on to the page, which cannot reach anything else of the app.
const { ipcRenderer } = require("electron");

ipcRenderer.on("engine", (event) => window.postMessage("engine", "*", event.ports));
