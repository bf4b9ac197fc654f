// Grafana does not publish its state timeline. This one draws boxes in one of Grafana's plots.

import {
  type DataFrame,
  FieldType,
  getFieldDisplayName,
  type GrafanaTheme2,
} from "@grafana/data";
import { VisibilityMode } from "@grafana/schema";
import {
  AxisPlacement,
  measureText,
  ScaleDirection,
  ScaleOrientation,
  UPLOT_AXIS_FONT_SIZE,
  UPlotChart,
  UPlotConfigBuilder,
  useTheme2,
  VizLayout,
  VizLegend,
} from "@grafana/ui";
import { useMemo } from "react";

import type { StateTimelinePanel } from "../model";
import type { View } from "../view";
import type { Props } from "./visualization";

/** Lane is the line of one series. */
interface Lane {
  name: string;
  states: State[];
}

/** State is a time during which a value does not change. Times are milliseconds since 1970. */
interface State {
  from: number;
  to: number;
  text: string;
  color: string;
}

export function StateTimeline({ panel, frames, view, width, height }: Props<StateTimelinePanel>) {
  const theme = useTheme2();
  const lanes = useMemo(() => frames.map((frame) => lane(frame, view)), [frames, view]);
  const config = useMemo(() => plot(lanes, panel, view, theme), [lanes, panel, view, theme]);
  const { placement, displayMode } = panel.options.legend;
  const colors = new Map(lanes.flatMap(({ states }) => states.map((s) => [s.text, s.color])));
  const items = [...colors].map(([label, color]) => ({ label, color, yAxis: 1 }));
  return (
    <VizLayout
      width={width}
      height={height}
      legend={
        <VizLayout.Legend placement={placement}>
          <VizLegend placement={placement} displayMode={displayMode} items={items} readonly />
        </VizLayout.Legend>
      }
    >
      {(w, h) => (
        <UPlotChart
          config={config}
          data={[[view.range.from.valueOf(), view.range.to.valueOf()]]}
          width={w}
          height={h}
        />
      )}
    </VizLayout>
  );
}

function lane(frame: DataFrame, { range }: View): Lane {
  const times = frame.fields.find(({ type }) => type === FieldType.time)!;
  const field = frame.fields.find(({ type }) => type === FieldType.number)!;
  const step = times.config.interval ?? 0;
  const states: State[] = [];
  times.values.forEach((from: number, i) => {
    const { text, color = "" } = field.display!(field.values[i]);
    const to = Math.min(from + step, range.to.valueOf());
    const previous = states.at(-1);
    if (previous?.text === text && previous.to >= from) {
      previous.to = to;
    } else {
      states.push({ from, to, text, color });
    }
  });
  return { name: getFieldDisplayName(field, frame), states };
}

function plot(
  lanes: Lane[],
  { options, fieldConfig }: StateTimelinePanel,
  { range }: View,
  theme: GrafanaTheme2,
): UPlotConfigBuilder {
  const config = new UPlotConfigBuilder("browser");
  config.addScale({
    scaleKey: "x",
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: [range.from.valueOf(), range.to.valueOf()],
  });
  config.addScale({
    scaleKey: "y",
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Down,
    range: [0, lanes.length],
  });
  config.addAxis({ scaleKey: "x", isTime: true, placement: AxisPlacement.Bottom, theme });
  config.addAxis({
    scaleKey: "y",
    placement: AxisPlacement.Left,
    splits: lanes.map((_, i) => i + 0.5),
    values: lanes.map(({ name }) => name),
    size: Math.max(...lanes.map(({ name }) => measureText(name, UPLOT_AXIS_FONT_SIZE).width)) + 20,
    grid: { show: false },
    ticks: { show: false },
    theme,
  });
  config.addHook("draw", ({ ctx, valToPos }) => {
    ctx.save();
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.font = `${UPLOT_AXIS_FONT_SIZE * devicePixelRatio}px ${theme.typography.fontFamily}`;
    const padding = 4 * devicePixelRatio;
    lanes.forEach(({ states }, i) => {
      const middle = valToPos(i + 0.5, "y", true);
      const height = (valToPos(i + 1, "y", true) - valToPos(i, "y", true)) * options.rowHeight!;
      for (const { from, to, text, color } of states) {
        const left = valToPos(from, "x", true);
        const width = valToPos(to, "x", true) - left;
        ctx.globalAlpha = (fieldConfig.defaults.custom?.fillOpacity ?? 100) / 100;
        ctx.fillStyle = color;
        ctx.fillRect(left, middle - height / 2, width, height);
        ctx.globalAlpha = 1;
        const shown = options.showValue !== VisibilityMode.Never;
        if (shown && ctx.measureText(text).width + 2 * padding < width) {
          ctx.fillStyle = theme.colors.getContrastText(color);
          ctx.fillText(text, left + padding, middle);
        }
      }
    });
    ctx.restore();
  });
  return config;
}
