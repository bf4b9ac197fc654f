import { getDisplayValueAlignmentFactors } from "@grafana/data";
import { BigValue, useTheme2, VizRepeater } from "@grafana/ui";

import type { StatPanel } from "../model";
import { reduceFields } from "./values";
import type { Props } from "./visualization";

export function Stats(props: Props<StatPanel>) {
  const theme = useTheme2();
  const { panel, frames, width, height } = props;
  const { orientation, colorMode, graphMode, justifyMode, textMode, wideLayout } = panel.options;
  return (
    <VizRepeater
      getValues={() => reduceFields(props, theme)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={frames}
      renderCounter={0}
      orientation={orientation}
      autoGrid
      itemSpacing={3}
      width={width}
      height={height}
      renderValue={({ value, ...item }) => (
        <BigValue
          value={value.display}
          alignmentFactors={item.alignmentFactors}
          count={item.count}
          colorMode={colorMode}
          graphMode={graphMode}
          justifyMode={justifyMode}
          textMode={textMode}
          disableWideLayout={!wideLayout}
          width={item.width}
          height={item.height}
          theme={theme}
        />
      )}
    />
  );
}
