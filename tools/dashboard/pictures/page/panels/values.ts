import { type FieldDisplay, getFieldDisplayValues, type GrafanaTheme2 } from "@grafana/data";

import type { BarGaugePanel, StatPanel } from "../model";
import { interpolate } from "../view";
import type { Props } from "./visualization";

/** reduceFields returns a value for each field, such as its last one. */
export function reduceFields(
  { panel, frames, view }: Props<StatPanel | BarGaugePanel>,
  theme: GrafanaTheme2,
): FieldDisplay[] {
  return getFieldDisplayValues({
    data: frames,
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: (text) => interpolate(text, view.variables),
    theme,
    timeZone: "browser",
  });
}
