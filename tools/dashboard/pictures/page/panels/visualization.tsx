import type { DataFrame } from "@grafana/data";

import type { Mark } from "../annotations";
import type { Panel } from "../model";
import type { View } from "../view";
import { BarGauges } from "./bar-gauges";
import { Stats } from "./stats";
import { StateTimeline } from "./state-timeline";
import { Table } from "./table";
import { TimeSeriesPlot } from "./time-series";

export interface Props<P extends Panel> {
  panel: P;
  frames: DataFrame[];
  view: View;
  marks: Mark[];
  width: number;
  height: number;
}

/** Visualization draws the content of a panel. */
export function Visualization({ panel, ...rest }: Props<Panel>) {
  if (rest.frames.every(({ length }) => length === 0)) {
    return <NoData text={panel.fieldConfig.defaults.noValue ?? "No data"} />;
  }
  switch (panel.type) {
    case "bargauge":
      return <BarGauges panel={panel} {...rest} />;
    case "stat":
      return <Stats panel={panel} {...rest} />;
    case "state-timeline":
      return <StateTimeline panel={panel} {...rest} />;
    case "table":
      return <Table panel={panel} {...rest} />;
    case "timeseries":
      return <TimeSeriesPlot panel={panel} {...rest} />;
  }
}

function NoData({ text }: { text: string }) {
  return <div style={{ height: "100%", display: "grid", placeItems: "center" }}>{text}</div>;
}
