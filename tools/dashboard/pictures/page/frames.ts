// Data frames from the queries of a panel, like those of Grafana's Prometheus data source.

import {
  type DataFrame,
  FieldType,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from "@grafana/data";
import { lastValueFrom } from "rxjs";

import type { Panel, Query } from "./model";
import { parseNumber, queryInstant, queryRange, type Series } from "./prometheus";
import { alignedRange, interpolate, queryStep, type View } from "./view";

standardTransformersRegistry.setInit(() =>
  [
    standardTransformers.mergeTransformer,
    standardTransformers.sortByTransformer,
    standardTransformers.limitTransformer,
    standardTransformers.organizeFieldsTransformer,
  ].map((transformer) => ({
    id: transformer.id,
    name: transformer.name,
    transformation: async () => transformer,
    editor: () => null,
    imageDark: "",
    imageLight: "",
  })),
);

/** loadFrames queries the data of a panel of the given width, and transforms it. */
export async function loadFrames(panel: Panel, width: number, view: View): Promise<DataFrame[]> {
  const maxDataPoints = panel.maxDataPoints ?? Math.floor(width);
  const frames = await Promise.all(
    panel.targets.map(async (query) => {
      const { step, variables } = queryStep(view, query.interval, maxDataPoints);
      const expr = interpolate(query.expr, { ...view.variables, ...variables });
      if (!query.instant) {
        const series = await queryRange(expr, ...alignedRange(view, step), step);
        return series.map((s) => seriesFrame(query, s, step));
      }
      const series = await queryInstant(expr, view.range.to.valueOf() / 1000);
      return query.format === "table"
        ? [tableFrame(query, series, panel.targets.length > 1)]
        : series.map((s) => seriesFrame(query, s));
    }),
  );
  if (!panel.transformations) {
    return frames.flat();
  }
  return lastValueFrom(transformDataFrame(panel.transformations, frames.flat()));
}

function seriesFrame(query: Query, { metric, values }: Series, step?: number): DataFrame {
  const name = legend(query, metric);
  return {
    refId: query.refId,
    name,
    length: values.length,
    fields: [
      {
        name: "Time",
        type: FieldType.time,
        config: step ? { interval: step * 1000 } : {},
        values: values.map(([seconds]) => seconds * 1000),
      },
      {
        name: "Value",
        type: FieldType.number,
        labels: metric,
        config: { displayNameFromDS: name },
        values: values.map(([, text]) => parseNumber(text)),
      },
    ],
  };
}

function legend({ legendFormat = "" }: Query, metric: Record<string, string>): string {
  return legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? "");
}

/** tableFrame has one row per series and one column per label. */
function tableFrame({ refId }: Query, series: Series[], isOneOfSeveral: boolean): DataFrame {
  const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const first = series.flatMap(({ values }) => values.slice(0, 1));
  return {
    refId,
    length: series.length,
    fields: [
      {
        name: "Time",
        type: FieldType.time,
        config: {},
        values: first.map(([seconds]) => seconds * 1000),
      },
      ...labels.map((label) => ({
        name: label,
        type: FieldType.string,
        config: {},
        values: series.map(({ metric }) => metric[label] ?? ""),
      })),
      {
        name: isOneOfSeveral ? `Value #${refId}` : "Value",
        type: FieldType.number,
        config: {},
        values: first.map(([, text]) => parseNumber(text)),
      },
    ],
  };
}
