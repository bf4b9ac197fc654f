// Units, thresholds, mappings, colors and overrides of fields, applied by Grafana's own code.

import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  type DataFrame,
  FieldConfigOptionsRegistry,
  FieldConfigProperty,
  type FieldConfigPropertyItem,
  FieldType,
  type GrafanaTheme2,
  identityOverrideProcessor,
} from "@grafana/data";

import type { Panel } from "./model";
import { interpolate, type View } from "./view";

/** configureFields returns copies of the frames with the panel's configuration of fields. */
export function configureFields(
  panel: Panel,
  frames: DataFrame[],
  view: View,
  theme: GrafanaTheme2,
): DataFrame[] {
  const configured = applyFieldOverrides({
    data: frames,
    fieldConfig: panel.fieldConfig,
    fieldConfigRegistry: properties(panel),
    replaceVariables: (text) => interpolate(text, view.variables),
    theme,
    timeZone: "browser",
  });
  cacheFieldDisplayNames(configured);
  return configured;
}

/** properties lists the properties that the panel can set. Grafana ignores any others. */
function properties({ fieldConfig: { defaults, overrides } }: Panel): FieldConfigOptionsRegistry {
  const custom = new Set([
    ...Object.keys(defaults.custom ?? {}).map((name) => `custom.${name}`),
    ...overrides
      .flatMap((override) => override.properties.map(({ id }) => id))
      .filter((id) => id.startsWith("custom.")),
  ]);
  return new FieldConfigOptionsRegistry(() => [
    ...Object.values(FieldConfigProperty).map((id) => property(id, id, false)),
    ...[...custom].map((id) => property(id, id.slice("custom.".length), true)),
  ]);
}

function property(id: string, path: string, isCustom: boolean): FieldConfigPropertyItem {
  return {
    id,
    path,
    name: id,
    isCustom,
    settings: {},
    process: identityOverrideProcessor,
    shouldApply: ({ type }) => {
      switch (id) {
        case FieldConfigProperty.Min:
        case FieldConfigProperty.Max:
        case FieldConfigProperty.Decimals:
        case FieldConfigProperty.FieldMinMax:
          return type === FieldType.number;
        case FieldConfigProperty.Mappings:
          return type !== FieldType.time;
        default:
          return true;
      }
    },
    editor: () => null,
    override: () => null,
  };
}
