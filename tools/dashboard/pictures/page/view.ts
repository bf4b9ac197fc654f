// What the dashboard shows: a time range, and the values of the variables in its queries.

import { rangeUtil, type TimeRange } from "@grafana/data";

import type { Dashboard } from "./model";

export interface View {
  range: TimeRange;
  /** The scrape interval in the settings of Grafana's data source. */
  scrapeInterval: string;
  variables: Record<string, string>;
}

/** selectAll returns the values of the dashboard's variables if everything is selected. */
export function selectAll({ templating }: Dashboard): Record<string, string> {
  return Object.fromEntries(
    templating.list.map((v) => {
      switch (v.type) {
        case "datasource":
          return [v.name, "Prometheus"];
        case "constant":
          return [v.name, String(v.query)];
        case "query":
          return [v.name, v.allValue ?? ".*"];
      }
    }),
  );
}

/** interpolate replaces the variables in text and leaves unknown ones. */
export function interpolate(text: string, variables: Record<string, string>): string {
  return text.replace(/\$(\w+)|\$\{(\w+)\}/g, (all, plain, braced) => {
    return variables[plain ?? braced] ?? all;
  });
}

/**
 * queryStep returns the step of a range query in seconds, and Grafana's variables that depend on
 * it. The rules are those of Grafana's Prometheus data source.
 */
export function queryStep(
  { range, scrapeInterval }: View,
  interval: string | undefined,
  maxDataPoints: number,
): { step: number; variables: Record<string, string> } {
  const minimum = rangeUtil.intervalToSeconds(interval || scrapeInterval);
  const calculated = rangeUtil.calculateInterval(range, maxDataPoints, `${minimum}s`);
  const step = calculated.intervalMs / 1000;
  const seconds = Math.round((range.to.valueOf() - range.from.valueOf()) / 1000);
  return {
    step,
    variables: {
      __interval: `${step}s`,
      __rate_interval: `${Math.max(step + minimum, 4 * minimum)}s`,
      __range: `${seconds}s`,
    },
  };
}

/** alignedRange returns the range in seconds, with both ends at multiples of the step. */
export function alignedRange({ range }: View, step: number): [start: number, end: number] {
  const align = (ms: number) => Math.floor(ms / 1000 / step) * step;
  return [align(range.from.valueOf()), align(range.to.valueOf())];
}
