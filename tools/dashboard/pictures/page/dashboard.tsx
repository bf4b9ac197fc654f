// The grid of the dashboard, its rows and the frames of its panels.

import { type DataFrame, type GrafanaTheme2, renderMarkdown, ThemeContext } from "@grafana/data";
import { GlobalStyles, Icon, PanelChrome, useTheme2 } from "@grafana/ui";
import { useEffect, useState } from "react";

import type { Mark } from "./annotations";
import { configureFields } from "./fields";
import { loadFrames } from "./frames";
import type { Dashboard, Panel, Row } from "./model";
import { Visualization } from "./panels/visualization";
import type { View } from "./view";

// The sizes of Grafana's grid in pixels, and its number of columns.
const cell = 30;
const gap = 8;
const columns = 24;
const margin = 16;

interface Shown {
  view: View;
  marks: Mark[];
  /** onDrawn is called for each panel. */
  onDrawn: () => void;
}

interface Props extends Shown {
  dashboard: Dashboard;
  theme: GrafanaTheme2;
  width: number;
}

export function DashboardPage({ dashboard, theme, width, ...shown }: Props) {
  const column = (width - 2 * margin - gap * (columns - 1)) / columns;
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ padding: margin, background: theme.colors.background.canvas }}>
        <TopBar title={dashboard.title} view={shown.view} />
        <div style={{ position: "relative", height: bottom * (cell + gap) - gap }}>
          {dashboard.panels.map((item) => {
            const { x, y, w, h } = item.gridPos;
            const size = { width: w * (column + gap) - gap, height: h * (cell + gap) - gap };
            const left = x * (column + gap);
            return (
              <div key={item.id} style={{ position: "absolute", left, top: y * (cell + gap) }}>
                {item.type === "row" ? (
                  <RowTitle row={item} />
                ) : (
                  <PanelFrame panel={item} {...size} {...shown} />
                )}
              </div>
            );
          })}
        </div>
      </div>
    </ThemeContext.Provider>
  );
}

function TopBar({ title, view: { range } }: { title: string; view: View }) {
  const { colors, typography } = useTheme2();
  const time = "YYYY-MM-DD HH:mm";
  return (
    <div style={{ display: "flex", gap: margin, marginBottom: margin }}>
      <strong>{title}</strong>
      <span style={{ color: colors.text.secondary }}>drawn with Grafana’s components</span>
      <span style={{ marginLeft: "auto", fontSize: typography.bodySmall.fontSize }}>
        {range.from.format(time)} to {range.to.format(time)}
      </span>
    </div>
  );
}

function RowTitle({ row: { title, collapsed, panels } }: { row: Row }) {
  const { colors, typography } = useTheme2();
  return (
    <div style={{ display: "flex", alignItems: "center", gap, height: cell }}>
      <Icon name={collapsed ? "angle-right" : "angle-down"} />
      <span style={{ ...typography.h5 }}>{title}</span>
      {collapsed && (
        <em style={{ ...typography.bodySmall, color: colors.text.secondary }}>
          ({panels.length} panels)
        </em>
      )}
    </div>
  );
}

type FrameProps = Shown & { panel: Panel; width: number; height: number };

/** PanelFrame loads the data of a panel and draws it in Grafana's frame with title and hint. */
function PanelFrame({ panel, width, height, view, marks, onDrawn }: FrameProps) {
  const theme = useTheme2();
  const [frames, setFrames] = useState<DataFrame[]>();
  useEffect(() => {
    void loadFrames(panel, width, view).then((loaded) => {
      setFrames(configureFields(panel, loaded, view, theme));
    });
  }, [panel, width, view, theme]);
  useEffect(() => {
    if (frames) {
      onDrawn();
    }
  }, [frames, onDrawn]);
  return (
    <PanelChrome
      title={panel.title}
      description={renderMarkdown(panel.description)}
      width={width}
      height={height}
    >
      {(innerWidth, innerHeight) =>
        frames && (
          <Visualization
            panel={panel}
            frames={frames}
            view={view}
            marks={marks}
            width={innerWidth}
            height={innerHeight}
          />
        )
      }
    </PanelChrome>
  );
}
