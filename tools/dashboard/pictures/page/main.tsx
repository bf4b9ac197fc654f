// The page that draws the dashboard. The parameters of its address are theme, from and to, the
// latter two in milliseconds since 1970. The body has the attribute data-drawn once all panels are
// drawn.

import { createTheme, dateTime } from "@grafana/data";
import { initPluginTranslations } from "@grafana/i18n";
import { createRoot } from "react-dom/client";

import { loadMarks } from "./annotations";
import { DashboardPage } from "./dashboard";
import type { Dashboard } from "./model";
import { openRows } from "./rows";
import { selectAll, type View } from "./view";

const parameters = new URLSearchParams(location.search);

const theme = createTheme({
  colors: { mode: parameters.get("theme") === "light" ? "light" : "dark" },
});
document.body.style.background = theme.colors.background.canvas;

// Grafana's components load their fonts and icons from below this path.
Object.assign(window, { __grafana_public_path__: "/public/" });
await initPluginTranslations("grafana");

const response = await fetch("/dashboard.json");
const dashboard = openRows((await response.json()) as Dashboard, parameters.has("open"));

const from = dateTime(Number(parameters.get("from")));
const to = dateTime(Number(parameters.get("to")));
const view: View = {
  range: { from, to, raw: { from, to } },
  scrapeInterval: parameters.get("scrape-interval") ?? "15s",
  variables: selectAll(dashboard),
};

let undrawn = dashboard.panels.filter(({ type }) => type !== "row").length;
const onDrawn = () => {
  undrawn--;
  if (undrawn === 0) {
    document.body.dataset["drawn"] = "true";
  }
};

createRoot(document.getElementById("root")!).render(
  <DashboardPage
    dashboard={dashboard}
    theme={theme}
    width={document.documentElement.clientWidth}
    view={view}
    marks={await loadMarks(dashboard, view)}
    onDrawn={onDrawn}
  />,
);
