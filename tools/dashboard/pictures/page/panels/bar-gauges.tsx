import { getDisplayValueAlignmentFactors } from "@grafana/data";
import { BarGauge, useTheme2, VizRepeater } from "@grafana/ui";

import type { BarGaugePanel } from "../model";
import { reduceFields } from "./values";
import type { Props } from "./visualization";

const spacing = 8; // pixels

export function BarGauges(props: Props<BarGaugePanel>) {
  const theme = useTheme2();
  const { panel, frames, width, height } = props;
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => reduceFields(props, theme)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={frames}
      renderCounter={0}
      orientation={options.orientation}
      itemSpacing={spacing}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight}
      width={width}
      height={height}
      renderValue={({ value, ...item }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
          alignmentFactors={item.alignmentFactors}
          orientation={item.orientation}
          displayMode={options.displayMode}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          showUnfilled={options.showUnfilled}
          itemSpacing={spacing}
          width={item.width}
          height={item.height}
          theme={theme}
        />
      )}
    />
  );
}
