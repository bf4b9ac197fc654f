// The parts of grafana-dashboard.json that are drawn, with the types of Grafana's components.
// ../../types.ts describes the whole file, and `make dashboard` checks it.

import type { DataTransformerConfig, FieldConfigSource } from "@grafana/data";
import type { GridPos } from "@grafana/schema";
import type {
  Options as BarGaugeOptions,
} from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type {
  FieldConfig as StateTimelineFields,
  Options as StateTimelineOptions,
} from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type {
  Options as StatOptions,
} from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type {
  Options as TableOptions,
} from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type {
  Options as TimeSeriesOptions,
} from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

export interface Query {
  refId: string;
  expr: string;
  instant: boolean;
  format: "time_series" | "table";
  /** The minimum step. By default, it is the scrape interval. */
  interval?: string;
  legendFormat?: string;
}

interface PanelOf<Type extends string, Options, Custom = never> {
  id: number;
  type: Type;
  title: string;
  description: string;
  gridPos: GridPos;
  fieldConfig: FieldConfigSource<Custom>;
  options: Options;
  targets: Query[];
  transformations?: DataTransformerConfig[];
  maxDataPoints?: number;
}

export type BarGaugePanel = PanelOf<"bargauge", BarGaugeOptions>;
export type StateTimelinePanel = PanelOf<
  "state-timeline",
  StateTimelineOptions,
  StateTimelineFields
>;
export type StatPanel = PanelOf<"stat", StatOptions>;
export type TablePanel = PanelOf<"table", TableOptions>;
export type TimeSeriesPanel = PanelOf<"timeseries", TimeSeriesOptions>;

export type Panel = BarGaugePanel | StateTimelinePanel | StatPanel | TablePanel | TimeSeriesPanel;

export interface Row {
  id: number;
  type: "row";
  title: string;
  gridPos: GridPos;
  collapsed: boolean;
  /** The panels of a collapsed row. Those of an open row follow it in the dashboard. */
  panels: Panel[];
}

export interface Variable {
  name: string;
  label?: string;
  type: "datasource" | "constant" | "query";
  query: unknown;
  allValue?: string;
}

export interface Annotation {
  enable: boolean;
  iconColor: string;
  target: { expr: string; interval: string };
}

export interface Dashboard {
  title: string;
  panels: (Panel | Row)[];
  templating: { list: Variable[] };
  annotations: { list: Annotation[] };
}
