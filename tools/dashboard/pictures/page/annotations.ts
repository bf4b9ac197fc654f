// The times at which annotations begin, and the lines that mark them in a plot.

import type { GrafanaTheme2 } from "@grafana/data";
import type { UPlotConfigBuilder } from "@grafana/ui";

import type { Dashboard } from "./model";
import { queryRange } from "./prometheus";
import { alignedRange, interpolate, queryStep, type View } from "./view";

export interface Mark {
  /** Milliseconds since 1970. */
  time: number;
  color: string;
}

const maxPoints = 11000; // Prometheus's limit

/** loadMarks returns the beginning of each run of samples of the annotations' queries. */
export async function loadMarks({ annotations }: Dashboard, view: View): Promise<Mark[]> {
  const marks = annotations.list
    .filter(({ enable }) => enable)
    .map(async ({ target, iconColor }) => {
      const { step, variables } = queryStep(view, target.interval, maxPoints);
      const expr = interpolate(target.expr, { ...view.variables, ...variables });
      const series = await queryRange(expr, ...alignedRange(view, step), step);
      return series.flatMap(({ values }) =>
        values
          .map(([seconds]) => seconds)
          .filter((seconds, i, all) => i === 0 || seconds - all[i - 1]! > step)
          .map((seconds) => ({ time: seconds * 1000, color: iconColor })),
      );
    });
  return (await Promise.all(marks)).flat();
}

/** drawMarks adds a dashed line to the plot for each mark. */
export function drawMarks(config: UPlotConfigBuilder, marks: Mark[], theme: GrafanaTheme2): void {
  config.addHook("draw", (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 5 * devicePixelRatio]);
    for (const { time, color } of marks) {
      const x = plot.valToPos(time, "x", true);
      ctx.strokeStyle = theme.visualization.getColorByName(color);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  });
}
