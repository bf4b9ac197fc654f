// The type of grafana-dashboard.json, which is stricter than Grafana's own types. `make dashboard`
// compiles the file as the value of `const dashboard: Dashboard`. The compiler reports values of
// the wrong type, missing properties and unknown properties.

import type * as grafana from "@grafana/schema";
import type {
  Options as BarGaugeOptions,
} from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type {
  Options as GaugeOptions,
} from "@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen";
import type {
  FieldConfig as StateTimelineFields,
  Options as StateTimelineOptions,
} from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type {
  Options as StatOptions,
} from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type {
  FieldConfig as TableFields,
  Options as TableOptions,
} from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type {
  FieldConfig as TimeSeriesFields,
  Options as TimeSeriesOptions,
} from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

/** T in JSON: the members of string enums are plain strings. */
type Written<T> = T extends string
  ? `${T}`
  : T extends object
    ? { [K in keyof T]: Written<T[K]> }
    : T;

/** The data source that the user selects. A fixed data source would not exist elsewhere. */
type Source = { type: "prometheus"; uid: "${datasource}" };

/** A query of the Prometheus data source. @grafana/schema has no type for it. */
type Query = Omit<grafana.DataQuery, "datasource"> & {
  datasource: Source;
  expr: string;
  editorMode: "code";
} & (
    | { range: true; instant: false; format: "time_series"; interval: string; legendFormat: string }
    | { range: false; instant: true; format: "time_series"; legendFormat: string }
    | { range: false; instant: true; format: "table" }
  );

type Fields<Custom> = Omit<grafana.FieldConfig, "custom" | "links"> & {
  custom?: Custom;
  links?: { title: string; url: string }[];
};

/** A property of an override. Its value has the same type as in the defaults. */
type Property<Custom> =
  | {
      [K in keyof Fields<Custom>]-?: { id: K; value: NonNullable<Fields<Custom>[K]> };
    }[keyof Fields<Custom>]
  | {
      [K in keyof Custom & string]-?: { id: `custom.${K}`; value: NonNullable<Custom[K]> };
    }[keyof Custom & string];

type Transformation =
  | { id: "merge"; options: Record<string, never> }
  | { id: "limit"; options: { limitField: number } }
  | {
      id: "sortBy";
      options: { fields: Record<string, never>; sort: { field: string; desc: boolean }[] };
    }
  | {
      id: "organize";
      options: {
        excludeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
      };
    };

type PanelOf<Type extends string, Options, Custom = never> = Required<
  Pick<grafana.Panel, "id" | "title" | "description" | "gridPos">
> &
  Pick<grafana.Panel, "maxDataPoints"> & {
    type: Type;
    datasource: Source;
    fieldConfig: {
      defaults: Fields<Custom>;
      overrides: { matcher: { id: "byName"; options: string }; properties: Property<Custom>[] }[];
    };
    options: Options;
    targets: Query[];
    transformations?: Transformation[];
  };

type Panel =
  | PanelOf<"stat", StatOptions>
  | PanelOf<"gauge", GaugeOptions>
  | PanelOf<"bargauge", BarGaugeOptions>
  | PanelOf<"state-timeline", StateTimelineOptions, StateTimelineFields>
  | PanelOf<"timeseries", TimeSeriesOptions, TimeSeriesFields>
  | PanelOf<"table", TableOptions, TableFields>;

type Row = Omit<grafana.RowPanel, "panels"> & { panels: Panel[] };

type Variable = Omit<grafana.VariableModel, "datasource" | "query" | "type"> &
  (
    | { type: "datasource"; query: "prometheus" }
    | { type: "constant"; query: string }
    | {
        type: "query";
        datasource: Source;
        definition: string;
        query: { qryType: 1; query: string; refId: string };
      }
  );

type Annotation = Omit<grafana.AnnotationQuery, "datasource" | "target"> & {
  datasource: Source;
  target: { refId: string; expr: string; interval: string };
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
};

export type Dashboard = Written<
  Omit<grafana.Dashboard, "panels" | "templating" | "annotations"> & {
    panels: (Panel | Row)[];
    templating: { list: Variable[] };
    annotations: { list: Annotation[] };
  }
>;
