import {
  applyNullInsertThreshold,
  type DataFrame,
  FieldType,
  getDisplayProcessor,
  type GrafanaTheme2,
} from "@grafana/data";
import { TimeSeries, type UPlotConfigBuilder, useTheme2 } from "@grafana/ui";
import { useLayoutEffect, useMemo } from "react";

import { drawMarks, type Mark } from "../annotations";
import type { TimeSeriesPanel } from "../model";
import type { View } from "../view";
import type { Props } from "./visualization";

export function TimeSeriesPlot(props: Props<TimeSeriesPanel>) {
  const theme = useTheme2();
  const { panel, frames, view, marks, width, height } = props;
  const plotted = useMemo(() => plottedFrames(frames, view, theme), [frames, view, theme]);
  return (
    <TimeSeries
      frames={plotted}
      legend={panel.options.legend}
      options={panel.options}
      timeRange={view.range}
      timeZone="browser"
      width={width}
      height={height}
    >
      {(config) => <Marks config={config} marks={marks} />}
    </TimeSeries>
  );
}

function Marks({ config, marks }: { config: UPlotConfigBuilder; marks: Mark[] }) {
  const theme = useTheme2();
  useLayoutEffect(() => drawMarks(config, marks, theme), [config, marks, theme]);
  return null;
}

/**
 * plottedFrames returns frames with a gap for each missing sample and each value that is not
 * finite, and numbers their fields, so each gets its own color.
 */
function plottedFrames(frames: DataFrame[], { range }: View, theme: GrafanaTheme2): DataFrame[] {
  let seriesIndex = 0;
  return frames.map((original) => {
    const frame = applyNullInsertThreshold({
      frame: original,
      refFieldPseudoMin: range.from.valueOf(),
      refFieldPseudoMax: range.to.valueOf(),
    });
    const fields = frame.fields.map((field) => {
      if (field.type !== FieldType.number) {
        return field;
      }
      const plotted = {
        ...field,
        values: field.values.map((value) => (Number.isFinite(value) ? value : null)),
        state: { ...field.state, seriesIndex: seriesIndex++ },
      };
      return { ...plotted, display: getDisplayProcessor({ field: plotted, theme }) };
    });
    return { ...frame, fields };
  });
}
