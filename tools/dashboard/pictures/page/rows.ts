import type { Dashboard } from "./model";

/** openRows moves the panels of collapsed rows into the dashboard, if open is set. */
export function openRows(dashboard: Dashboard, open: boolean): Dashboard {
  if (!open) {
    return dashboard;
  }
  let shift = 0;
  const panels = dashboard.panels.flatMap((item) => {
    const moved = { ...item, gridPos: { ...item.gridPos, y: item.gridPos.y + shift } };
    if (moved.type !== "row" || !moved.collapsed) {
      return [moved];
    }
    // The positions in a collapsed row are those that its panels have while only it is open.
    const inner = moved.panels.map((panel) => ({
      ...panel,
      gridPos: { ...panel.gridPos, y: panel.gridPos.y + shift },
    }));
    const bottom = Math.max(...inner.map(({ gridPos: { y, h } }) => y + h));
    shift += bottom - (moved.gridPos.y + 1);
    return [{ ...moved, collapsed: false }, ...inner];
  });
  return { ...dashboard, panels };
}
