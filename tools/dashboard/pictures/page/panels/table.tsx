import { TableNG } from "@grafana/ui/unstable";

import type { TablePanel } from "../model";
import type { Props } from "./visualization";

export function Table({ panel, frames, view, width, height }: Props<TablePanel>) {
  const { frameIndex, showHeader, sortBy, cellHeight } = panel.options;
  return (
    <TableNG
      data={frames[frameIndex]!}
      fieldConfig={panel.fieldConfig}
      noHeader={!showHeader}
      sortBy={sortBy}
      cellHeight={cellHeight}
      enableVirtualization={false}
      timeRange={view.range}
      width={width}
      height={height}
    />
  );
}
